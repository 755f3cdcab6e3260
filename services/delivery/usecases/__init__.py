"""What can be done in delivery: load, decide, keep, tell."""
