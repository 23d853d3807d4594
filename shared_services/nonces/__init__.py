"""Nonces and calls per minute: one owner per API key, whatever process asks."""
