"""From a URL to an open store."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from shared_services.storage.errors import UnusableStore
from shared_services.storage.memory import MemoryStore
from shared_services.storage.port import Store

FORMS = "memory://, sqlite:///var/trading.db or postgresql+psycopg://user@host/database"


def open_store(url: str) -> AbstractAsyncContextManager[Store]:
    """The store that `url` names, its schema brought up to date, for the loop that enters it.

    Raises UnusableStore for a URL, file or schema that cannot be used, and StoreUnavailable for a
    server that does not answer. A driver is imported when a URL asks for it.
    """
    scheme, separator, _ = url.partition("://")
    if url == "memory://":
        return _memory()
    if separator and scheme == "sqlite":
        return _sqlite(url)
    if separator and scheme == "postgresql+psycopg":
        return _postgres(url)
    named = f"{scheme}://" if separator else "a URL without ://"  # the rest may hold a password
    raise UnusableStore(f"no store for {named}: give {FORMS}")


@asynccontextmanager
async def _memory() -> AsyncIterator[Store]:
    yield MemoryStore()


def _sqlite(url: str) -> AbstractAsyncContextManager[Store]:
    from shared_services.storage.migrate import migrate  # noqa: PLC0415 - 0.3 s, and not for memory
    from shared_services.storage.sqlite import open_sqlite  # noqa: PLC0415

    return open_sqlite(url, migrate)


def _postgres(url: str) -> AbstractAsyncContextManager[Store]:
    from shared_services.storage.migrate import migrate  # noqa: PLC0415

    try:
        from shared_services.storage.postgres import open_postgres  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UnusableStore(f"{error}; pip install 'banyan-gateway[postgres]'") from error
    return open_postgres(url, migrate)
