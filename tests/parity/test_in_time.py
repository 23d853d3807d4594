"""P109, P112, P113: what is seen only while something else happens."""

import asyncio
import json
import socket
import struct
import time
from pathlib import Path

import httpx
import pytest

from tests.differential.probes.probe import get, probe
from tests.differential.servers import Target
from tests.differential.wire import converse
from tests.e2e.processes import wait
from tests.parity.port import create_app
from tests.parity.servers import KIT, NAIVE, named

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("parity")]  # its servers start once
_LATER = probe("", "", get("/later"))


def test_p109_a_stream_ends_when_its_client_leaves(running: tuple[Target, ...]) -> None:
    """At most 2 s after the reset, far before its fiftieth part."""
    kit = named(running, KIT)
    before = len(ended(kit))

    with socket.create_connection(kit.address) as client:
        client.sendall(get("/slowgen"))
        assert client.recv(4096)
        reset = struct.pack("ii", 1, 0)  # closes without saying goodbye
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)

    deadline = time.monotonic() + 2
    while len(ended(kit)) == before:
        assert time.monotonic() < deadline
    assert ended(kit)[-1] < 25


def ended(target: Target) -> list[int]:
    """How far the streams came that have ended."""
    (answer,) = converse(target.address, probe("", "", get("/ended"))).finals
    found: list[int] = json.loads(answer.body)
    return found


async def test_p112_two_requests_at_a_time_have_contexts_of_their_own() -> None:
    async with client() as port:
        answers = await asyncio.gather(
            *(port.get("/tenant", headers={"X-Tenant": name}) for name in ("one", "two"))
        )

    assert [answer.json() for answer in answers] == [{"tenant": "one"}, {"tenant": "two"}]


def test_p113_an_error_after_the_answer_is_logged_and_hurts_nobody(
    running: tuple[Target, ...], folder: Path
) -> None:
    talk = converse(named(running, KIT).address, _LATER)  # asks once more at its end

    assert [(one.status, json.loads(one.body)) for one in talk.finals] == [
        (200, {"accepted": True})
    ]
    assert (talk.kept, talk.faults) == (True, ())
    wait(lambda: "in the background" in (folder / KIT / "stderr.log").read_text())


def test_p113_an_error_after_the_answer_ends_the_connection_of_the_naive_port(
    running: tuple[Target, ...],
) -> None:
    """It fails in a thread: a client that asks again at once may still be faster."""
    patience = 4.0  # seconds; uvicorn ends a connection that is idle after 5
    with socket.create_connection(named(running, NAIVE).address, timeout=patience) as client:
        client.sendall(get("/later"))
        received = b""
        while data := client.recv(4096):  # raises TimeoutError if the connection is kept
            received += data

    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.endswith(b'{"accepted":true}')


def client() -> httpx.AsyncClient:
    """A client of a port in this process."""
    transport = httpx.ASGITransport(create_app())
    return httpx.AsyncClient(transport=transport, base_url="http://example.com")
