"""A stack that is killed again and again under load: `python -m tests.campaigns.remote_kills`.

Two kinds: a process of our own, and a gunicorn worker behind a URL. After each kill -9, GETs and POSTs go
on without a pause until another process answers. At the end no GET has failed, no POST has run twice, and
each that was acknowledged has run.
"""

import argparse
import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import uvloop

from gateway.messages import App
from gateway.settings import Settings
from gateway.stacks.address import Remote, Spawned
from gateway.stacks.process import supervisor as process
from gateway.stacks.remote.stack import process_stack, remote_stack
from gateway.words import Stack
from tests.remote.load import Load

_ROOT = Path(__file__).parents[2]
_APP = "tests.remote.shop:counting_app"
_SETTINGS = Settings(connect_timeout=30)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100, help="of each kind")
    parser.add_argument("--kind", choices=["process", "url"], action="append")
    options = parser.parse_args()
    process._SETTLED = 0.0  # type: ignore[misc]  # each restart is the first one
    for kind in options.kind or ["process", "url"]:
        uvloop.run(_campaign(kind, options.kills))


async def _campaign(kind: str, kills: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stack = _spawned() if kind == "process" else _gunicorn(folder)
        async with stack as app, Load(app, folder / "executed").running() as load:
            gaps = []
            for _ in range(kills):
                await load.more(20)
                pid = load.pid
                os.kill(pid, signal.SIGKILL)
                killed = time.monotonic()
                await load.answered_by_another(pid)
                gaps.append(time.monotonic() - killed)
        load.check()
    posts = Counter(load.posts.values())
    print(
        f"{kind}: {kills} kills, {load.gets.total()} GETs all answered, POSTs by status {dict(posts)}, none run "
        f"twice; until the next answer {statistics.median(gaps):.2f} s, at most {max(gaps):.2f} s"
    )


@asynccontextmanager
async def _spawned() -> AsyncIterator[App]:
    async with process_stack(Spawned("", _APP), Stack.LEGACY, _SETTINGS) as (app, _):
        yield app


@asynccontextmanager
async def _gunicorn(folder: Path) -> AsyncIterator[App]:
    """Its master keeps the socket while a worker is replaced."""
    path = folder / "gunicorn.sock"
    with _master(folder, path):
        while not path.exists():
            await asyncio.sleep(0.05)
        async with remote_stack(Remote("", path=str(path)), Stack.LEGACY, _SETTINGS) as (app, _):
            yield app


@contextmanager
def _master(folder: Path, path: Path) -> Iterator[None]:
    command = ["-k", "asgi", "-b", f"unix:{path}", "--log-level", "critical", "--no-control-socket"]
    environ = {**os.environ, "PYTHONPATH": str(_ROOT)}
    master = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *command, _APP], cwd=folder, env=environ
    )
    try:
        yield
    finally:
        master.terminate()
        master.wait(60)


if __name__ == "__main__":
    main()
