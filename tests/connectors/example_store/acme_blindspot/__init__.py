"""A connector as another package would bring it."""
