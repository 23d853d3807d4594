"""Stacks that are not there, say nothing, stall or die, and the connections to them."""

import asyncio
import os
import resource
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from gateway.stacks.remote.failure import StackCut
from tests.gateway.bridge import Client, chunk, until
from tests.remote.fakes import OK, Wire, raw, remote, silent

H = b"HTTP/1.1 200 OK\r\n"


async def test_b060_a_stack_that_refuses_the_connection_is_a_502_with_the_reason() -> None:
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        async with remote(held.getsockname()[1]) as app:
            client = await Client(app).ask()
    assert client.status == 502
    assert client.json() == {"error": "legacy: connection refused"}


async def test_b060_a_name_that_is_unknown_is_a_502_with_the_reason() -> None:
    async with remote(1, at={"host": "stack.invalid"}) as app:
        client = await Client(app).ask()
    assert client.status == 502
    assert client.json() == {"error": "legacy: its name cannot be resolved"}


async def test_b060_a_stack_that_does_not_speak_tls_is_a_502_with_the_reason() -> None:
    async def talk(wire: Wire) -> None:
        await wire.reader.read(10)
        await wire.say(b"HTTP/1.1 400 Bad\r\n\r\n")

    async with raw(talk) as stack, remote(stack, at={"tls": True}) as app:
        client = await Client(app).ask()
    assert client.status == 502
    assert "TLS" in client.json()["error"]


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """A server's side of TLS with a certificate that it signed itself."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate, and is not there")
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "cert.pem")
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=localhost"]
    made = ["openssl", "req", "-x509", *kind, "-nodes", "-keyout", key, "-out", certificate]
    subprocess.run(made, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def test_b060_a_certificate_that_nobody_vouches_for_is_a_502_with_the_reason(
    tls: ssl.SSLContext,
) -> None:
    async with raw(OK, tls=tls) as stack, remote(stack, at={"tls": True}) as app:
        client = await Client(app).ask()
        assert stack.heads == []
    assert client.status == 502
    assert "certificate is not valid" in client.json()["error"]


async def test_b060_a_connection_that_takes_too_long_is_a_504() -> None:
    async with full() as port, remote(port, connect_timeout=0.2) as app:
        client = await Client(app).ask()
    assert client.status == 504
    assert client.json() == {"error": "legacy: no connection within 0.2 s"}


async def test_b060_a_name_that_leads_to_a_metadata_address_at_last_is_a_502(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.stacks.remote.reach.is_metadata", lambda ip: ip == "127.0.0.1")
    async with raw(OK) as stack, remote(stack) as app:
        client = await Client(app).ask()
    assert client.status == 502
    assert stack.heads == []


async def test_b061_a_stack_that_accepts_and_says_nothing_is_a_504_and_asked_once() -> None:
    async with raw(silent) as stack, remote(stack, deadline=0.2) as app:
        client = await Client(app).ask()
        assert client.status == 504
        await until(lambda: not stack.open)
        assert stack.wires == 1
    assert client.json() == {"error": "legacy: no answer within 0.2 s"}


async def test_b061_interim_answers_do_not_put_off_the_deadline() -> None:
    async def talk(wire: Wire) -> None:
        await wire.head()
        while True:
            await wire.say(b"HTTP/1.1 103 Early Hints\r\n\r\n")
            await asyncio.sleep(0.05)

    async with raw(talk) as stack, remote(stack, deadline=0.3) as app:
        assert (await Client(app).ask()).status == 504


async def test_b061_a_stack_that_stalls_after_its_headers_is_cut() -> None:
    async def talk(wire: Wire) -> None:
        await wire.head()
        await wire.say(H + b"Content-Length: 5\r\n\r\nab")
        await wire.closed()

    async with raw(talk) as stack, remote(stack, idle_timeout=0.2) as app:
        client = Client(app)
        with pytest.raises(StackCut, match=r"nothing for 0\.2 s"):
            await client.ask()
        await until(lambda: not stack.open)
    assert client.body == b"ab"


async def test_b061_a_byte_now_and_then_keeps_an_answer_alive() -> None:
    async def talk(wire: Wire) -> None:
        await wire.head()
        await wire.say(H + b"Content-Length: 5\r\n\r\n")
        for byte in b"abcde":
            await asyncio.sleep(0.1)
            await wire.say(bytes([byte]))

    async with raw(talk) as stack, remote(stack, idle_timeout=0.3) as app:
        assert (await Client(app).ask()).body == b"abcde"


async def dying(wire: Wire) -> None:
    """Answers one request and dies of the next."""
    await wire.body(await wire.head())
    await wire.say(OK)
    await wire.body(await wire.head())


@pytest.mark.parametrize(
    ("method", "headers", "status", "asked"),
    [
        ("GET", [], 200, 3),
        ("HEAD", [], 200, 3),
        ("OPTIONS", [], 200, 3),
        ("POST", [], 502, 2),
        ("PUT", [], 502, 2),
        ("DELETE", [], 502, 2),
        ("GET", [(b"content-length", b"1")], 502, 2),
    ],
)
async def test_b062_what_may_have_been_executed_is_never_sent_twice(
    method: str, headers: Any, status: int, asked: int
) -> None:
    async with raw(dying) as stack, remote(stack) as app:
        assert (await Client(app).ask()).status == 200
        body = chunk(b"x") if headers else chunk(b"")
        client = await Client(app, body, method=method, headers=headers).ask()
        assert client.status == status
        assert len(stack.heads) == asked


async def test_b062_a_stack_that_dies_of_every_get_is_asked_twice_and_no_more() -> None:
    async def talk(wire: Wire) -> None:
        await wire.head()

    async with raw(talk) as stack, remote(stack) as app:
        assert (await Client(app).ask()).status == 502
        assert len(stack.heads) == 2


@pytest.mark.parametrize("begun", [b"HTTP/1.1 2", H + b"Content-Length: 2\r\n\r\n"])
async def test_b062_a_get_is_asked_again_as_long_as_the_client_has_seen_nothing(
    begun: bytes,
) -> None:
    async def talk(wire: Wire) -> None:
        await wire.head()
        await wire.say(begun if wire.stack.wires == 1 else OK)

    async with raw(talk) as stack, remote(stack) as app:
        assert (await Client(app).ask()).status == 200
        assert len(stack.heads) == 2


async def test_b062_a_get_whose_answer_the_client_has_seen_is_not_asked_again() -> None:
    async def talk(wire: Wire) -> None:
        await wire.head()
        await wire.say(H + b"Content-Length: 2\r\n\r\no")

    async with raw(talk) as stack, remote(stack) as app:
        with pytest.raises(StackCut):
            await Client(app).ask()
        assert len(stack.heads) == 1


async def test_b062_a_post_goes_out_on_a_new_connection_when_the_old_one_was_closed_unseen() -> (
    None
):
    wires: list[Wire] = []

    async def talk(wire: Wire) -> None:
        wires.append(wire)
        await wire.head()
        await wire.say(OK)
        await wire.closed()

    async with raw(talk) as stack, remote(stack) as app:
        assert (await Client(app, method="POST").ask()).status == 200
        descriptor = wires[0].writer.get_extra_info("socket").fileno()
        with socket.socket(fileno=os.dup(descriptor)) as theirs:
            theirs.shutdown(
                socket.SHUT_RDWR
            )  # the loop cannot have seen it when the next one is sent
        client = Client(app, method="POST")
        await app(client.scope, client.receive, client.send)  # type: ignore[arg-type]
        assert client.status == 200
        assert stack.wires == 2


async def test_b053_a_post_that_fails_is_answered_once_with_the_error() -> None:
    async def talk(wire: Wire) -> None:
        await wire.body(await wire.head())
        await wire.say(b"HTTP/1.1 500 Broken\r\nContent-Length: 6\r\n\r\nbroken")

    async with raw(talk) as stack, remote(stack) as app:
        client = await Client(
            app, chunk(b"x"), method="POST", headers=[(b"content-length", b"1")]
        ).ask()
        assert (client.status, client.body) == (500, b"broken")
        assert len(stack.heads) == 1


async def test_b065_requests_wait_for_a_connection_and_then_get_503() -> None:
    async def half(wire: Wire) -> None:
        await wire.head()
        await wire.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        await wire.closed()

    async with raw(half) as stack, remote(stack, remote_connections=2, deadline=0.3) as app:
        holding = [Client(app) for _ in range(2)]
        tasks = [asyncio.create_task(client.ask(20)) for client in holding]
        await until(lambda: all(client.sent for client in holding))
        clients = [Client(app) for _ in range(2)]
        await asyncio.gather(*(client.ask() for client in clients))
        assert stack.wires == 2
        for client in holding:
            client.gone.set()
        await asyncio.gather(*tasks)
    assert [client.status for client in (*holding, *clients)] == [200, 200, 503, 503]
    busy = clients[0]
    assert busy.headers[b"retry-after"] == b"1"
    assert busy.json() == {"error": "legacy: all 2 connections are busy"}


async def test_b065_many_requests_share_few_connections() -> None:
    async with raw(OK) as stack, remote(stack, remote_connections=3) as app:
        clients = await asyncio.gather(*(Client(app).ask() for _ in range(60)))
        assert {client.status for client in clients} == {200}
        assert stack.wires <= 3


async def test_b065_a_client_that_leaves_the_queue_takes_nobodys_turn() -> None:
    release = asyncio.Event()

    async def talk(wire: Wire) -> None:
        while True:
            await wire.head()
            await release.wait()
            await wire.say(OK)

    async with raw(talk) as stack, remote(stack, remote_connections=1) as app:
        first, gone, last = Client(app), Client(app), Client(app)
        tasks = [asyncio.ensure_future(client.ask()) for client in (first, gone, last)]
        await until(lambda: stack.heads)
        gone.gone.set()
        async with asyncio.timeout(1):
            await tasks[1]
        release.set()
        await asyncio.gather(*tasks)
    assert gone.sent == []
    assert first.status == last.status == 200


async def test_b065_a_turn_that_cannot_be_taken_is_the_next_ones() -> None:
    async with raw(OK) as stack, remote(stack, remote_connections=1) as app:
        pool = app._pool
        until_later = asyncio.get_running_loop().time() + 5
        held = await pool.acquire(until_later)
        turns = [asyncio.ensure_future(pool.acquire(until_later)) for _ in range(2)]
        await asyncio.sleep(0)
        pool.release(held, reusable=True)
        turns[0].cancel()
        async with asyncio.timeout(1):
            pool.release(await turns[1], reusable=True)
        assert turns[0].cancelled()


@contextmanager
def no_descriptors() -> Iterator[None]:
    """A process that may open no more descriptors."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    held: list[socket.socket] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, limits[1]))
    try:
        with suppress(OSError):
            while True:
                held.append(socket.socket())
        yield
    finally:
        for one in held:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


