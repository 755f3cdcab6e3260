"""Fault and scale drills: the same stories, told while the system is being broken, must end the same."""
