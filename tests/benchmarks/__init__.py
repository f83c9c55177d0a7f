"""Ratios between two things measured in one run; see the head of each file for the claim."""
