"""Waiting for what another thread does to a store."""

from collections.abc import Callable
from time import monotonic

import sqlalchemy as sa

from gateway.store.opening import Store


def waits(store: Store) -> bool:
    """Whether somebody waits for a lock of the server."""
    with store.database.reading() as connection:
        found = connection.execute(sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted"))
        return bool(found.scalar())


def until(condition: Callable[[], bool]) -> None:
    deadline = monotonic() + 10
    while not condition():
        assert monotonic() < deadline
