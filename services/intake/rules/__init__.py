"""Rules R-01 to R-41 of domain.md section 5 as pure functions of facts, parameters and a day."""
