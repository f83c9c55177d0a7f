"""Minified positions to the team's own source, with a verdict a frame."""
