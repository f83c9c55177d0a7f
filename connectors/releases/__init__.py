"""When which release was deployed: one file a place that knows."""
