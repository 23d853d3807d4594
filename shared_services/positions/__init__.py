"""Positions: margin positions of the exchange and what the account holds."""
