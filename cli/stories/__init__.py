"""The story player: acceptance stories driven through the public gRPC calls on simulated time."""
