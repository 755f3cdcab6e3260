"""Benchmarks: what the system takes, beside a floor that is taken in the same run (design section 10)."""
