"""Our bridge to WSGI where it does more than a2wsgi could: joined parts, files, threads that slow readers free."""

import asyncio
import gc
import hashlib
import io
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal
from prometheus_client import REGISTRY

from gateway.answer import ClientTooSlow
from gateway.stacks import outbox
from gateway.stacks.outbox import ROOM
from gateway.stacks.wsgi import WSGIStack
from tests.gateway.bridge import Client, chunk, until
from tests.stacks import settings

Make = Callable[..., Any]
StartResponse = Callable[..., Any]
PART = b"x" * 64 * 1024


@pytest.fixture
async def bridge(tmp_path: Path) -> AsyncIterator[Make]:
    closing: list[Callable[[], None]] = []

    def make(app: Any, threads: int = 2, **changes: Any) -> WSGIStack:
        chosen = settings(tmp_path, wsgi_threads=threads, **changes)
        stack = WSGIStack(app, chosen, BlockingPortal(), {})
        closing.append(stack.close)
        return stack

    yield make
    for close in closing:
        close()


def answering(make: Callable[[], Iterable[bytes]], *headers: tuple[str, str]) -> Any:
    """A WSGI app that answers 200 with what `make` makes."""

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", list(headers))
        return make()

    return app


class Slow(Client):
    """A client that takes nothing until `reads` is set."""

    def __init__(self, app: Any, **scope: Any) -> None:
        super().__init__(app, **scope)
        self.reads = asyncio.Event()

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            await self.reads.wait()
        await super().send(message)


async def test_t17_a_fast_stream_is_joined_and_a_slow_one_arrives_part_by_part(
    bridge: Make,
) -> None:
    fast = await Client(bridge(answering(lambda: (b"x" * 1024 for _ in range(4096))))).ask()
    assert len(fast.body) == 4096 * 1024
    assert len(fast.sent) < 1000  # of 4096 parts
    steps = threading.Semaphore(0)

    def stepwise() -> Iterator[bytes]:
        for number in range(3):
            steps.acquire(timeout=10)
            yield b"%d" % number

    slow = Client(bridge(answering(stepwise)))
    task = asyncio.create_task(slow.ask())
    for seen in (b"0", b"01", b"012"):
        steps.release()
        await until(lambda seen=seen: slow.sent and slow.body == seen)
    await task


async def test_an_ordinary_answer_is_two_messages(bridge: Make) -> None:
    client = await Client(bridge(answering(lambda: [b"abc"], ("Content-Length", "3")))).ask()
    assert [message["type"] for message in client.sent] == [
        "http.response.start",
        "http.response.body",
    ]
    assert client.body == b"abc"


async def test_the_client_has_its_answer_before_the_app_has_ended(bridge: Make) -> None:
    """`call_on_close` and what stands after the last `yield` may be slow: gunicorn's clients do not wait."""
    goes_on, ended = threading.Event(), threading.Event()

    def body() -> Iterator[bytes]:
        yield b"abc"
        goes_on.wait(10)
        ended.set()

    client = await Client(bridge(answering(body, ("Content-Length", "3")))).ask()
    assert (client.body, ended.is_set()) == (b"abc", False)
    goes_on.set()
    await until(ended.is_set)


@pytest.mark.parametrize(
    ("length", "parts", "body"),
    [("3", [b"abcd", b"e"], b"abc"), ("3", [b"ab", b"cd"], b"abc"), ("0", [b"ab"], b"")],
)
async def test_b052_a_body_is_never_longer_than_its_content_length(
    bridge: Make, length: str, parts: list[bytes], body: bytes
) -> None:
    client = await Client(bridge(answering(lambda: parts, ("Content-Length", length)))).ask()
    assert client.body == body


async def test_b052_a_body_that_is_shorter_than_declared_is_sent_and_cut(bridge: Make) -> None:
    client = Client(bridge(answering(lambda: [b"ab"], ("Content-Length", "5"))))
    with pytest.raises(RuntimeError, match="declared 5 bytes and sent 2"):
        await client.ask()
    assert (client.body, client.sent[-1]["more_body"]) == (b"ab", True)


