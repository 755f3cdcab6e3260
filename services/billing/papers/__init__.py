"""Documents of billing for people."""
