"""The portfolio: signals combined, sized and checked; allocation and rebalancing."""
