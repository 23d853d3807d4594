"""The child process of one stack: imports it in an environment of its own, starts it, asks it what the
parent sends.

The app is called as a server would, with nothing of the gateway between but the bridge that a WSGI app
needs: what a client finds when the gateway is gone is what is compared.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from anyio import to_thread

from gateway.endpoints import Served
from gateway.errors import BanyanError
from gateway.inventory import told_by
from gateway.messages import App, Message, Scope
from gateway.parity.model import Probe
from gateway.settings import Settings
from gateway.shadow.bodies import parsed
from gateway.shadow.difference import Answer
from gateway.stacks.address import Remote, Spawned
from gateway.stacks.lifespan import lifespan
from gateway.stacks.load import is_asgi, load
from gateway.stacks.portal import portal
from gateway.stacks.remote.stack import remote_stack
from gateway.stacks.wsgi.bridges import wsgi_stack
from gateway.words import Stack

OVERDUE: Final = 504  # what the gateway answers for a stack that does not
CRASHED: Final = 500
_STATUSES: Final = range(200, 1000)
_KEPT: Final = 8 << 20  # bytes of an answer; the rest of an endless one is dropped


@dataclass(frozen=True, slots=True)
class Order:
    """What a child is to run. The environment is set before anything of the app is imported."""

    stack: Stack
    value: str  # as in BANYAN_LEGACY
    settings: Settings
    environment: Mapping[str, str]
    log: Path  # takes what the app prints
    deadline: float  # seconds of one request


@dataclass(frozen=True, slots=True)
class Hello:
    """What a stack serves, and its OpenAPI document if it has one; or why it cannot start."""

    served: Served = None
    openapi: Mapping[str, Any] | None = None
    failure: str = ""


def run_child(order: Order, connection: Connection) -> None:
    """The whole life of the process: it ends when the parent hangs up."""
    os.environ.update(order.environment)
    with order.log.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    asyncio.run(_run(order, connection))


async def _run(order: Order, connection: Connection) -> None:
    try:
        async with _opened(order) as (app, state, hello):
            connection.send(hello)
            while (probe := await to_thread.run_sync(_next, connection)) is not None:
                connection.send(await ask(app, probe, state, order.deadline))
    except BanyanError as error:
        connection.send(Hello(failure=str(error)))


def _next(connection: Connection) -> Probe | None:
    try:
        probe: Probe = connection.recv()
    except (EOFError, OSError):
        return None
    return probe


@asynccontextmanager
async def _opened(order: Order) -> AsyncIterator[tuple[App, dict[str, Any], Hello]]:
    """The stack as an ASGI app, its lifespan state, and what it says of itself."""
    app = load(f"BANYAN_{order.stack.upper()}", order.value)
    if isinstance(app, Spawned):  # it has a process of its own here already
        app = load(app.setting, app.value)
    async with AsyncExitStack() as stack:
        if isinstance(app, Remote):
            remote, _ = await stack.enter_async_context(
                remote_stack(app, order.stack, order.settings)
            )
            yield remote, {}, Hello(openapi=await _fetched(remote, order.deadline))
        elif is_asgi(app):
            state = await stack.enter_async_context(lifespan(app))
            yield app, state, Hello(told_by(app).served, _described(app))
        else:
            bridge = wsgi_stack(
                app, order.settings, await stack.enter_async_context(portal()), state := {}
            )
            stack.callback(bridge.close)
            yield bridge, state, Hello(told_by(app).served)


async def ask(app: App, probe: Probe, state: Mapping[str, Any], deadline: float) -> Answer:
    """What the app answers; one that raises first is CRASHED, one that takes too long OVERDUE."""
    exchange = _Exchange(probe.body)
    try:
        async with asyncio.timeout(deadline):
            await app(_scope(probe, state), exchange.receive, exchange.send)
    except TimeoutError:
        return Answer(OVERDUE)
    except Exception:  # the app's own, whatever it is: a server would log it and answer 500
        return exchange.answer() if exchange.complete else Answer(CRASHED)
    return exchange.answer() if exchange.complete else Answer(CRASHED)


class _Exchange:
    """One request's two ends."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._start: Message | None = None
        self._kept = bytearray()
        self.complete = False

    async def receive(self) -> Message:
        if self._body is None:
            await asyncio.get_running_loop().create_future()  # the client waits for its answer
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
        elif message["type"] == "http.response.body":
            self._kept += message.get("body", b"")[: _KEPT - len(self._kept)]
            self.complete = not message.get("more_body", False)

    def answer(self) -> Answer:
        if self._start is None or self._start["status"] not in _STATUSES:  # no server sends it
            return Answer(CRASHED)
        pairs = ((bytes(k).decode("latin-1"), bytes(v).decode("latin-1"))
                 for k, v in self._start.get("headers", ()))  # fmt: skip
        return Answer(self._start["status"], tuple(pairs), bytes(self._kept))


def _scope(probe: Probe, state: Mapping[str, Any]) -> Scope:
    path, _, query = probe.target.partition("?")
    headers = [("host", "localhost"), *probe.headers]
    if probe.body:
        headers.append(("content-length", str(len(probe.body))))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": probe.method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
        "client": ("127.0.0.1", 50000),
        "server": ("localhost", 80),
        "state": dict(state),
    }


def _described(app: Any) -> Mapping[str, Any] | None:
    """FastAPI makes the document when it is asked; other apps have none."""
    make = getattr(app, "openapi", None)
    document = make() if callable(make) else None
    return document if isinstance(document, dict) else None


async def _fetched(app: App, deadline: float) -> Mapping[str, Any] | None:
    """The document of a stack elsewhere, where FastAPI has it unless told otherwise."""
    probe = Probe("", "OpenAPI", "GET", "/openapi.json")
    answer = await ask(app, probe, {}, deadline)
    found = parsed(answer.body) if answer.status == 200 else None
    return found.value if found is not None and isinstance(found.value, dict) else None
