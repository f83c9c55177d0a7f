"""Where deployed bundles' source maps are kept."""
