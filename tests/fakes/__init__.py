"""Stand-ins that tests pass as arguments in place of what is outside."""
