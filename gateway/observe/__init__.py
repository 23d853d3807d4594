"""Observers: they see every exchange and change none."""
