"""A stack outside this process as one ASGI app: HTTP over the pool, each WebSocket on its own."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from functools import partial

from anyio import to_thread

from gateway.endpoints import Told
from gateway.messages import App, Receive, Scope, Send
from gateway.settings import Settings
from gateway.stacks.address import Remote, Spawned
from gateway.stacks.process.blame import hear
from gateway.stacks.process.envelope import Envelope, tame
from gateway.stacks.process.supervisor import Supervisor
from gateway.stacks.remote.connection import Connection
from gateway.stacks.remote.forwarded import Forwarded
from gateway.stacks.remote.http import HTTPStack
from gateway.stacks.remote.pool import Pool
from gateway.stacks.remote.reach import check_reach, connector
from gateway.stacks.remote.sockets import SocketProxy
from gateway.words import Stack

_PROCESS_IDLE = 60.0  # seconds; our own process keeps connections longer


@asynccontextmanager
async def remote_stack(
    address: Remote, stack: Stack, settings: Settings
) -> AsyncIterator[tuple[App, Told]]:
    """A stack that somebody else runs, and that does not tell what it serves. Raises StackNotFound."""
    await to_thread.run_sync(check_reach, address, settings)
    dial = connector(address, settings.connect_timeout)
    pool = Pool(partial(dial, Connection), settings.remote_connections)
    introduce = Forwarded(settings.trusted_proxies)
    http = HTTPStack(stack, pool, introduce, settings)
    try:
        yield _app(http, SocketProxy(stack, dial, introduce, settings)), Told(None)
    finally:
        pool.close()


@asynccontextmanager
async def process_stack(
    address: Spawned, stack: Stack, settings: Settings
) -> AsyncIterator[tuple[App, Told]]:
    """The app in a process of its own, and what it serves. Raises StackNotFound."""
    async with Supervisor(address, stack, settings).running() as supervisor:
        dial, introduce = supervisor.dial, Envelope()
        pool = Pool(partial(dial, Connection), settings.remote_connections, _PROCESS_IDLE)
        http = HTTPStack(stack, pool, introduce, settings, hear)
        app = _app(http, SocketProxy(stack, dial, introduce, settings))

        def tamed(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
            return app(tame(scope), receive, send)

        try:
            yield tamed, supervisor.told
        finally:
            pool.close()


def _app(http: App, sockets: App) -> App:
    def remote(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return (http if scope["type"] == "http" else sockets)(scope, receive, send)

    return remote
