"""What placement speaks of: records, states and the steps between them."""
