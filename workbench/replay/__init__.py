"""What the user saw: the page at a moment of a recording."""
