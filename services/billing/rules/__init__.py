"""Rules F-01 to F-19, D-07 and D-08 as functions of facts, parameters and days."""