async def test_b052_write_and_what_is_returned_are_one_body(bridge: Make) -> None:
    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        write = start_response("200 OK", [])
        write(b"a")
        write(b"")
        return [b"b"]

    assert (await Client(bridge(app)).ask()).body == b"ab"


async def test_b052_an_error_replaces_a_head_that_is_not_sent_yet(bridge: Make) -> None:
    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [])
        start_response("418 Teapot", [], (ValueError, ValueError("late"), None))
        return [b"x"]

    client = await Client(bridge(app)).ask()
    assert (client.status, client.body) == (418, b"x")


async def test_b052_an_error_after_the_head_cuts_the_answer(bridge: Make) -> None:
    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"half"
        error = ValueError("late")
        start_response("500 X", [], (ValueError, error, None))

    client = Client(bridge(app))
    with pytest.raises(ValueError, match="late"):
        await client.ask()
    assert (client.status, client.body) == (200, b"half")
    assert client.sent[-1].get("more_body")


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        ("200 OK", [("X", "a\r\nSet-Cookie: b=1")]),
        ("200 OK", [("X Y", "a")]),
        ("200 OK", [("X", 1)]),
        (200, []),
        ("20 OK", []),
        ("200 O\nK", []),
    ],
)
async def test_b036_a_head_that_would_split_is_500_and_never_sent(
    bridge: Make, status: Any, headers: list[Any]
) -> None:
    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        start_response(status, headers)
        return [b"x"]

    client = Client(bridge(app))
    with pytest.raises((ValueError, TypeError)):
        await client.ask()
    assert client.status == 500
    assert b"Internal Server Error" in client.body


async def test_b036_repeated_and_latin_1_headers_arrive_as_they_are(bridge: Make) -> None:
    headers = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X", "é")]
    client = await Client(bridge(answering(lambda: [b""], *headers))).ask()
    assert client.sent[0]["headers"] == [
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
        (b"x", b"\xe9"),
    ]


async def test_b038_headers_of_the_hop_are_the_servers(bridge: Make) -> None:
    headers = [
        ("Connection", "close"),
        ("Transfer-Encoding", "chunked"),
        ("Keep-Alive", "1"),
        ("X", "1"),
    ]
    client = await Client(bridge(answering(lambda: [b"a"], *headers))).ask()
    assert client.sent[0]["headers"] == [(b"x", b"1")]


async def test_b050_an_app_that_raises_before_its_answer_gets_the_page_of_gunicorn(
    bridge: Make,
) -> None:
    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        raise ValueError("broken")

    client = Client(bridge(app))
    with pytest.raises(ValueError, match="broken"):
        await client.ask()
    assert client.status == 500
    assert client.headers[b"content-type"] == b"text/html"


async def test_an_app_that_never_starts_its_answer_is_500(bridge: Make) -> None:
    client = Client(bridge(lambda environ, start_response: []))
    with pytest.raises(RuntimeError, match="start_response"):
        await client.ask()
    assert client.status == 500


