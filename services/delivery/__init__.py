"""Stages S7 and S8: care day after day, pauses, kitchens; owner of what was planned, delivered and paused."""
