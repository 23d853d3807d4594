"""Our bridge to WSGI where it does more than a2wsgi could: joined parts, files, threads that slow readers do not hold."""

import asyncio
import hashlib
import io
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from gateway.answer import ClientTooSlow
from gateway.stacks.wsgi import outbox
from gateway.stacks.wsgi.outbox import ROOM, Outbox
from gateway.stacks.wsgi.threads import Threads
from tests.gateway.bridge import Client, answering, chunk, until

Make = Callable[..., Any]
StartResponse = Callable[..., Any]
PART = b"x" * 64 * 1024


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
    make_stack: Make,
) -> None:
    fast = await Client(make_stack(answering(lambda: (b"x" * 1024 for _ in range(4096))))).ask()
    assert len(fast.body) == 4096 * 1024
    assert len(fast.sent) < 1000  # of 4096 parts
    steps = threading.Semaphore(0)

    def stepwise() -> Iterator[bytes]:
        for number in range(3):
            steps.acquire(timeout=10)
            yield b"%d" % number

    slow = Client(make_stack(answering(stepwise)))
    task = asyncio.create_task(slow.ask())
    for seen in (b"0", b"01", b"012"):
        steps.release()
        await until(lambda seen=seen: slow.sent and slow.body == seen)
    await task


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


async def test_a_slow_reader_holds_its_app_back(make_stack: Make) -> None:
    big = Big(100)
    client = Slow(make_stack(answering(lambda: big)))
    task = asyncio.create_task(client.ask())
    await until(lambda: big.made >= ROOM // len(PART))
    await asyncio.sleep(0.05)  # time to make more, if nothing held it
    assert big.made <= 3 * ROOM // len(PART)
    client.reads.set()
    await task
    assert hashlib.sha256(client.body).hexdigest() == big.digest()
    await until(lambda: big.closed == 1)


async def test_b045_slow_readers_give_their_threads_to_others_and_lose_nothing(
    make_stack: Make,
) -> None:
    slow_bodies = [Big(64) for _ in range(5)]
    quick = threading.Event()

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        if environ["PATH_INFO"] == "/quick":
            quick.set()
            return [b"quick"]
        return slow_bodies[int(environ["QUERY_STRING"])]

    stack = make_stack(app, threads=2, wsgi_wait=5)
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


async def test_b045_threads_that_replaced_others_end_when_those_go_on(make_stack: Make) -> None:
    bodies = [Big(64) for _ in range(6)]

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return bodies[int(environ["QUERY_STRING"])]

    stack = make_stack(app, threads=2, wsgi_wait=5)
    slow = [Slow(stack, query_string=b"%d" % n) for n in range(6)]
    tasks = [asyncio.create_task(client.ask(60)) for client in slow]
    await until(lambda: all(big.made > 1 for big in bodies))
    assert stack._threads._alive >= 6
    for client in slow:
        client.reads.set()
    await asyncio.gather(*tasks)
    await until(lambda: stack._threads._alive == 2)


async def test_b045_beyond_the_limit_a_client_that_takes_nothing_is_cut_for_the_others(
    make_stack: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "TOO_SLOW", 0.0)
    big = Big(400)
    body: dict[str, Iterable[bytes]] = {"/quick": [b"quick"], "/": big}

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return body[environ["PATH_INFO"]]

    stack = make_stack(app, threads=1, wsgi_slow_clients=0)
    slow = Slow(stack)
    task = asyncio.create_task(slow.ask())
    await until(lambda: big.made >= ROOM // len(PART))
    before = REGISTRY.get_sample_value("gateway_slow_clients_cut_total") or 0
    assert (await Client(stack, path="/quick").ask()).body == b"quick"
    with pytest.raises(ClientTooSlow):
        await task
    await until(lambda: big.closed == 1)
    assert REGISTRY.get_sample_value("gateway_slow_clients_cut_total") == before + 1


async def test_what_an_app_writes_after_its_client_has_left_is_kept_nowhere() -> None:
    box = Outbox(Threads(1))
    box.put(PART)
    box.leave()
    for _ in range(100):
        box.put(PART)
    assert box._parts == []


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
    make_stack: Make, tmp_path: Path
) -> None:
    closed: list[str] = []
    size = 4 << 20
    stack = make_stack(
        file_app(tmp_path, size, lambda: closed.append(threading.current_thread().name)), threads=1
    )
    slow = [Slow(stack) for _ in range(3)]
    tasks = [asyncio.create_task(client.ask()) for client in slow]
    await until(lambda: all(client.sent for client in slow))  # with one thread, three have begun
    assert stack.busy() == 0
    for client in slow:
        client.reads.set()
    await asyncio.gather(*tasks)
    assert [len(client.body) for client in slow] == [size] * 3
    await until(lambda: len(closed) == 3)
    assert all(name.startswith("wsgi-") for name in closed)


async def test_b046_a_reader_that_leaves_a_file_closes_it(make_stack: Make, tmp_path: Path) -> None:
    closed: list[bool] = []
    client = Slow(make_stack(file_app(tmp_path, 4 << 20, lambda: closed.append(True))))
    task = asyncio.create_task(client.ask())
    await until(lambda: client.sent)
    client.gone.set()
    client.reads.set()
    await task
    await until(lambda: closed)
    assert len(client.body) < 4 << 20
    assert closed == [True]


async def test_a_file_without_a_descriptor_is_iterated(make_stack: Make) -> None:
    def app(environ: dict[str, Any], start_response: StartResponse) -> Any:
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](io.BytesIO(b"abc" * 10_000), 1000)

    assert (await Client(make_stack(app)).ask()).body == b"abc" * 10_000


async def test_b043_a_body_that_the_app_does_not_read_waits_on_disk(make_stack: Make) -> None:
    names: list[Any] = []

    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        names.append(type(environ["wsgi.input"]).__name__)
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    messages = [chunk(b"x" * 65536, more=True)] * 40 + [chunk(b"")]
    framing = [(b"transfer-encoding", b"chunked")]
    client = Client(make_stack(app, body_memory=1 << 20), *messages, method="POST", headers=framing)
    assert (await client.ask()).body == b"ok"
    assert names == ["BufferedRandom"]  # a file of the system, not memory


async def test_b065_a_full_disk_refuses_a_large_body_and_recovers(
    make_stack: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(*_: Any) -> Any:
        raise OSError(28, "No space left on device")

    stack = make_stack(answering(lambda: [b"ok"], ("Content-Length", "2")), body_memory=4)
    sizes = {"method": "POST", "headers": [(b"content-length", b"10")]}
    with monkeypatch.context() as patch:
        patch.setattr("gateway.stacks.wsgi.body.TemporaryFile", no_space)
        assert (await Client(stack, chunk(b"0123456789"), **sizes).ask()).status == 503
    assert (await Client(stack, chunk(b"0123456789"), **sizes).ask()).status == 200
