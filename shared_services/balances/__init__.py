"""Balances of the account."""
