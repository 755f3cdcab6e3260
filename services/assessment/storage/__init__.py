"""All SQL of assessment."""
