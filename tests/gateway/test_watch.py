"""The plan file: what is saved takes over, what is wrong changes nothing, whatever happens to the file."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from gateway.endpoints import Endpoint, Inventory
from gateway.plan.desk import PlanDesk
from gateway.plan.document import Document, PlanRefused
from gateway.plan.door import INTERVAL, PATIENCE, FileDoor
from gateway.plan.file import FileBase, LastGood
from gateway.plan.switch import HostSwitch
from gateway.plan.watch import Host, PlanWatch
from gateway.stacks.address import StackNotFound
from gateway.store.audit import Act
from gateway.store.opening import open_store
from gateway.store.signal import signal_of
from gateway.store.versions import Proposal
from gateway.words import Phase
from tests.drive import AsgiTarget, Request
from tests.gateway.bridge import until
from tests.stacks import PLAN, gateway, settings

SERVED = Inventory((Endpoint("GET", "/who"),), (Endpoint("GET", "/who"),))
GRADUAL, PARALLEL = "phase: gradual\n", "phase: parallel\n"


class Worker:
    """One process's watch, with what it activated."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "traffic.yaml"
        self.killed = False
        self.active: list[tuple[Phase, int]] = []
        chosen = settings(folder)
        store = open_store(chosen.store_url)
        desk = PlanDesk(store.versions, chosen, lambda: [SERVED])
        door = FileDoor(self.path, FileBase(folder / "base.json", self.path), desk)
        self.switch = HostSwitch(folder / "kill-switch")
        host = Host(LastGood(folder / "last-good.json"), self.switch)
        signal = signal_of(store.database)
        self.watch = PlanWatch(door, store.versions, signal, host, self._activate)

    async def _activate(self, document: Document, version: int) -> None:
        self.killed = document.plan.kill_switch
        self.active.append((document.plan.phase, version))

    async def look(self) -> None:
        """Two looks at the file: that it changed is noticed, and then that it is settled; one at the store."""
        await self.watch.poll()
        await self.watch.poll()
        await self.watch.look()

    @property
    def problems(self) -> list[str]:
        return self.watch.problems


async def started(folder: Path, text: str = GRADUAL) -> Worker:
    worker = Worker(folder)
    worker.path.write_text(text)
    await worker.watch.start()
    return worker


async def test_a_saved_plan_takes_over_with_the_next_version(tmp_path: Path) -> None:
    worker = await started(tmp_path)
    worker.path.write_text(PARALLEL)
    await worker.look()
    assert worker.active == [(Phase.GRADUAL, 1), (Phase.PARALLEL, 2)]
    await worker.look()
    assert len(worker.active) == 2


async def test_b072_a_file_that_is_still_being_written_is_not_read(tmp_path: Path) -> None:
    worker = await started(tmp_path)
    for size in range(1, len(PARALLEL) - 1):
        worker.path.write_text(PARALLEL[:size])
        await worker.watch.poll()
    assert worker.active == [(Phase.GRADUAL, 1)]
    assert worker.problems == []
    worker.path.write_text(PARALLEL)
    await worker.look()
    assert worker.active[-1] == (Phase.PARALLEL, 2)


async def test_b074_a_host_is_killed_and_resumed_without_a_store(tmp_path: Path) -> None:
    worker = await started(tmp_path)
    (tmp_path / "var/banyan.db").write_bytes(b"damaged")
    worker.switch.turn_on("by ann: modern answers with others' data")
    await worker.watch.poll()
    assert (worker.killed, worker.watch.version) == (True, 1)
    assert worker.problems[0].endswith(
        "this host sends everything to legacy: by ann: modern answers with others' data"
    )
    again = Worker(tmp_path)  # a restart in that hour
    await again.watch.start()
    assert again.killed
    worker.switch.turn_off()
    await worker.watch.poll()
    assert (worker.killed, worker.watch.version) == (False, 1)


async def test_a_host_in_phase_full_says_that_it_cannot_be_killed(tmp_path: Path) -> None:
    async with gateway(tmp_path, "phase: full\n") as app:
        HostSwitch(tmp_path / "var/kill-switch").turn_on("by ann")
        await until(lambda: app.watch.refused is not None)
        assert "there is no legacy to go to in `phase: full`" in str(app.watch.refused)
        assert "this host cannot send everything to legacy: by ann" in app.watch.problems[0]
        answer = await AsgiTarget(app).send(Request("GET", "/who"))
        assert answer.header("x-served-by") == "modern"


def make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


