"""Apps that hang, fail, exit and leave things behind: their request suffers, nobody else's does."""

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.misbehaving import MISDEEDS
from tests.e2e.processes import Running, banyan, wait
from tests.e2e.validated import validated

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("misbehaving")]

APPS = validated(
    {"BANYAN_LEGACY": "tests.e2e.misbehaving:legacy", "BANYAN_MODERN": "tests.e2e.misbehaving:modern"}
)  # fmt: skip
PLAN = """\
phase: gradual
routes:
  - {route: GET /hang, modern: 100}
  - {route: GET /hang-alone, modern: 100, failover: never}
  - {route: GET /block, modern: 100, failover: never}
  - {route: '* /broken/{how}', modern: 100}
  - {route: POST /release, modern: 100}
"""
LEGACY_HANGS = PLAN.replace("route: GET /hang, modern: 100", "route: GET /hang, modern: 0")
TIMEOUT = 15.0  # seconds


@contextmanager
def served(folder: Path, plan: str, *arguments: str) -> Iterator[Running]:
    folder.mkdir(exist_ok=True)
    (folder / "traffic.yaml").write_text(plan)
    with banyan(folder, "up", *arguments, **APPS) as running:
        yield running


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """With a deadline of a second; modern misbehaves."""
    with served(tmp_path_factory.mktemp("modern"), PLAN, "--deadline", "1") as running:
        yield running


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """With two threads and a wait of 0.3 seconds for one."""
    arguments = ("--wsgi-threads", "2", "--wsgi-wait", "0.3")
    with served(tmp_path_factory.mktemp("busy"), LEGACY_HANGS, *arguments) as running:
        yield running


def get(running: Running, path: str) -> httpx.Response:
    return httpx.get(f"{running.url('gateway')}{path}", timeout=TIMEOUT)


@contextmanager
def asking(running: Running, path: str, times: int = 1) -> Iterator[list[Future[httpx.Response]]]:
    """Requests that are under way."""
    with ThreadPoolExecutor(times) as pool:
        yield [pool.submit(get, running, path) for _ in range(times)]


def release(running: Running) -> None:
    """Lets all views go on that hang; by modern, for legacy may have no thread for it."""
    httpx.post(f"{running.url('gateway')}/release").raise_for_status()


def counts(running: Running) -> dict[str, Any]:
    counted: dict[str, Any] = get(running, "/count").json()
    return counted


def metric(running: Running, name: str) -> float:
    text = httpx.get(f"{running.url('control')}/metrics").text
    return sum(
        float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name)
    )


def events(running: Running, name: str) -> list[dict[str, Any]]:
    lines = [line for line in running.errors.splitlines() if f'"{name}"' in line]
    return [json.loads(line) for line in lines]


def test_b047_with_every_thread_taken_the_next_one_waits_only_so_long(busy: Running) -> None:
    with asking(busy, "/hang", 2) as slow:
        wait(lambda: metric(busy, "gateway_wsgi_threads_busy") == 2)
        with asking(busy, "/hang", 3) as late:
            for refused in (one.result(TIMEOUT) for one in late):
                assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
                assert refused.json() == {"error": "All threads are busy"}
                assert refused.elapsed.total_seconds() >= 0.3
        assert not any(one.done() for one in slow)
        release(busy)
    assert [one.result().json() for one in slow] == [{"released": True}] * 2
    wait(lambda: metric(busy, "gateway_wsgi_threads_busy") == 0)
    assert get(busy, "/clean").status_code == 200


def test_b051_a_flask_view_that_hangs_is_504_and_others_are_served(tmp_path: Path) -> None:
    with served(tmp_path, LEGACY_HANGS, "--deadline", "1", "--grace", "1") as running:
        with asking(running, "/hang") as (hanging,):
            wait(lambda: counts(running).get("hanging") == 1)
            assert get(running, "/clean").status_code == 200
            answer = hanging.result(TIMEOUT)
        assert (answer.status_code, answer.headers["x-served-by"]) == (504, "legacy")
        assert answer.json() == {"error": "No answer within 1 seconds"}
        release(running)
        assert get(running, "/hang").json() == {"released": True}


