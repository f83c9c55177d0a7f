"""Error trackers, one file a system."""
