"""The store for code without a loop."""

from collections.abc import Callable
from pathlib import Path
from typing import Concatenate

from shared_services.storage import Reader, Transaction
from shared_services.storage.port import P, T
from shared_services.storage.sql import SqlReader, SqlTransaction
from shared_services.storage.sqlite import SqliteStore
from shared_services.storage.sqlite_engine import sqlite_engine


class StoreInThread(SqliteStore):
    """SQLite, each transaction in the thread that asks for it, which may be any: nothing waits."""

    def __init__(self, path: Path, connections: int) -> None:
        engine = sqlite_engine(path, connections)
        super().__init__(engine, path)
        self.close = engine.dispose

    async def transaction(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        with self._begun("BEGIN IMMEDIATE") as connection:
            return function(SqlTransaction(connection), *args, **kwargs)

    async def read(
        self, function: Callable[Concatenate[Reader, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        with self._begun("BEGIN") as connection:
            return function(SqlReader(connection), *args, **kwargs)
