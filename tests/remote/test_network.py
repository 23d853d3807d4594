"""A stack behind a bad network: a namespace of its own, with loss and jitter on the way to it."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_address

import pytest

from tests.e2e.processes import ROOT
from tests.gateway.bridge import Client, chunk
from tests.remote.bad_network import BadWire
from tests.remote.fakes import remote

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("network")]

# A pair of addresses for each process: of two wires to one address, only one would be used.
_HERE, _THERE = (str(ip_address("10.213.0.0") + 4 * (os.getpid() % 16384) + end) for end in (1, 2))
_PORT = 8080
_PATIENCE = 20  # seconds for any command
AT = {"host": _THERE}
_STACK = (
    "import uvicorn\n"
    "async def app(scope, receive, send):\n"
    "    body = b''\n"
    "    while (message := await receive()).get('more_body'):\n"
    "        body += message['body']\n"
    "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
    "    await send({'type': 'http.response.body', 'body': b'x' * 50_000})\n"
    f"uvicorn.run(app, host='{_THERE}', port={_PORT}, lifespan='off', log_level='error')\n"
)


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_PATIENCE)
    if done.returncode:
        raise PermissionError(f"{' '.join(command)}: {done.stderr.strip()}")


@pytest.fixture(scope="module")
def wire() -> Iterator[BadWire]:
    """The way to an HTTP server in a network namespace."""
    space = f"banyan{os.getpid()}"
    ours, theirs = f"bh{os.getpid()}", f"bt{os.getpid()}"
    with ExitStack() as ends:
        try:
            run("ip", "netns", "add", space)
            ends.callback(run, "ip", "netns", "delete", space)
            wire = BadWire(ours, theirs)
            ends.callback(wire.close)
            run("ip", "link", "set", theirs, "netns", space)
            run("ip", "address", "add", _HERE, "peer", _THERE, "dev", ours)
            run("ip", "link", "set", ours, "up")
            run("ip", "-n", space, "address", "add", _THERE, "peer", _HERE, "dev", theirs)
            run("ip", "-n", space, "link", "set", theirs, "up")
        except OSError as error:
            pytest.skip(f"no network namespace here: {error}")
        command = ["ip", "netns", "exec", space, sys.executable, "-c", _STACK]
        ends.callback(ended, subprocess.Popen(command, cwd=ROOT))
        yield wire


@pytest.fixture(autouse=True)
def mended(wire: BadWire) -> Iterator[None]:
    yield
    wire.loss, wire.delay = 0.0, (0.0, 0.0)


def ended(server: subprocess.Popen[bytes]) -> None:
    server.kill()
    server.wait(_PATIENCE)


async def up(app: object) -> None:
    async with asyncio.timeout(20):
        while (await Client(app).ask(20)).status != 200:
            await asyncio.sleep(0.05)


async def test_b064_loss_and_jitter_make_answers_late_and_never_wrong(wire: BadWire) -> None:
    async with remote(_PORT, at=AT, deadline=20, idle_timeout=20, connect_timeout=20) as app:
        await up(app)
        wire.loss, wire.delay = 0.05, (0.0, 0.2)
        asks = [Client(app) for _ in range(15)]
        length = [(b"content-length", b"20000")]
        asks += [Client(app, chunk(b"x" * 20_000), method="POST", headers=length) for _ in range(5)]
        await asyncio.gather(*(client.ask(60) for client in asks))
    assert Counter(client.status for client in asks)[200] >= 18
    assert all(len(client.body) == 50_000 for client in asks if client.status == 200)


async def test_b064_a_network_that_swallows_everything_is_noticed_at_the_deadlines(
    wire: BadWire,
) -> None:
    async with remote(_PORT, at=AT, deadline=0.5, idle_timeout=0.5, connect_timeout=0.3) as app:
        await up(app)
        wire.loss = 1.0  # the connection in the pool is half open from now on
        half_open, new = await asyncio.gather(Client(app).ask(), Client(app).ask())
        wire.loss = 0.0
        assert half_open.json() == {"error": "legacy: no answer within 0.5 s"}
        assert new.json() == {"error": "legacy: no connection within 0.3 s"}
        await up(app)
