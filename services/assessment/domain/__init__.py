"""What assessment knows: the assessment of a case with its visits, limits and rungs."""
