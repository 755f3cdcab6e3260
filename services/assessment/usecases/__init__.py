"""What people and the case workflow do at assessment: load, decide, save, tell. No network inside."""
