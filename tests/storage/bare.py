"""The library as it comes, as a store: what our stores mend."""

from collections.abc import Callable
from typing import Concatenate

import sqlalchemy as sa
from anyio import to_thread

from shared_services.storage.port import P, Reader, T, Transaction
from shared_services.storage.sql import SqlTransaction


class BareSqlite:
    """An engine with its defaults; `begin` is sent first, where a recipe says so."""

    def __init__(self, engine: sa.Engine, begin: str | None = None) -> None:
        self._engine = engine
        self._begin = begin

    async def transaction(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        def work() -> T:
            with self._engine.begin() as connection:
                if self._begin is not None:
                    connection.exec_driver_sql(self._begin)
                return function(SqlTransaction(connection), *args, **kwargs)

        return await to_thread.run_sync(work)

    async def read(
        self, function: Callable[Concatenate[Reader, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return await self.transaction(function, *args, **kwargs)
