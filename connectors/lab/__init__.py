"""Synthetic results, one file a system."""
