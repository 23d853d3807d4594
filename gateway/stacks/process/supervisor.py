"""Starts and watches an app in a process of its own: one for each worker, behind a unix socket.

The socket is the worker's and outlives the process: what connects while a new process starts waits in
the socket's queue, is served by the new one, and was seen by nobody before.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from asyncio import (
    AbstractEventLoop,
    CancelledError,
    Event,
    Future,
    Task,
    create_task,
    get_running_loop,
    shield,
    sleep,
    timeout,
)
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import IO, Any, Final

import structlog
from anyio import to_thread
from prometheus_client import Counter

from gateway.endpoints import Told
from gateway.faults import UNREACHABLE
from gateway.inventory import told_from
from gateway.settings import Settings
from gateway.stacks.address import Remote, Spawned, StackNotFound
from gateway.stacks.remote.failure import StackFailed
from gateway.stacks.remote.reach import Wire, connector
from gateway.words import Stack

RESTARTS = Counter(
    "gateway_stack_restarts_total", "Starts of a stack's own process after the first.", ("stack",)
)
_START: Final = 60.0  # seconds until the app is imported and its lifespan started
_DELAYS: Final = (0.1, 5.0)  # seconds before a restart: the first, doubled up to the last
_SETTLED: Final = 10.0  # seconds of life after which the first delay counts again
_OURS: Final = {"secret", "store", "webhook", "webhook_secret", "hook"}  # no matter of an app's
_MARGIN: Final = 3.0  # seconds after the grace until a process is killed
_log = structlog.get_logger()


class Supervisor:
    """Keeps one process of the app alive; `told` is what it tells about itself."""

    def __init__(self, address: Spawned, stack: Stack, settings: Settings) -> None:
        self.told = Told(None)
        self.up = Event()
        self._address = address
        self._stack = stack
        self._settings = settings
        self._child: _Child
        self._listener: socket.socket
        self._path: Path

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Supervisor"]:
        """Raises StackNotFound if the app cannot be loaded or started."""
        folder = Path(tempfile.mkdtemp(prefix="banyan-"))  # mode 0700; short, as sun_path must be
        self._path = folder / f"{self._stack}.sock"
        self._listener = _listen(self._path)
        try:
            await self._start()
            watch = create_task(self._watch(), name=f"stack-{self._stack}")
            try:
                yield self
            finally:
                await _ended(watch)
                await self._child.stop(self._settings.grace + _MARGIN)
        finally:
            self._listener.close()
            shutil.rmtree(folder, ignore_errors=True)

    async def dial(self, factory: Callable[[], Wire]) -> Wire:
        """A connection to the process; one that is being restarted is waited for as long as a connect may
        take.
        """
        seconds = self._settings.connect_timeout
        if not self.up.is_set():
            try:
                async with timeout(seconds):
                    await self.up.wait()
            except TimeoutError:
                why = "its process has ended and is being restarted"
                raise StackFailed(502, why, UNREACHABLE) from None
        return await connector(Remote("", path=str(self._path)), seconds)(factory)

    async def _start(self) -> None:
        """Raises StackNotFound with the process's own message."""
        told = {
            "setting": self._address.setting,
            "value": self._address.value,
            "path": sys.path,
            "settings": self._settings.model_dump(mode="json", exclude=_OURS),
            "folder": str(self._path.parent),
            "listener": self._listener.fileno(),
        }
        child = _Child(get_running_loop())
        started = create_task(to_thread.run_sync(child.start, told), name="stack-start")
        try:
            await shield(started)
            self._child = child
            async with timeout(_START):
                report = await shield(child.report)
        except CancelledError:
            with suppress(OSError):  # there is nothing to kill
                await started
                child.kill()
            raise
        except TimeoutError:
            child.kill()
            report = {"error": f"{self._address.setting}: not started within {_START:g} s"}
        if "error" in report:
            await child.ended
            raise StackNotFound(report["error"])
        self.told = told_from(report["told"])
        self.up.set()
        _log.info("stack.started", stack=self._stack, pid=child.pid)

    async def _watch(self) -> None:
        """Starts the process anew whenever it has ended."""
        delay, longest = _DELAYS
        clock = get_running_loop().time
        while True:
            began = clock()
            code = await shield(self._child.ended)
            self.up.clear()
            _log.error("stack.ended", stack=self._stack, pid=self._child.pid, code=code)
            if clock() - began >= _SETTLED:
                delay = _DELAYS[0]
            await sleep(delay)
            delay = min(2 * delay, longest)
            RESTARTS.labels(self._stack).inc()
            try:
                await self._start()
            except (StackNotFound, OSError) as error:
                _log.error("stack.start_failed", stack=self._stack, error=str(error))


class _Child:
    """One process. A thread of its own waits for what it says and for its end: loops differ in how they
    watch processes, and some of them under gunicorn do not.
    """

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.report: Future[dict[str, Any]] = loop.create_future()
        self.ended: Future[int] = loop.create_future()
        self.pid = 0
        self._value = ""
        self._loop = loop
        self._process: subprocess.Popen[bytes]

    def start(self, told: dict[str, Any]) -> None:
        """Blocks for the milliseconds of a fork. Raises OSError."""
        self._value = told["value"]
        reading, writing = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603 (the settings name what runs)
                [sys.executable, "-m", "gateway.stacks.process.child", told["value"]],
                bufsize=0,
                stdin=subprocess.PIPE,
                pass_fds=(told["listener"], writing),
                process_group=0,  # Ctrl-C is for the gateway, which tells its processes
            )
        except OSError:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        self.pid = self._process.pid
        Thread(target=self._attend, args=(reading,), name=f"stack-{self.pid}", daemon=True).start()
        line = json.dumps({**told, "report": writing}) + "\n"
        with suppress(BrokenPipeError):  # it has ended already, which the thread sees
            self._stdin.write(line.encode())

    def kill(self) -> None:
        self._process.kill()

    async def stop(self, seconds: float) -> None:
        """Closes its standard input, at which it drains; kills it after `seconds`."""
        self._stdin.close()
        try:
            async with timeout(seconds):
                await shield(self.ended)
        except TimeoutError:
            self.kill()
            await self.ended

    @property
    def _stdin(self) -> IO[bytes]:
        assert self._process.stdin is not None  # noqa: S101 (it is a pipe)
        return self._process.stdin

    def _attend(self, reading: int) -> None:
        with os.fdopen(reading) as pipe:
            line = pipe.readline()
        self._tell(self.report, self._understood(line))
        code = self._process.wait()
        self._stdin.close()
        self._tell(self.ended, code)

    def _understood(self, line: str) -> dict[str, Any]:
        try:
            told: dict[str, Any] = json.loads(line)
        except ValueError:
            return {"error": f"the process of {self._value!r} ended before it served"}
        return told

    def _tell(self, future: Future[Any], value: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody wants to know
            self._loop.call_soon_threadsafe(_settle, future, value)


def _settle(future: Future[Any], value: Any) -> None:
    if not future.done():
        future.set_result(value)


async def _ended(task: Task[None]) -> None:
    task.cancel()
    with suppress(CancelledError):
        await task


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen(2048)
    listener.setblocking(False)
    return listener
