"""Monitoring: alerts and counters, the same for both stacks."""
