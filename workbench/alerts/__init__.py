"""Alert rules, tested against what happened."""
