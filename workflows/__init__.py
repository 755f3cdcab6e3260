"""What waits: the case from submission to the end of care, the daily and the monthly run (design laws 1 and 2)."""
