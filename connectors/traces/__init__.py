"""Trace backends, one file a system."""
