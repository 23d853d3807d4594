"""Judging modern against legacy: evidence and verdicts, and what follows from them."""
