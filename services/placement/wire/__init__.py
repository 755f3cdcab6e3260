"""Between the contract of placement and its domain."""
