"""These tests need the extra `exchanges`; without it there is nothing here to test."""

from importlib.util import find_spec

if find_spec("ccxt") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    from tests.exchanges.fixtures import clock, exchange, fake, market, owner, store

    __all__ = ["clock", "exchange", "fake", "market", "owner", "store"]
