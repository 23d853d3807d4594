"""The bridge to WSGI: every trap of a2wsgi 1.10.10 that the stack mends, shown on the bare library.

Each test runs on the bare library, where it is expected to fail, strictly; on a2wsgi with its traps
mended around it; and on our own bridge. When a release of a2wsgi mends a trap, the suite says so.
"""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from a2wsgi import WSGIMiddleware
from anyio.from_thread import BlockingPortal
from prometheus_client import REGISTRY

from gateway.stacks.wsgi.bridges import wsgi_stack
from gateway.stacks.wsgi.threads import DaemonThreads
from tests.gateway.bridge import CHUNKED, Client, chunk, reading_app, until
from tests.stacks import settings

Make = Callable[..., Any]
StartResponse = Callable[..., Any]


@pytest.fixture(
    params=[
        pytest.param("bare", marks=pytest.mark.xfail(strict=True, reason="a2wsgi 1.10.10")),
        "a2wsgi",
        "banyan",
    ]
)
async def bridge(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Make]:
    """Makes an ASGI app of a WSGI app: by the bare library, or by our stack."""
    closing: list[Callable[[], None]] = []

    def bare(app: Any, threads: int = 2, **_: Any) -> Any:
        middleware = WSGIMiddleware(app)
        # Daemon threads, or a thread that the library loses would keep the test run from ending.
        middleware.executor = DaemonThreads(threads)  # type: ignore[assignment]
        closing.append(middleware.executor.shutdown)
        return middleware

    def ours(app: Any, threads: int = 2, **changes: Any) -> Any:
        chosen = settings(tmp_path, wsgi_threads=threads, wsgi_bridge=request.param, **changes)
        stack = wsgi_stack(app, chosen, BlockingPortal(), {})
        closing.append(stack.close)
        return stack

    yield bare if request.param == "bare" else ours
    for close in closing:
        close()


def plain(status: str, *parts: bytes) -> Any:
    """A WSGI app that answers `status` with `parts`."""

    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        start_response(status, [])
        return list(parts)

    return app


class Streaming:
    """A WSGI app whose answer has `steps` parts, each after a `step()`; counts what happens to it."""

    def __init__(self, steps: int, step: Callable[[], object] = lambda: None) -> None:
        self._steps, self._step = steps, step
        self.made = 0
        self.closed = 0

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> "Streaming":
        start_response("200 OK", [])
        return self

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(self._steps):
            self._step()
            self.made += 1
            yield b"x" * 1024

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize(
    ("path", "kind", "body", "read"),
    [
        ("/raw", b"application/octet-stream", b"hello", 5),
        ("/json", b"application/json", b'{"a":1}', {"a": 1}),
        ("/form", b"application/x-www-form-urlencoded", b"a=1&b=2", {"a": "1", "b": "2"}),
    ],
)
async def test_t01_b040_a_chunked_body_arrives_and_no_length_is_invented(
    bridge: Make, path: str, kind: bytes, body: bytes, read: object
) -> None:
    messages = chunk(body[:2], more=True), chunk(body[2:])
    headers = [CHUNKED, (b"content-type", kind)]
    client = Client(bridge(reading_app()), *messages, method="POST", path=path, headers=headers)
    assert (await client.ask()).json() == {"read": read, "declared": None}


@pytest.mark.parametrize("framing", [CHUNKED, (b"content-length", b"10")])
async def test_t02_b041_an_upload_that_is_cut_short_never_reaches_the_app(
    bridge: Make, framing: tuple[bytes, bytes]
) -> None:
    calls = []

    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        calls.append(environ["wsgi.input"].read(10))
        start_response("200 OK", [])
        return [b"ordered"]

    before = REGISTRY.get_sample_value("gateway_aborted_uploads_total") or 0
    client = Client(bridge(app), chunk(b"order", more=True), method="POST", headers=[framing])
    client.gone.set()
    await client.ask()
    assert calls == []
    assert client.sent == []
    assert REGISTRY.get_sample_value("gateway_aborted_uploads_total") == before + 1


async def test_t03_a_body_can_be_read_line_by_line(bridge: Make) -> None:
    client = Client(
        bridge(reading_app()), chunk(b"ab\ncd\n", more=True), chunk(b"ef"), method="POST",
        path="/lines", headers=[CHUNKED],
    )  # fmt: skip
    assert (await client.ask()).json()["read"] == ["ab\n", "cd\n", "ef"]


