"""Traps of loops, threads and bridges: each shown on the bare library, where it fails, and on what we use.

What no wrapper can mend is kept out by the linter; that it is, is shown on a snippet.
"""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
from a2wsgi import WSGIMiddleware
from anyio import to_thread
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from flask import Flask

from gateway.stacks.wsgi.bridges import wsgi_stack
from legacy_flask.blocking import Blocking
from shared_services.services import Services
from tests.drive import AsgiTarget, Request
from tests.gateway.bridge import Client
from tests.stacks import PLAN, gateway, settings

ROOT = Path(__file__).parents[2]
DEADLINE = 6.0  # seconds; what hangs, hangs for ever
BARE = pytest.mark.xfail(strict=True, reason="the bare library")


def bridged(app: Any, kind: str, folder: Path) -> Any:
    """An ASGI app of a WSGI app: by the bare library, or by one of our bridges."""
    if kind == "bare":
        return WSGIMiddleware(app)
    return wsgi_stack(app, settings(folder, wsgi_bridge=kind), BlockingPortal(), {})


KINDS = pytest.mark.parametrize(
    "kind", [pytest.param("bare", marks=BARE), pytest.param("a2wsgi"), pytest.param("banyan")]
)
OURS = pytest.mark.parametrize("kind", ["a2wsgi", "banyan"])


@pytest.mark.parametrize("kind", [pytest.param("bare", marks=BARE), "banyan"])
async def test_t17_an_app_is_offered_a_file_wrapper(kind: str, tmp_path: Path) -> None:
    offered = []

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        offered.append(callable(environ.get("wsgi.file_wrapper")))
        start_response("200 OK", [])
        return []

    await Client(bridged(app, kind, tmp_path)).ask()
    assert offered == [True]


@OURS
async def test_t19_a_latin_1_header_of_an_answer_arrives_as_its_byte(
    kind: str, tmp_path: Path
) -> None:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        start_response("200 OK", [("X-Name", "é")])
        return [b""]

    client = await Client(bridged(app, kind, tmp_path)).ask()
    assert client.headers[b"x-name"] == b"\xe9"


REFUSED = {
    "test_t19": ("from starlette.middleware.wsgi import WSGIMiddleware\n", "TID251"),
    "test_t19 by its other name": ("from fastapi.middleware import wsgi\nwsgi.WSGIMiddleware\n", "TID251"),
    "test_t22": ("import asyncio\n\nasyncio.run_coroutine_threadsafe(None, None)\n", "TID251"),
    "test_t28": ("from starlette.middleware.base import BaseHTTPMiddleware\n", "TID251"),
    "test_t30": ("import asyncio\n\n\nasync def f(g):\n    asyncio.create_task(g())\n", "RUF006"),
}  # fmt: skip


@pytest.mark.parametrize(("snippet", "rule"), REFUSED.values(), ids=list(REFUSED))
def test_t19_t22_t28_t30_the_linter_keeps_out_what_no_wrapper_mends(
    snippet: str, rule: str
) -> None:
    ruff = Path(sys.executable).with_name("ruff")
    said = subprocess.run(
        [ruff, "check", "--output-format=concise", "--stdin-filename=gateway/snippet.py", "-"],
        input=snippet, cwd=ROOT, capture_output=True, text=True, check=False, timeout=DEADLINE,
    )  # fmt: skip
    assert said.returncode == 1, said.stderr
    assert rule in said.stdout


async def wait_bare(work: Callable[[], Awaitable[int]], loop: asyncio.AbstractEventLoop) -> None:
    asyncio.run_coroutine_threadsafe(cast("Any", work()), loop).result(0.1)  # noqa: TID251


async def wait_by_portal(work: Callable[[], Awaitable[int]], _: object) -> None:
    async with BlockingPortal() as portal:
        try:
            portal.call(work)
        except RuntimeError as error:
            told = error
    raise told


@pytest.mark.parametrize("wait", [pytest.param(wait_bare, marks=BARE), wait_by_portal])
async def test_t22_who_waits_on_the_loop_for_the_loop_is_told(
    wait: Callable[..., Awaitable[None]],
) -> None:
    async def work() -> int:
        return 1

    with pytest.raises(RuntimeError, match="event loop thread"):
        await wait(work, asyncio.get_running_loop())


@asynccontextmanager
async def no_services() -> AsyncIterator[Services]:
    yield cast("Services", None)


