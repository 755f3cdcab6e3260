"""What people and workflows do at intake: load, decide, save, tell. No network, no clock, no commit inside."""
