"""Between the contract of billing and its domain."""
