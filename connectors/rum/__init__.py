"""RUM stores, one file a system."""
