"""The contract's messages <-> what assessment knows, both ways."""
