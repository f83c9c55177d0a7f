"""From raw errors to bugs: stacks, messages, noise, shapes, issues, bugs, impact."""
