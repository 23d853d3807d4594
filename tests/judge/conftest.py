"""The judge over a store of its own: a file, and a server where two control planes matter."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.judge.judging import Bench, opened
from tests.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    made = opened(f"sqlite:///{tmp_path}/banyan.db", tmp_path, monkeypatch)
    yield made
    made.store.close()


@pytest.fixture(params=["sqlite", "postgres"])
def either(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    """On both databases."""
    url = f"sqlite:///{tmp_path}/banyan.db"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    made = opened(url, tmp_path, monkeypatch)
    yield made
    made.store.close()


@pytest.fixture
def fleet_bench(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    made = opened(postgres_url, tmp_path, monkeypatch)
    yield made
    made.store.close()
