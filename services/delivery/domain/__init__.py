"""What delivery speaks of: records, states and the steps between them."""
