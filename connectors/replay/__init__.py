"""Session-replay stores, one file a system."""
