"""What a URL opens, and what importing does not."""

import subprocess
import sys
from pathlib import Path

import pytest

from shared_services.storage import open_store
from shared_services.storage.errors import UnusableStore

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("postgresql://ann:secret@host/trading", "postgresql://"),
        ("mysql://ann:secret@host/trading", "mysql://"),
        ("memory://secret", "memory://"),
        ("var/secret.db", "a URL without ://"),
        ("", "a URL without ://"),
    ],
)
def test_t37_a_url_without_one_of_our_drivers_is_refused_with_those_there_are(
    url: str, named: str
) -> None:
    with pytest.raises(UnusableStore) as caught:
        open_store(url)

    assert str(caught.value) == (
        f"no store for {named}: give memory://, sqlite:///var/trading.db "
        "or postgresql+psycopg://user@host/database"
    )


def test_a_missing_driver_is_named_with_the_extra_that_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "shared_services.storage.postgres", raising=False)

    with pytest.raises(UnusableStore, match=r"psycopg.*pip install 'banyan-gateway\[postgres\]'"):
        open_store("postgresql+psycopg://ann@host/trading")


def test_importing_and_opening_the_memory_store_loads_no_database_library() -> None:
    program = """
import asyncio, sys
from shared_services.storage import open_store
async def main():
    async with open_store("memory://") as store:
        await store.read(lambda reader: None)
asyncio.run(main())
print(*sorted({"sqlalchemy", "alembic", "psycopg", "sqlite3"} & sys.modules.keys()))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "\n"
