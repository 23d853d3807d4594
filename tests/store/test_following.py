"""A worker and its store in the hours that go wrong: it follows what is in force, and says why where it does not."""

import sys
from dataclasses import replace
from pathlib import Path
from threading import Event

import anyio
import pytest
import sqlalchemy as sa

from gateway.plan.document import Document, PlanRefused, Problem
from gateway.plan.file import Accepted, LastGood
from gateway.plan.switch import HostSwitch
from gateway.store.opening import Store, open_store
from gateway.store.versions import Proposal, Version
from tests.store.acts import PLAN, applied, numbered, proposal
from tests.store.following import Follower, followed

WRONG = "phase: nonsense\n"
NONSENSE = "line 1: phase: 'nonsense' is no phase: parallel, gradual or full; nearest: parallel"


@pytest.fixture
async def follower(store: Store, tmp_path: Path) -> Follower:
    return await followed(store, tmp_path / "worker")


@pytest.fixture
def switch(tmp_path: Path) -> HostSwitch:
    return HostSwitch(tmp_path / "worker/kill")


def forget(raw: sa.Engine, after: int) -> None:
    """As a backup that was made after this version."""
    without_triggers = {
        "sqlite": "DROP TRIGGER IF EXISTS plan_versions_delete",
        "postgresql": "SET LOCAL session_replication_role = replica",
    }
    with raw.begin() as connection:
        connection.exec_driver_sql(without_triggers[raw.dialect.name])
        connection.execute(sa.text("DELETE FROM plan_versions WHERE version > :v"), {"v": after})


def emptied(raw: sa.Engine) -> None:
    """As one that was made anew: no versions, and another id."""
    forget(raw, 0)
    with raw.begin() as connection:
        connection.execute(sa.text("UPDATE banyan_meta SET value = 'new' WHERE name = 'id'"))
        connection.execute(sa.text("DELETE FROM plan_files"))


def current(store: Store) -> Version:
    found = store.versions.current()
    assert found is not None
    return found


async def test_what_runs_already_is_not_activated_again(follower: Follower) -> None:
    for _ in range(3):
        await follower.watch.look()
    assert follower.active == [1, 3]


async def test_b075_the_same_number_with_another_plan_is_followed(
    follower: Follower, store: Store, raw: sa.Engine
) -> None:
    """The store was restored, and others were faster than we with as many versions."""
    forget(raw, 1)
    applied(store, "phase: parallel\n", "phase: parallel # again\n")
    await follower.watch.look()
    assert follower.active == [1, 3, 3]
    assert LastGood(follower.path.with_name("last-good.json")).read() == Accepted(
        "phase: parallel # again\n", 3, store.versions.lineage()
    )


async def test_b075_of_another_store_each_version_is_activated_once(
    follower: Follower, store: Store, raw: sa.Engine
) -> None:
    emptied(raw)
    applied(store, PLAN)
    for _ in range(2):
        await follower.watch.look()
    assert follower.active == [1, 3, 1]
    for text in numbered(2):
        applied(store, text)
        await follower.watch.look()
    assert follower.active == [1, 3, 1, 2, 3]


async def test_b075_what_runs_is_put_back_where_the_disk_remembers_less(
    follower: Follower, store: Store, raw: sa.Engine
) -> None:
    """As on a disk that was full for the last versions."""
    last_good = follower.path.with_name("last-good.json")
    last_good.unlink()
    LastGood(last_good).keep(Accepted(PLAN, 1, store.versions.lineage()))
    forget(raw, 2)
    await follower.watch.look()
    assert (current(store).version, current(store).actor) == (3, "recovery")


async def test_b075_of_two_hosts_that_find_an_emptied_store_the_newer_plan_wins(
    follower: Follower, store: Store, other: Store, raw: sa.Engine, tmp_path: Path
) -> None:
    behind = Follower(other, tmp_path / "behind")
    await behind.watch.start()
    applied(store, "phase: parallel\n")
    await follower.watch.look()
    emptied(raw)
    for host in (behind, follower, behind):  # the one behind is faster
        await host.watch.look()
    assert (current(store).version, current(store).document) == (4, "phase: parallel\n")
    assert (behind.watch.version, follower.watch.version) == (4, 4)


async def test_b075_once_somebody_has_decided_in_the_new_store_no_host_overrules_him(
    follower: Follower, store: Store, other: Store, raw: sa.Engine, tmp_path: Path
) -> None:
    behind = Follower(other, tmp_path / "behind")
    await behind.watch.start()
    applied(store, *["phase: parallel\n"] * 3)
    await follower.watch.look()
    emptied(raw)
    await behind.watch.look()
    decided = applied(other, "phase: gradual # mine\n")[0]
    await follower.watch.look()
    assert current(store) == decided
    assert follower.watch.version == decided.version == 4


async def test_b075_after_an_emptied_store_the_host_knows_that_its_plan_is_of_the_new_one(
    follower: Follower, store: Store, raw: sa.Engine
) -> None:
    emptied(raw)
    await follower.watch.look()
    last = LastGood(follower.path.with_name("last-good.json")).read()
    assert last is not None
    assert (last.version, last.store) == (3, "new")


