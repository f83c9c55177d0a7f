"""Data: dated files of patterns and thresholds, each with its reason; one loader."""