async def test_a_file_that_is_saved_all_the_time_is_read_all_the_same(tmp_path: Path) -> None:
    worker = await started(tmp_path)
    for number in range(2 * PATIENCE):
        worker.path.write_text(f"{PARALLEL}# {number}\n")
        await worker.watch.poll()
    assert worker.active[-1][0] is Phase.PARALLEL


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda path: path.write_text("phase: [\n"), "line 2: expected the node content, but found '<stream end>'"),
        (lambda path: path.write_text("phase: gradual\nroutes:\n  - {route: GET /wo, modern: 1}\n"), "line 3: routes[0].route: neither stack serves GET /wo; nearest: GET /who"),
        (lambda path: path.write_bytes(b"phase: \xff\n"), "byte 7 is not UTF-8: a plan is a text file"),
        (lambda path: path.write_text(""), "a plan is a mapping that begins with `phase: …`"),
        (lambda path: (path.unlink(), path.mkdir()), "{path} cannot be read: Is a directory"),
        (make_pipe, "{path} is no regular file"),
        (lambda path: path.write_text("phase: " + "[" * 60_000), "line 1: nested deeper than any plan is"),
        (lambda path: path.write_text("phase: gradual\nroutes:\n" + "[\n" * 60_000), "line 19: nested deeper than any plan is"),
        (lambda path: path.write_text("phase: gradual\nx: 2026-99-99\n"), "a value cannot be read: month must be in 1..12"),
        (lambda path: path.write_text("phase: gradual\nx: !!int _\n"), "a value cannot be read: string index out of range"),
        (lambda path: path.write_text('phase: "\\U99999999"\n'), "a value cannot be read: Python int too large to convert to C int"),
    ],
)  # fmt: skip
async def test_b070_b072_a_damaged_file_is_named_once_and_the_last_good_plan_stays(
    tmp_path: Path, damage: object, problem: str
) -> None:
    worker = await started(tmp_path)
    before = REGISTRY.get_sample_value("gateway_plan_rejections_total") or 0
    damage(worker.path)  # type: ignore[operator]
    await worker.look()
    await worker.look()
    assert worker.problems == [f"traffic.yaml: {problem.format(path=worker.path)}"]
    assert worker.active == [(Phase.GRADUAL, 1)]
    assert worker.watch.version == 1
    assert REGISTRY.get_sample_value("gateway_plan_rejections_total") == before + 1


async def test_b072_a_plan_replaced_by_rename_or_by_a_turned_link_is_seen(tmp_path: Path) -> None:
    worker = await started(tmp_path)
    for number, text in enumerate((PARALLEL, GRADUAL)):
        fresh = tmp_path / f"fresh-{number}"
        fresh.write_text(text)
        if number:
            link = tmp_path / "link"
            link.symlink_to(fresh)
            link.replace(worker.path)
        else:
            fresh.replace(worker.path)
        await worker.look()
    assert worker.active == [(Phase.GRADUAL, 1), (Phase.PARALLEL, 2), (Phase.GRADUAL, 3)]


async def test_a_mended_file_is_accepted_again(tmp_path: Path) -> None:
    worker = await started(tmp_path)
    worker.path.write_text("phase: nonsense\n")
    await worker.look()
    worker.path.write_text(PARALLEL)
    await worker.look()
    assert (worker.problems, worker.active[-1]) == ([], (Phase.PARALLEL, 2))


async def test_b074_a_worker_that_starts_beside_a_broken_file_runs_the_last_good_plan(
    tmp_path: Path,
) -> None:
    first = await started(tmp_path, PARALLEL)
    first.path.write_text("phase: nonsense\n")
    second = Worker(tmp_path)
    await second.watch.start()
    assert second.active == [(Phase.PARALLEL, 1)]
    assert second.problems == [
        "traffic.yaml: line 1: phase: 'nonsense' is no phase: parallel, gradual or full; nearest: parallel"
    ]


async def test_without_any_plan_the_start_is_refused(tmp_path: Path) -> None:
    worker = Worker(tmp_path)
    with pytest.raises(PlanRefused, match="there is no file"):
        await worker.watch.start()


@pytest.mark.parametrize(
    "stored", ["[]", "null", "{}", "", '{"text": 1, "version": 1}', '{"text": "x", "version": "x"}',
               '{"text": "x", "version": null}', "[" * 100_000],
)  # fmt: skip
async def test_a_damaged_last_good_plan_counts_as_none(tmp_path: Path, stored: str) -> None:
    (tmp_path / "last-good.json").write_text(stored)
    worker = await started(tmp_path)
    (tmp_path / "last-good.json").write_text(stored)
    worker.path.write_text(PARALLEL)
    await worker.look()
    assert [phase for phase, _ in worker.active] == [Phase.GRADUAL, Phase.PARALLEL]


async def test_workers_give_one_text_one_version(tmp_path: Path) -> None:
    workers = [await started(tmp_path) for _ in range(3)]
    workers[0].path.write_text(PARALLEL)
    for worker in workers:
        await worker.look()
    assert [worker.active[-1] for worker in workers] == [(Phase.PARALLEL, 2)] * 3


async def test_b074_a_last_good_plan_that_cannot_be_kept_does_not_stop_the_plan(
    tmp_path: Path,
) -> None:
    worker = await started(tmp_path)
    (tmp_path / "last-good.json").unlink()
    (tmp_path / "last-good.json").mkdir()
    worker.path.write_text(PARALLEL)
    await worker.look()
    assert worker.active[-1][0] is Phase.PARALLEL


