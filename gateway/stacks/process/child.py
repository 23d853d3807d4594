"""A stack in a process of its own: `python -m gateway.stacks.process.child`, started by `process.py`.

What to serve is one line of JSON on standard input, which then stays open: its end is the end of the
worker that asked, and this process drains and ends too. One line of JSON goes back through a pipe: what
the app serves, or why it cannot.
"""

import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from threading import Thread, Timer
from types import FrameType
from typing import Any, Final

import uvicorn

from gateway.edge.limits import Limits
from gateway.edge.protocol import EdgeProtocol
from gateway.edge.server import EdgeServer
from gateway.errors import BanyanError
from gateway.inventory import told_as, told_by
from gateway.logs import configure_logs
from gateway.memory import share_one_arena
from gateway.messages import App, Receive, Scope, Send
from gateway.settings import Settings
from gateway.stacks.asgi import InProcess
from gateway.stacks.lifespan import lifespan
from gateway.stacks.load import is_asgi, load
from gateway.stacks.portal import portal
from gateway.stacks.process.blame import blaming
from gateway.stacks.process.envelope import unseal
from gateway.stacks.remote.sockets import MESSAGE_LIMIT, no_socket
from gateway.stacks.wsgi.bridges import wsgi_stack

_KEEP_ALIVE: Final = 600.0  # seconds; the gateway closes idle connections long before
_HEAD: Final = 1 << 20  # bytes: the gateway's front door has its own, smaller limits
_OUR_FIELDS: Final = 8
_SEND_BUFFER: Final = 1 << 20  # for a large part of an answer
_MARGIN: Final = 2.0  # seconds after the grace for lifespans to end
Report = Callable[[dict[str, Any]], None]


def main() -> int:
    """Serves until the worker ends or SIGTERM; the exit code is 2 if it could not start."""
    told = json.loads(_line())
    sys.path[:] = told["path"]
    settings = Settings(**told["settings"])
    share_one_arena()
    configure_logs()
    report = _reporter(told["report"])
    try:
        app = load(told["setting"], told["value"])
    except BanyanError as error:
        report({"error": str(error)})
        return error.exit_code
    told_of = told_as(told_by(app))
    root = _Root(app, settings, report)
    server = _Server(_config(root, settings), lambda: report({"told": told_of}))
    worker = Thread(target=_until_the_worker_ends, args=(told["folder"],), daemon=True)
    worker.start()
    server.run([socket.socket(fileno=told["listener"])])
    return 0 if server.started else 2


class _Root:
    """The app with its life, behind the envelope in which the gateway sends requests."""

    def __init__(self, app: Any, settings: Settings, report: Report) -> None:
        self._app = app
        self._settings = settings
        self._report = report
        self._stack: App

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket" and not is_asgi(self._app):
            await no_socket(scope, send)
        elif scope["type"] == "http":
            await blaming(self._stack, unseal(scope), receive, send)
        else:
            await self._stack(unseal(scope), receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        async with AsyncExitStack() as life:
            try:
                await self._start(life)
            except BanyanError as error:
                self._report({"error": str(error)})
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _start(self, life: AsyncExitStack) -> None:
        if is_asgi(self._app):
            state = await life.enter_async_context(lifespan(self._app))
            self._stack = InProcess(self._app, state)
            return
        into_loop = await life.enter_async_context(portal())
        bridge = wsgi_stack(self._app, self._settings, into_loop, {})
        life.callback(bridge.close)
        self._stack = bridge


class _Server(EdgeServer):
    """Tells when it takes requests, and ends in time whatever hangs in the app."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config, lame_duck=0)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        grace = self.config.timeout_graceful_shutdown or 0
        overdue = Timer(grace + _MARGIN, os._exit, (1,))
        overdue.daemon = True
        overdue.start()


def _config(root: _Root, settings: Settings) -> uvicorn.Config:
    """Adds nothing to an answer and waits for nobody: the server in front of the gateway does."""
    patient = Limits(
        line=_HEAD,
        field=_HEAD,
        fields=settings.fields_limit + _OUR_FIELDS,
        head_timeout=_KEEP_ALIVE,
        body_timeout=_KEEP_ALIVE,
        keep_alive=_KEEP_ALIVE,
        send_timeout=settings.idle_timeout,
        send_buffer=_SEND_BUFFER,
    )
    edge: Any = partial(EdgeProtocol, patient)
    return uvicorn.Config(
        root,
        http=edge,
        ws="websockets-sansio",
        ws_max_size=MESSAGE_LIMIT,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        loop="uvloop",
        lifespan="on",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=int(settings.grace),
    )


def _line() -> bytes:
    """The first line of standard input, unbuffered: a thread reads on."""
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(0, 1)
        if not part:
            raise SystemExit("the gateway starts this module; see docs/architecture.md")
        line += part
    return line


def _reporter(descriptor: int) -> Report:
    """Reports once and closes; processes that the app starts do not inherit the pipe."""
    os.set_inheritable(descriptor, False)
    pipe = os.fdopen(descriptor, "w")

    def report(told: dict[str, Any]) -> None:
        if not pipe.closed:
            pipe.write(json.dumps(told) + "\n")
            pipe.close()

    return report


def _until_the_worker_ends(folder: str) -> None:
    """A worker that was killed leaves the socket's folder behind."""
    while os.read(0, 4096):
        pass
    shutil.rmtree(folder, ignore_errors=True)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
