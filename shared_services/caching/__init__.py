"""Answers of the exchange that are kept for some seconds, for both stacks."""