async def test_a_bug_in_the_activation_leaves_the_old_plan_and_the_watch_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = await started(tmp_path)

    async def broken(document: Document, version: int) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(worker.watch, "_activate", broken)
    worker.path.write_text(PARALLEL)
    await worker.look()
    assert worker.problems == ["version 2: ZeroDivisionError: a bug"]
    assert worker.watch.version == 1


async def test_legacy_that_cannot_be_loaded_when_full_ends_leaves_modern_answering(
    tmp_path: Path,
) -> None:
    def missing() -> Any:
        raise StackNotFound("BANYAN_LEGACY: cannot import 'old': No module named 'old'")

    async with gateway(tmp_path, "phase: full\n", legacy=missing) as app:
        (tmp_path / "traffic.yaml").write_text(GRADUAL)
        await until(lambda: app.watch.problems)
        assert "version 2: BANYAN_LEGACY: cannot import 'old'" in app.watch.problems[0]
        answer = await AsgiTarget(app).send(Request("GET", "/who"))
        assert answer.header("x-served-by") == "modern"


async def test_200_requests_in_flight_during_20_edits_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """End to end below the socket: real stacks, the real file, the running watch."""
    monkeypatch.setattr("gateway.plan.watch.INTERVAL", 0.01)
    answered = 0
    stop = asyncio.Event()

    async with gateway(tmp_path, PLAN.format(phase="gradual", modern=0)) as app:
        target = AsgiTarget(app)

        async def client(number: int) -> None:
            nonlocal answered
            while not stop.is_set():
                answer = await target.send(Request("GET", "/who", {"X-API-Key": f"{number}"}))
                assert answer.status == 200
                assert answer.json()["stack"] == answer.header("x-served-by")
                answered += 1
                await asyncio.sleep(0)  # an app in memory may answer without ever yielding

        async with asyncio.TaskGroup() as clients:
            for number in range(200):
                clients.create_task(client(number))
            try:
                for edit in range(1, 21):
                    (tmp_path / "traffic.yaml").write_text(
                        PLAN.format(phase="gradual", modern=edit)
                    )
                    await until(
                        lambda version=edit + 1: app.dispatch.plan.table.version == version, 60
                    )
            finally:
                stop.set()
    assert answered >= 200


def test_a_saved_plan_is_live_after_two_looks_well_within_a_second() -> None:
    assert 2 * INTERVAL <= 0.5


async def test_the_running_gateway_follows_the_file_by_itself(tmp_path: Path) -> None:
    async with gateway(tmp_path, PLAN.format(phase="gradual", modern=0)) as app:
        (tmp_path / "traffic.yaml").write_text(PLAN.format(phase="gradual", modern=100))
        await until(lambda: app.dispatch.plan.table.version == 2)
        answer = await AsgiTarget(app).send(Request("GET", "/who"))
        assert answer.header("x-served-by") == "modern"


async def test_b075_a_plan_that_is_lost_on_disk_and_in_the_store_is_put_back_from_memory(
    tmp_path: Path,
) -> None:
    worker = await started(tmp_path)
    for lost in ("last-good.json", "var/banyan.db", "var/banyan.db-wal", "var/banyan.db-shm"):
        (tmp_path / lost).unlink(missing_ok=True)
    await worker.watch.look()
    store = open_store(settings(tmp_path).store_url)
    version = store.versions.get(1)
    assert (version.actor, version.document) == ("recovery", GRADUAL)


@pytest.mark.parametrize("by", ["deletion", "a turned link"])
async def test_b072_a_file_that_is_gone_is_no_problem_and_one_that_returns_is_read(
    tmp_path: Path, by: str
) -> None:
    worker = await started(tmp_path)
    worker.path.unlink()
    if by == "a turned link":
        worker.path.symlink_to("nowhere")
    await worker.look()
    assert (worker.problems, worker.active) == ([], [(Phase.GRADUAL, 1)])
    worker.path.unlink(missing_ok=True)
    worker.path.write_text(PARALLEL)
    await worker.look()
    assert worker.active[-1] == (Phase.PARALLEL, 2)


async def test_another_store_with_plans_of_its_own_is_followed_and_gets_none_of_ours(
    tmp_path: Path,
) -> None:
    worker = await started(tmp_path)
    for text in (PARALLEL, GRADUAL):
        worker.path.write_text(text)
        await worker.look()
    worker.path.unlink()
    other = open_store(f"sqlite:///{tmp_path}/other.db")
    act = Act("ann", "elsewhere", "plan.apply")
    other.versions.apply(0, Proposal(PARALLEL, act))
    other.close()
    for lost in ("var/banyan.db-wal", "var/banyan.db-shm"):
        (tmp_path / lost).unlink(missing_ok=True)
    (tmp_path / "other.db").replace(tmp_path / "var/banyan.db")
    await worker.watch.look()
    assert worker.active[-1] == (Phase.PARALLEL, 1)
    store = open_store(settings(tmp_path).store_url)
    assert [one.actor for one in store.versions.history(9)] == ["ann"]
    again = Worker(tmp_path)
    await again.watch.start()
    assert again.active == [(Phase.PARALLEL, 1)]