def test_b051_a_handler_that_hangs_on_the_loop_is_504_where_nobody_else_may_answer(
    impatient: Running,
) -> None:
    with asking(impatient, "/hang-alone") as (hanging,):
        assert get(impatient, "/clean").status_code == 200
        answer = hanging.result(TIMEOUT)
    assert (answer.status_code, answer.headers["x-served-by"]) == (504, "modern")


def test_b051_t29_what_blocks_the_loop_is_named_and_others_are_served_afterwards(
    impatient: Running,
) -> None:
    with asking(impatient, "/block") as (blocking,):
        wait(lambda: events(impatient, "loop.blocked"))
        assert get(impatient, "/clean").status_code == 200
        blocking.result(TIMEOUT)
    (event,) = events(impatient, "loop.blocked")
    named = [line for line in event["at"] if "misbehaving.py" in line]
    assert named[-1].endswith(" _the_function_that_blocks")
    assert event["seconds"] >= 1


@pytest.mark.parametrize(("how", "failed"), [("raises", 500), ("answers-503", 503)])
def test_b053_a_get_that_modern_fails_is_rescued_and_a_post_is_executed_once(
    impatient: Running, how: str, failed: int
) -> None:
    path = f"/broken/{how}"
    for turn in range(1, 3):  # of both kinds together fewer than open the route's breaker
        rescued = get(impatient, path)
        assert (rescued.status_code, rescued.headers["x-served-by"]) == (200, "legacy")
        lost = httpx.post(f"{impatient.url('gateway')}{path}", content=b"an order")
        assert (lost.status_code, lost.headers["x-served-by"]) == (failed, "modern")
        seen = counts(impatient)
        assert (seen[f"modern {how}"], seen[f"legacy {how}"]) == (2 * turn, turn)


FAILING = sorted(set(MISDEEDS) - {"leaves-a-mark", "starts-a-thread", "forks", "ends-the-process"})
BEARABLE = ["leaves-a-mark", "starts-a-thread", "forks"]


@pytest.mark.parametrize("misdeed", FAILING)
def test_b055_b126_a_view_that_would_end_the_worker_fails_its_request_only(
    busy: Running, misdeed: str
) -> None:
    before = get(busy, "/clean").json()["pid"]
    for _ in range(3):  # more often than there are threads
        assert get(busy, f"/does/{misdeed}").status_code == 500
    clean = get(busy, "/clean")
    assert (clean.status_code, clean.json()["pid"]) == (200, before)


@pytest.mark.parametrize("misdeed", BEARABLE)
def test_b055_b126_what_a_view_leaves_behind_no_other_request_meets(
    busy: Running, misdeed: str
) -> None:
    """A `threading.local` stays with its thread, as under gunicorn: threads outlive requests there too."""
    before = get(busy, "/clean").json()
    for _ in range(3):
        assert get(busy, f"/does/{misdeed}").json() == {"did": misdeed}
    assert (
        get(busy, "/clean").json() == before == {"mark": "clean", "g": False, "pid": before["pid"]}
    )


def test_b055_a_thread_of_a_view_that_never_ends_does_not_keep_the_process(
    tmp_path: Path,
) -> None:
    with served(tmp_path, PLAN, "--grace", "1") as running:
        assert get(running, "/does/starts-a-thread").status_code == 200
        assert running.stop(deadline=10) in {0, 1}


def test_b126_a_worker_that_a_view_ends_is_replaced_and_answers_again(tmp_path: Path) -> None:
    with served(tmp_path, PLAN, "--workers", "2") as running:
        control = running.url("control")
        wait(lambda: httpx.get(f"{control}/ready").json()["workers"] == 2)
        pids = _pids(running, 2)
        with pytest.raises(httpx.TransportError):
            get(running, "/does/ends-the-process")
        wait(lambda: len(_alive(running) - pids) == 1)
        assert len(_pids(running, 2) & pids) == 1
        assert running.stop() == 0


def _pids(running: Running, workers: int) -> set[int]:
    """Of all workers, by asking until each has answered."""
    pids: set[int] = set()

    def all_seen() -> bool:
        pids.add(get(running, "/clean").json()["pid"])
        return len(pids) == workers

    wait(all_seen)
    return pids


def _alive(running: Running) -> set[int]:
    """Workers that answer now."""
    seen = set()
    for _ in range(20):
        try:
            seen.add(get(running, "/clean").json()["pid"])
        except httpx.TransportError:  # given to the one that is gone
            continue
    return seen
