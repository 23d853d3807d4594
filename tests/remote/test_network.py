"""A stack behind a bad network: a namespace of its own, with loss and jitter on the way to it."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.e2e.processes import ROOT
from tests.gateway.bridge import Client, chunk
from tests.remote.bad_network import BadWire
from tests.remote.fakes import remote

pytestmark = pytest.mark.e2e

_HERE, _THERE = "10.213.77.1", "10.213.77.2"
_PORT = 8080
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
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PermissionError(f"{' '.join(command)}: {done.stderr.strip()}")


@dataclass(frozen=True)
class Space:
    """A network namespace, and our end of the way to it."""

    name: str
    wire: BadWire


@pytest.fixture(scope="module")
def space() -> Iterator[Space]:
    """A network namespace with an HTTP server, at the other end of a wire of ours."""
    name = f"banyan{os.getpid()}"
    ours, theirs = f"bh{os.getpid()}", f"bt{os.getpid()}"
    wire: BadWire | None = None
    try:
        run("ip", "netns", "add", name)
        wire = BadWire(ours, theirs)
        run("ip", "link", "set", theirs, "netns", name)
        run("ip", "address", "add", _HERE, "peer", _THERE, "dev", ours)
        run("ip", "link", "set", ours, "up")
        run("ip", "-n", name, "address", "add", _THERE, "peer", _HERE, "dev", theirs)
        run("ip", "-n", name, "link", "set", theirs, "up")
    except OSError as error:
        if wire is not None:
            wire.close()
        subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
        pytest.skip(f"no network namespace here: {error}")
    command = ["ip", "netns", "exec", name, sys.executable, "-c", _STACK]
    server = subprocess.Popen(command, cwd=ROOT)
    try:
        yield Space(name, wire)
    finally:
        server.terminate()
        server.wait(10)
        wire.close()
        subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


async def up(app: object) -> None:
    async with asyncio.timeout(20):
        while (await Client(app).ask(20)).status != 200:
            await asyncio.sleep(0.05)


async def test_b064_loss_and_jitter_make_answers_late_and_never_wrong(space: Space) -> None:
    async with remote(_PORT, at=AT, deadline=10, idle_timeout=10, connect_timeout=8) as app:
        await up(app)
        space.wire.loss, space.wire.delay = 0.05, (0.0, 0.2)
        asks = [Client(app) for _ in range(15)]
        length = [(b"content-length", b"20000")]
        asks += [Client(app, chunk(b"x" * 20_000), method="POST", headers=length) for _ in range(5)]
        await asyncio.gather(*(client.ask(30) for client in asks))
        space.wire.loss, space.wire.delay = 0.0, (0.0, 0.0)
    assert Counter(client.status for client in asks)[200] >= 18
    assert all(len(client.body) == 50_000 for client in asks if client.status == 200)


async def test_b064_a_network_that_swallows_everything_is_noticed_at_the_deadlines(
    space: Space,
) -> None:
    async with remote(_PORT, at=AT, deadline=0.5, idle_timeout=0.5, connect_timeout=0.3) as app:
        await up(app)
        space.wire.loss = 1.0  # the connection in the pool is half open from now on
        half_open, new = await asyncio.gather(Client(app).ask(), Client(app).ask())
        space.wire.loss = 0.0
        assert half_open.json() == {"error": "legacy: no answer within 0.5 s"}
        assert new.json() == {"error": "legacy: no connection within 0.3 s"}
        await up(app)
