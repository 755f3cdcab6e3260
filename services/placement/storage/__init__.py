"""All SQL of placement."""
