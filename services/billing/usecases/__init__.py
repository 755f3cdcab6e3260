"""What billing does for those who call it: load, decide, store; no network, no clock."""
