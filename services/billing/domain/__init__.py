"""What billing speaks of: records, states and the steps between them."""
