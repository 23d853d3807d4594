"""Heartbeats: whatever becomes of the store, they end neither the worker nor its end."""

from collections.abc import Callable
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import anyio
import pytest

from gateway.app import Gateway
from gateway.endpoints import Inventory
from gateway.inventory import inventory_as
from gateway.store.opening import open_store
from tests.gateway.bridge import until
from tests.stacks import gateway, settings

PLAN = "phase: gradual\n"


def broken(*_: object, **__: object) -> Any:
    raise ZeroDivisionError("a bug")


@pytest.mark.parametrize(
    "where", ["workers.beat", "traffic.document", "recent.document", "inventory"]
)
async def test_a_bug_of_ours_ends_neither_the_heartbeats_nor_the_data_plane(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr("gateway.heartbeat.INTERVAL", 0.01)
    store = open_store(settings(tmp_path).store_url)
    async with gateway(tmp_path, PLAN) as app:
        await until(store.workers.all)
        owner, _, name = where.rpartition(".")
        with monkeypatch.context() as patch:
            heart = app._heartbeat
            patch.setattr(getattr(heart, owner) if owner else heart, name, broken)
            await until(lambda: heart._silent)
        await until(lambda: not heart._silent)
    store.close()


async def test_what_the_stacks_serve_is_written_down_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.heartbeat.INTERVAL", 0.01)
    written: list[Inventory] = []

    def counted(inventory: Inventory) -> str:
        written.append(inventory)
        return inventory_as(inventory)

    monkeypatch.setattr("gateway.heartbeat.inventory_as", counted)
    async with gateway(tmp_path, PLAN) as app:
        await until(lambda: app._heartbeat._count > 3)
        assert written == [app._host.inventory]


def hung_heartbeat(app: Gateway) -> tuple[object, str]:
    return app._heartbeat.workers, "beat"


def hung_look(app: Gateway) -> tuple[object, str]:
    return app.watch._versions, "mark"


def hung_file(app: Gateway) -> tuple[object, str]:
    return app.watch.door, "_taken"


@pytest.mark.parametrize("hung", [hung_heartbeat, hung_look, hung_file])
async def test_b074_a_worker_ends_while_the_store_says_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    hung: Callable[[Gateway], tuple[object, str]],
) -> None:
    """As PostgreSQL on a disk that stands still: the connection lives, and no time limit of its own runs."""
    asked, answer = Event(), Event()

    def silent(*_: object, **__: object) -> Any:
        asked.set()
        answer.wait(30)
        return (1, 0.0)

    try:
        with anyio.fail_after(20):
            async with gateway(tmp_path, PLAN) as app:
                monkeypatch.setattr(*hung(app), silent)
                (tmp_path / "traffic.yaml").write_text("phase: parallel\n")
                await until(asked.is_set)
                before = monotonic()
        assert monotonic() - before < 5
    finally:
        answer.set()


async def test_b074_a_plan_file_on_a_dead_mount_does_not_block_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answer = Event(), Event()

    def dead(_: Path) -> None:
        asked.set()
        answer.wait(10)

    try:
        async with gateway(tmp_path, PLAN):
            monkeypatch.setattr("gateway.plan.door.stamp", dead)
            await until(asked.is_set)
            assert not answer.is_set()
    finally:
        answer.set()
