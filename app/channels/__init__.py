"""What a channel is, what it may carry, and the contract every provider implements."""
