"""The contract's messages <-> intake's own values, both ways; the one place that knows both."""
