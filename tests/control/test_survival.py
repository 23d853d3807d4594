"""What runs beside the admin API goes on after a bug of ours: nobody else would start it again."""

from pathlib import Path
from threading import Event

import anyio
import pytest
from structlog.testing import capture_logs

from gateway.control import events, housekeeping
from gateway.control.events import Events
from gateway.control.housekeeping import Housekeeping
from gateway.store.errors import StoreUnavailable
from gateway.store.leader import leadership
from gateway.store.opening import Store, open_store


@pytest.fixture
def file_store(tmp_path: Path) -> Store:
    return open_store(f"sqlite:///{tmp_path}/banyan.db")


class Breaks:
    """Breaks once, then works."""

    def __init__(self) -> None:
        self.works = Event()
        self._broken = False

    def __call__(self, *_: object) -> int:
        if not self._broken:
            self._broken = True
            raise ZeroDivisionError("a bug")
        self.works.set()
        return 0


async def test_housekeeping_survives_a_bug(
    file_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaks = Breaks()
    monkeypatch.setattr(housekeeping, "INTERVAL", 0.01)
    monkeypatch.setattr(file_store.workers, "retire", breaks)
    keeping = Housekeeping(file_store, leadership(file_store.database))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keeping.run)
        with anyio.fail_after(10):
            while not breaks.works.is_set():
                await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()
    keeping.close()


def test_a_judge_that_fails_is_logged_once_and_keeps_nothing_back(
    file_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    tidied: list[int] = []

    def retire(_: object) -> int:
        tidied.append(1)
        return 0

    monkeypatch.setattr(file_store.workers, "retire", retire)
    why: list[Exception] = [ZeroDivisionError("a bug")] * 15 + [StoreUnavailable("away")] * 15

    def judge() -> None:
        raise why.pop(0)

    keeping = Housekeeping(file_store, leadership(file_store.database), judge)
    with capture_logs() as logs:
        for _ in range(30):
            keeping.step()
    keeping.close()
    failed = [line["error"] for line in logs if line["event"] == "housekeeping.failed"]
    assert failed == ["a bug", "away"]
    assert len(tidied) == 3


async def test_events_survive_a_bug(file_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    breaks = Breaks()
    monkeypatch.setattr(events, "_POLL", 0.01)
    monkeypatch.setattr(file_store.versions, "newest", breaks)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(Events(file_store).run)
        with anyio.fail_after(10):
            while not breaks.works.is_set():
                await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()


def test_traffic_of_a_worker_that_is_nested_without_end_counts_for_nothing() -> None:
    assert housekeeping._counted("[" * 200_000) == []