async def test_t04_a_full_pool_answers_503_after_a_bounded_wait(bridge: Make) -> None:
    release, running = threading.Event(), threading.Semaphore(0)

    def slow(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        running.release()
        release.wait(10)
        start_response("200 OK", [])
        return [b"done"]

    app = bridge(slow, threads=2, wsgi_wait=0.05)
    clients = [Client(app) for _ in range(2)]
    tasks = [asyncio.create_task(client.ask()) for client in clients]
    await until(lambda: running.acquire(blocking=False))
    await until(lambda: running.acquire(blocking=False))
    try:
        late = await Client(app).ask(deadline=1)
        assert (late.status, late.headers[b"retry-after"]) == (503, b"1")
        assert app.busy() == 2
    finally:
        release.set()
        await asyncio.gather(*tasks)
    assert [client.body for client in clients] == [b"done", b"done"]
    await until(lambda: app.busy() == 0)


async def test_t05_stalled_uploads_hold_no_threads(bridge: Make) -> None:
    app = bridge(reading_app(), threads=2)
    headers = [(b"content-length", b"10")]
    stalled = [
        Client(app, chunk(b"half", more=True), method="POST", path="/raw", headers=headers)
        for _ in range(7)
    ]
    tasks = [asyncio.create_task(client.ask(deadline=60)) for client in stalled]
    await asyncio.sleep(0)
    try:
        assert (await Client(app, path="/query").ask(deadline=1)).status == 200
    finally:
        for client in stalled:
            client.gone.set()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_t06_an_iterable_is_closed_when_the_client_leaves(bridge: Make) -> None:
    steps = threading.Semaphore(3)
    streaming = Streaming(50, lambda: steps.acquire(timeout=10))
    client = Client(bridge(streaming))
    task = asyncio.create_task(client.ask())
    await until(lambda: len(client.body) == 3 * 1024)
    client.gone.set()
    await asyncio.sleep(0.05)  # the loop sees the disconnect; nothing tells a test that it has
    for _ in range(50):
        steps.release()
    await task
    await until(lambda: streaming.closed == 1)
    assert streaming.made <= 4


async def test_t07_cancelled_streams_free_their_threads(bridge: Make) -> None:
    streaming = Streaming(100)
    app = bridge(streaming, threads=3)

    async def stall(message: Any) -> None:
        await asyncio.Event().wait()

    for _ in range(6):
        client = Client(app)
        client.send = stall  # type: ignore[method-assign]
        with pytest.raises(TimeoutError):
            await client.ask(deadline=0.1)
    last = Client(app)
    await last.ask(deadline=2)
    assert len(last.body) == 100 * 1024
    await until(lambda: streaming.closed == 7)


async def test_t08_a_send_that_raises_frees_the_thread(bridge: Make) -> None:
    streaming = Streaming(100)
    app = bridge(streaming, threads=1)

    async def broken(message: Any) -> None:
        raise ConnectionError("gone")

    client = Client(app)
    client.send = broken  # type: ignore[method-assign]
    with pytest.raises(ConnectionError, match="gone"):
        await client.ask(deadline=2)
    assert (await Client(app).ask(deadline=2)).status == 200
    assert streaming.closed == 2


async def test_t09_a_raw_byte_in_the_query_arrives(bridge: Make) -> None:
    client = Client(bridge(reading_app()), path="/query", query_string=b"a=\xc3\xa9")
    assert (await client.ask()).json() == {"a": "é"}


async def test_t10_nothing_is_mounted_under_a_prefix(
    bridge: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCRIPT_NAME", "/x")
    client = Client(bridge(reading_app()), path="/environ", root_path="/env")
    environ = (await client.ask()).json()
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("", "/environ")


async def test_t14_cookie_lines_of_http_2_are_one_header(bridge: Make) -> None:
    headers = [(b"cookie", b"a=1"), (b"cookie", b"b=2")]
    client = Client(bridge(reading_app()), path="/cookies", http_version="2", headers=headers)
    assert (await client.ask()).json() == {"a": "1", "b": "2"}


async def test_t15_errors_go_to_standard_error(bridge: Make) -> None:
    streams = []

    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        streams.append(environ["wsgi.errors"])
        start_response("200 OK", [])
        return []

    await Client(bridge(app)).ask()
    assert streams == [sys.stderr]


async def test_t16_a_status_without_a_reason_is_a_status(bridge: Make) -> None:
    assert (await Client(bridge(plain("299", b"x"))).ask()).status == 299


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", "200 OK"), ("GET", "204 X"), ("GET", "304 X")]
)
async def test_b025_an_answer_without_a_body_has_none_whatever_the_app_sends(
    bridge: Make, method: str, status: str
) -> None:
    client = await Client(bridge(plain(status, b"body")), method=method).ask()
    assert client.body == b""


LEAVING = """
import asyncio
from tests.gateway.bridge import Client

def leave(environ, start_response):
    raise SystemExit(3)

async def main():
    try:
        await Client({make}).ask()
    except Exception as error:
        print(f"the worker lives: {{error}}")

asyncio.run(main())
"""
OURS = """
from pathlib import Path
from anyio.from_thread import BlockingPortal
from gateway.stacks.wsgi.bridge import WSGIStack
from gateway.stacks.wsgi.reference import ReferenceStack
from tests.stacks import settings
"""


@pytest.mark.parametrize(
    ("imports", "make"),
    [
        pytest.param(
            "from a2wsgi import WSGIMiddleware",
            "WSGIMiddleware(leave)",
            id="bare",
            marks=pytest.mark.xfail(strict=True, reason="a2wsgi 1.10.10"),
        ),
        pytest.param(
            OURS, "ReferenceStack(leave, settings(Path()), BlockingPortal(), {})", id="a2wsgi"
        ),
        pytest.param(OURS, "WSGIStack(leave, settings(Path()), BlockingPortal(), {})", id="banyan"),
    ],
)
async def test_b055_a_view_that_exits_fails_its_request_only(imports: str, make: str) -> None:
    """In a process of its own: an exit that gets through would end the test run."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", imports + LEAVING.format(make=make), stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(20):
        output, _ = await process.communicate()
    assert (process.returncode, output) == (0, b"the worker lives: the app raised SystemExit\n")


async def test_t18_a_view_that_never_ends_does_not_keep_the_process_alive() -> None:
    code = (
        "import time\n"
        "from gateway.stacks.wsgi.threads import DaemonThreads\n"
        "DaemonThreads(1).submit(time.sleep, 60)\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    async with asyncio.timeout(10):
        assert await process.wait() == 0