async def test_a_version_that_is_refused_stays_a_problem_after_the_host_was_killed_and_resumed(
    follower: Follower, store: Store, switch: HostSwitch
) -> None:
    applied(store, WRONG)
    await follower.watch.look()
    assert follower.watch.problems == [f"version 4: {NONSENSE}"]
    switch.turn_on("by ann")
    await follower.watch.poll()
    switch.turn_off()
    await follower.watch.poll()
    await follower.watch.look()
    assert follower.watch.problems == [f"version 4: {NONSENSE}"]


async def test_b075_a_refused_version_that_is_gone_from_the_store_is_no_problem_any_more(
    follower: Follower, store: Store, raw: sa.Engine
) -> None:
    applied(store, WRONG)
    await follower.watch.look()
    forget(raw, 3)
    await follower.watch.look()
    assert (follower.active, follower.watch.problems) == ([1, 3], [])


async def test_a_host_that_cannot_be_killed_for_a_bug_of_ours_says_so(
    follower: Follower, switch: HostSwitch, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(follower.watch, "_activate", broken)
    switch.turn_on("by ann")
    await follower.watch.poll()
    assert follower.watch.problems[1:] == ["version 3: ZeroDivisionError: a bug"]


async def test_a_worker_that_starts_with_the_last_good_plan_says_which_version_it_refuses(
    follower: Follower, store: Store
) -> None:
    applied(store, WRONG)
    again = Follower(store, follower.path.parent)
    await again.watch.start()
    assert again.active == [3]
    assert again.watch.problems == [f"version 4: {NONSENSE}"]


async def test_a_version_that_was_refused_because_the_host_is_killed_runs_once_it_is_resumed(
    follower: Follower, store: Store, switch: HostSwitch, monkeypatch: pytest.MonkeyPatch
) -> None:
    activate = follower.watch._activate

    async def full(document: Document, version: int) -> None:
        if document.plan.kill_switch and document.plan.phase == "full":
            raise PlanRefused([Problem("there is no legacy to go to")])
        await activate(document, version)

    monkeypatch.setattr(follower.watch, "_activate", full)
    switch.turn_on("by ann")
    await follower.watch.poll()
    applied(store, "phase: full\n")
    await follower.watch.look()
    assert "version 4: there is no legacy to go to" in follower.watch.problems
    switch.turn_off()
    await follower.watch.poll()
    await follower.watch.look()
    assert (follower.watch.version, follower.watch.problems) == (4, [])


async def test_b074_a_host_is_killed_while_the_store_says_nothing(
    follower: Follower, switch: HostSwitch, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answer = Event(), Event()

    def silent() -> tuple[int, float]:
        asked.set()
        answer.wait(30)
        return 3, 0.0

    monkeypatch.setattr(follower.watch._versions, "mark", silent)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follower.watch.run)
        try:
            with anyio.fail_after(10):
                while not asked.is_set():
                    await anyio.sleep(0.01)
                switch.turn_on("by ann")
                while len(follower.active) < 3:
                    await anyio.sleep(0.01)
        finally:
            answer.set()
        tasks.cancel_scope.cancel()
    assert follower.watch.problems[0].endswith("this host sends everything to legacy: by ann")


async def test_b074_a_switch_that_cannot_be_looked_at_is_said_and_stays_as_it_was(
    follower: Follower, switch: HostSwitch
) -> None:
    switch.turn_on("by ann")
    await follower.watch.poll()
    watched, good = follower.watch._switch, switch.path
    watched.path = good.with_name("x" * 300)  # stat fails, and not because there is no such file
    await follower.watch.poll()
    assert len(follower.active) == 3
    assert "File name too long" in follower.watch.problems[-1]
    watched.path = good
    await follower.watch.poll()
    assert len(follower.watch.problems) == 1


@pytest.mark.parametrize(
    "where", ["_versions.mark", "_signal.wait", "door.changed", "door.poll", "_switch.why"]
)
async def test_a_bug_of_ours_does_not_end_the_watch(
    follower: Follower, store: Store, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Uvicorn would serve on, with a plan that nothing changes any more."""
    owner, _, name = where.partition(".")
    broken = Event()

    def bug(*_: object) -> None:
        broken.set()
        raise ZeroDivisionError

    with monkeypatch.context() as patch, anyio.fail_after(10):
        target = getattr(follower.watch, owner)
        if where == "_switch.why":
            patch.setattr(type(target), name, property(bug))
            target.turn_on("")
        else:
            patch.setattr(target, name, bug)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follower.watch.run)
            while not broken.is_set():
                await anyio.sleep(0.01)
            patch.undo()
            applied(store, PLAN)
            while follower.watch.version < 4:
                await anyio.sleep(0.01)
            tasks.cancel_scope.cancel()


async def test_t41_a_driver_that_is_not_installed_is_named_and_ends_nobody(
    fleet_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    follower = Follower(open_store(fleet_url), tmp_path / "worker")
    await follower.watch.start()
    with anyio.move_on_after(2.5):
        await follower.watch.run()
    assert len(follower.watch.problems) == 2  # the file's is the other
    assert all("pip install 'banyan-gateway[postgres]'" in one for one in follower.watch.problems)


def test_a_recovery_says_of_which_store_it_is(store: Store) -> None:
    act = replace(proposal().act, actor="recovery")
    store.versions.recover(7, Proposal(PLAN, act), "old")
    assert store.versions.continues("old")
    assert store.versions.continues(store.versions.lineage())
    assert not store.versions.continues("another")
    applied(store, PLAN)
    assert not store.versions.continues("old")
