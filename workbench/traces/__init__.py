"""Traces: ids, trees, joins, timelines."""
