"""Widgets: thin views over the rooms."""
