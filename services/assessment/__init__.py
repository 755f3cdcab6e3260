"""Stage S2: the home visit within seven days, the needs assessment, and their time limits."""
