"""Between the contract of delivery and its domain."""
