"""Risk management: the rules an order must pass."""
