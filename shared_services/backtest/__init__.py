"""Backtests: strategies run over past prices."""