@pytest.fixture
def blocking() -> Iterator[Blocking]:
    """The bridge of Flask views to services, when Flask runs alone."""
    made = Blocking(no_services, timeout=0.05)
    yield made
    made.close()


def test_t23_a_call_into_the_loop_ends_at_its_deadline_and_is_cancelled(
    blocking: Blocking,
) -> None:
    cancelled = threading.Event()

    async def never(_services: Services) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.set()

    with Flask("legacy").test_request_context(), pytest.raises(TimeoutError):
        blocking.call(never)
    assert cancelled.wait(DEADLINE)


OPENED = {
    "bare": "from anyio.from_thread import start_blocking_portal\n"
    "context = start_blocking_portal()\nportal = context.__enter__()\n"
    "def call(): return portal.start_task_soon(work).result(2)\n",
    "ours": "from contextlib import asynccontextmanager\nfrom flask import Flask\n"
    "from legacy_flask.blocking import Blocking\n"
    "@asynccontextmanager\nasync def no_services():\n    yield None\n"
    "made, app = Blocking(no_services), Flask('legacy')\n"
    "def call():\n    with app.test_request_context(): return made.call(work)\n",
}
WORK = "import os, sys\nasync def work(*_): return 7\n"
OPENINGS = pytest.mark.parametrize(
    "opening", [pytest.param(OPENED["bare"], marks=BARE), OPENED["ours"]], ids=list(OPENED)
)


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False,
        timeout=DEADLINE,
    )  # fmt: skip


@OPENINGS
def test_t24_a_fork_has_a_loop_of_its_own(opening: str) -> None:
    """The child of the bare library waits for a thread that it does not have; an alarm ends it."""
    child = (
        "import signal\ncall()\npid = os.fork()\nif not pid:\n    signal.alarm(3)\n"
        "    os._exit(call())\nos._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    ended = run(WORK + opening + child)
    assert ended.returncode == 7, ended.stderr


@OPENINGS
def test_t25_a_loop_does_not_keep_its_process_alive(opening: str) -> None:
    try:
        ended = run(WORK + opening + "assert call() == 7\n")
    except subprocess.TimeoutExpired as error:
        raise AssertionError("the process does not end") from error
    assert ended.returncode == 0, ended.stderr


def loop_of_a_request() -> asyncio.AbstractEventLoop:
    return asyncio.run(current())


async def current() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


@pytest.mark.parametrize("way", [pytest.param("bare", marks=BARE), "portal"])
async def test_t26_what_a_view_opens_on_the_loop_is_there_for_the_next_one(
    way: str, tmp_path: Path
) -> None:
    loops = []

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        portal = environ["banyan.portal"]
        loops.append(loop_of_a_request() if way == "bare" else portal.call(current))
        start_response("200 OK", [])
        return [b""]

    async with BlockingPortal() as portal:
        stack = wsgi_stack(app, settings(tmp_path), portal, {})
        for _ in range(2):
            await Client(stack).ask()
    assert loops == [asyncio.get_running_loop()] * 2


SEEN: ContextVar[str] = ContextVar("SEEN", default="nothing")


@pytest.mark.parametrize(("share", "stack"), [(0, "legacy"), (100, "modern")])
async def test_t28_what_is_set_around_the_gateway_is_seen_in_both_stacks(
    share: int, stack: str, tmp_path: Path
) -> None:
    legacy, modern = Flask("legacy"), FastAPI()
    legacy.get("/who")(lambda: {"seen": SEEN.get(), "stack": "legacy"})

    @modern.get("/who")
    async def who() -> dict[str, str]:
        return {"seen": SEEN.get(), "stack": "modern"}

    plan = PLAN.format(phase="gradual", modern=share)
    async with gateway(tmp_path, plan, lambda: legacy, lambda: modern) as app:
        SEEN.set("what the server set")
        answer = await AsgiTarget(cast("Any", app)).send(Request("GET", "/who"))
    assert answer.json() == {"seen": "what the server set", "stack": stack}


async def test_t28_a_thread_of_ours_keeps_nothing_of_the_last_request(tmp_path: Path) -> None:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        seen = SEEN.get()
        SEEN.set("of an earlier request")
        start_response("200 OK", [])
        return [seen.encode()]

    stack = wsgi_stack(app, settings(tmp_path, wsgi_threads=1), BlockingPortal(), {})
    assert [(await Client(stack).ask()).body for _ in range(2)] == [b"nothing"] * 2
    await to_thread.run_sync(stack.close)