async def test_b065_a_gateway_out_of_descriptors_says_503_and_recovers() -> None:
    async with raw(OK) as stack, remote(stack) as app:
        with no_descriptors():
            client = await Client(app).ask()
            assert client.status == 503
            assert client.headers[b"retry-after"] == b"1"
        assert (await Client(app).ask()).status == 200


async def test_b062_a_connection_that_was_idle_too_long_is_closed_before_the_stack_does() -> None:
    async with raw(OK) as stack, remote(stack, idle=0.1) as app:
        await Client(app).ask()
        await until(lambda: not stack.open, 2)
        await Client(app).ask()
        assert stack.wires == 2


async def test_b061_a_stack_behind_a_unix_socket_answers_too(tmp_path: Path) -> None:
    async with (
        raw(OK, tmp_path) as stack,
        remote(stack, at={"path": str(tmp_path / "stack.sock")}) as app,
    ):
        assert (await Client(app).ask()).body == b"ok"


@asynccontextmanager
async def full() -> AsyncIterator[int]:
    """A listener whose queue is full: nobody accepts, and a connect waits."""
    loop = asyncio.get_running_loop()
    with closing(socket.socket()) as listener, ExitStack() as held:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            one = held.enter_context(closing(socket.socket()))
            one.setblocking(False)
            with suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    await loop.sock_connect(one, listener.getsockname())
        yield int(listener.getsockname()[1])
