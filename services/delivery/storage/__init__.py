"""All SQL of delivery: `store` for commands, `planning` for the horizon, `reading` for questions."""
