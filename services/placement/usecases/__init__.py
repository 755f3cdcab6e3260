"""What can be done in placement: load, decide, keep, tell."""
