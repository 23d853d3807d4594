"""Nonces and rate limits: one owner per API key, whatever process asks."""
