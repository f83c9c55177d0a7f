"""Frames to Altair charts; one theme."""