class Big:
    """An answer of `count` parts; tells how many were made, and counts its closes."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.made = 0
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        for number in range(self._count):
            self.made += 1
            yield number.to_bytes(8, "big") * (len(PART) // 8)

    def close(self) -> None:
        self.closed += 1

    def digest(self) -> str:
        parts = [n.to_bytes(8, "big") * (len(PART) // 8) for n in range(self._count)]
        return hashlib.sha256(b"".join(parts)).hexdigest()


async def test_a_slow_reader_holds_its_app_back(bridge: Make) -> None:
    big = Big(100)
    client = Slow(bridge(answering(lambda: big)))
    task = asyncio.create_task(client.ask())
    await until(lambda: big.made >= ROOM // len(PART))
    await asyncio.sleep(0.05)  # time to make more, if nothing held it
    assert big.made <= 3 * ROOM // len(PART)
    client.reads.set()
    await task
    assert hashlib.sha256(client.body).hexdigest() == big.digest()
    await until(lambda: big.closed == 1)


async def test_b045_slow_readers_give_their_threads_to_others_and_lose_nothing(
    bridge: Make,
) -> None:
    slow_bodies = [Big(64) for _ in range(5)]
    quick = threading.Event()

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        if environ["PATH_INFO"] == "/quick":
            quick.set()
            return [b"quick"]
        return slow_bodies[int(environ["QUERY_STRING"])]

    stack = bridge(app, threads=2, wsgi_wait=5)
    slow = [Slow(stack, query_string=b"%d" % n) for n in range(5)]
    tasks = [asyncio.create_task(client.ask(60)) for client in slow]
    await until(lambda: slow_bodies[0].made > 1 and slow_bodies[1].made > 1)
    assert (await Client(stack, path="/quick").ask()).body == b"quick"
    for client in slow:
        client.reads.set()
    await asyncio.gather(*tasks)
    for client, big in zip(slow, slow_bodies, strict=True):
        assert hashlib.sha256(client.body).hexdigest() == big.digest()
    await until(lambda: [big.closed for big in slow_bodies] == [1] * 5)


@pytest.mark.parametrize("full", ["disk", "share"])
async def test_b065_without_room_on_disk_the_thread_waits_for_its_client(
    bridge: Make, full: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    if full == "disk":
        monkeypatch.setattr("gateway.stacks.overflow.os.pwrite", no_space)
    big = Big(64)
    body: dict[str, Iterable[bytes]] = {"/quick": [b"quick"], "/": big}

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return body[environ["PATH_INFO"]]

    stack = bridge(app, threads=1, wsgi_wait=0.1, response_spool=0 if full == "share" else 1 << 30)
    slow = Slow(stack)
    task = asyncio.create_task(slow.ask())
    await until(lambda: big.made > 1)
    assert (await Client(stack, path="/quick").ask()).status == 503
    slow.reads.set()
    await task
    assert hashlib.sha256(slow.body).hexdigest() == big.digest()
    assert (await Client(stack, path="/quick").ask()).status == 200


async def test_b046_a_reader_that_leaves_a_stream_on_disk_frees_everything(bridge: Make) -> None:
    big = Big(400)
    body: dict[str, Iterable[bytes]] = {"/quick": [b"quick"], "/": big}

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return body[environ["PATH_INFO"]]

    stack = bridge(app, threads=1, wsgi_wait=5, response_spool=4 * len(PART))
    slow = Slow(stack)
    task = asyncio.create_task(slow.ask())
    await until(lambda: big.made > 1)
    quick = asyncio.create_task(Client(stack, path="/quick").ask(10))
    await until(lambda: big.made >= ROOM // len(PART) + 4)  # the share of the disk is used up
    slow.gone.set()
    slow.reads.set()
    await asyncio.gather(task, quick)
    await until(lambda: big.closed == 1)
    assert big.made < 400
    gc.collect()  # a file that was left open would warn here, and warnings are errors


async def test_b045_without_room_on_disk_a_client_that_takes_nothing_is_cut_for_the_others(
    bridge: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "TOO_SLOW", 0.0)
    big = Big(400)
    body: dict[str, Iterable[bytes]] = {"/quick": [b"quick"], "/": big}

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return body[environ["PATH_INFO"]]

    stack = bridge(app, threads=1, response_spool=0)
    slow = Slow(stack)
    task = asyncio.create_task(slow.ask())
    await until(lambda: big.made >= ROOM // len(PART))
    before = REGISTRY.get_sample_value("gateway_slow_clients_cut_total") or 0
    assert (await Client(stack, path="/quick").ask()).body == b"quick"
    with pytest.raises(ClientTooSlow):
        await task
    await until(lambda: big.closed == 1)
    assert REGISTRY.get_sample_value("gateway_slow_clients_cut_total") == before + 1


def file_app(folder: Path, size: int, close: Callable[[], None] = lambda: None) -> Any:
    path = folder / "file"
    path.write_bytes(bytes(range(256)) * (size // 256))

    class Named(io.FileIO):
        def close(self) -> None:
            if not self.closed:
                close()
            super().close()

    def app(environ: dict[str, Any], start_response: StartResponse) -> Any:
        start_response("200 OK", [("Content-Length", str(size))])
        file = Named(path)
        return environ["wsgi.file_wrapper"](file)

    return app


async def test_b052_a_file_is_sent_without_holding_a_thread_and_closed_once(
    bridge: Make, tmp_path: Path
) -> None:
    closed: list[str] = []
    size = 4 << 20
    stack = bridge(
        file_app(tmp_path, size, lambda: closed.append(threading.current_thread().name)), threads=1
    )
    slow = [Slow(stack) for _ in range(3)]
    tasks = [asyncio.create_task(client.ask()) for client in slow]
    await until(lambda: all(client.sent for client in slow))  # with one thread, three have begun
    assert REGISTRY.get_sample_value("gateway_wsgi_threads_busy") == 0
    for client in slow:
        client.reads.set()
    await asyncio.gather(*tasks)
    assert [len(client.body) for client in slow] == [size] * 3
    await until(lambda: len(closed) == 3)
    assert all(name.startswith("wsgi-") for name in closed)


async def test_b046_a_reader_that_leaves_a_file_closes_it(bridge: Make, tmp_path: Path) -> None:
    closed: list[bool] = []
    client = Slow(bridge(file_app(tmp_path, 4 << 20, lambda: closed.append(True))))
    task = asyncio.create_task(client.ask())
    await until(lambda: client.sent)
    client.gone.set()
    client.reads.set()
    await task
    await until(lambda: closed)
    assert len(client.body) < 4 << 20
    assert closed == [True]


async def test_a_file_without_a_descriptor_is_iterated(bridge: Make) -> None:
    def app(environ: dict[str, Any], start_response: StartResponse) -> Any:
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](io.BytesIO(b"abc" * 10_000), 1000)

    assert (await Client(bridge(app)).ask()).body == b"abc" * 10_000


async def test_b043_a_body_that_the_app_does_not_read_waits_on_disk(bridge: Make) -> None:
    names: list[Any] = []

    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        names.append(type(environ["wsgi.input"]).__name__)
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    messages = [chunk(b"x" * 65536, more=True)] * 40 + [chunk(b"")]
    framing = [(b"transfer-encoding", b"chunked")]
    client = Client(bridge(app, body_memory=1 << 20), *messages, method="POST", headers=framing)
    assert (await client.ask()).body == b"ok"
    assert names == ["BufferedRandom"]  # a file of the system, not memory


async def test_b065_a_full_disk_refuses_a_large_body_and_recovers(
    bridge: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(*_: Any) -> Any:
        raise OSError(28, "No space left on device")

    stack = bridge(answering(lambda: [b"ok"], ("Content-Length", "2")), body_memory=4)
    sizes = {"method": "POST", "headers": [(b"content-length", b"10")]}
    with monkeypatch.context() as patch:
        patch.setattr("gateway.stacks.body.TemporaryFile", no_space)
        assert (await Client(stack, chunk(b"0123456789"), **sizes).ask()).status == 503
    assert (await Client(stack, chunk(b"0123456789"), **sizes).ask()).status == 200


async def test_each_request_has_a_context_of_its_own(bridge: Make) -> None:
    seen: ContextVar[int] = ContextVar("seen", default=0)

    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        before = seen.get()
        seen.set(before + 1)
        start_response("200 OK", [])
        return [b"%d" % before]

    stack = bridge(app, threads=1)
    seen.set(40)
    assert [(await Client(stack).ask()).body for _ in range(2)] == [b"40", b"40"]
