"""One case, one workflow id, from submission to the end of care (design section 5)."""
