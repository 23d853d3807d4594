"""The exchange: one port, its adapters, and what the other services use of it."""
