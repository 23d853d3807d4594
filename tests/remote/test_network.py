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
    device: str

    def swallow(self, what: str) -> None:
        """`add` or `delete`: no answer finds its way back, so that nothing is heard of the stack any more."""
        run("ip", "-n", self.name, "route", what, "blackhole", f"{_HERE}/32")

    def netem(self, *how: str) -> None:
        try:
            run("tc", "qdisc", "replace", "dev", self.device, "root", "netem", *how)
        except PermissionError as error:
            pytest.skip(f"this kernel has no netem: {error}")


@pytest.fixture(scope="module")
def space() -> Iterator[Space]:
    """A network namespace with an HTTP server, reached over a veth pair."""
    name = f"banyan{os.getpid()}"
    ours, theirs = f"bh{os.getpid()}", f"bt{os.getpid()}"
    there = ["ip", "-n", name]
    try:
        run("ip", "netns", "add", name)
        run("ip", "link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", name)
        run("ip", "address", "add", f"{_HERE}/30", "dev", ours)
        run("ip", "link", "set", ours, "up")
        run(*there, "address", "add", f"{_THERE}/30", "dev", theirs)
        run(*there, "link", "set", theirs, "up")
    except (OSError, PermissionError) as error:
        subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
        pytest.skip(f"no network namespace here: {error}")
    command = ["ip", "netns", "exec", name, sys.executable, "-c", _STACK]
    server = subprocess.Popen(command, cwd=ROOT)
    try:
        yield Space(name, ours)
    finally:
        server.terminate()
        server.wait(10)
        subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


async def up(app: object) -> None:
    async with asyncio.timeout(20):
        while (await Client(app).ask(20)).status != 200:
            await asyncio.sleep(0.05)


async def test_b064_loss_and_jitter_make_answers_late_and_never_wrong(space: Space) -> None:
    async with remote(_PORT, at=AT, deadline=10, idle_timeout=10, connect_timeout=8) as app:
        await up(app)
        space.netem("delay", "100ms", "50ms", "loss", "5%")
        asks = [Client(app) for _ in range(15)]
        length = [(b"content-length", b"20000")]
        asks += [Client(app, chunk(b"x" * 20_000), method="POST", headers=length) for _ in range(5)]
        await asyncio.gather(*(client.ask(30) for client in asks))
        space.netem("delay", "0ms")
    assert Counter(client.status for client in asks)[200] >= 18
    assert all(len(client.body) == 50_000 for client in asks if client.status == 200)


async def test_b064_a_network_that_swallows_everything_is_noticed_at_the_deadlines(
    space: Space,
) -> None:
    async with remote(_PORT, at=AT, deadline=0.5, idle_timeout=0.5, connect_timeout=0.3) as app:
        await up(app)
        space.swallow("add")  # the connection in the pool is half open from now on
        try:
            half_open, new = await asyncio.gather(Client(app).ask(), Client(app).ask())
        finally:
            space.swallow("delete")
        assert half_open.json() == {"error": "legacy: no answer within 0.5 s"}
        assert new.json() == {"error": "legacy: no connection within 0.3 s"}
        await up(app)
