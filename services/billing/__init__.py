"""Stage S9: what a month of care costs, what is billed, what is paid, and whose money is held (domain.md section 6)."""
