"""The edge before an ASGI app in this process: a server in a thread, real sockets, no gateway."""

import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import uvicorn

from gateway.cli.websockets import WebSocketProtocol
from gateway.edge.limits import Limits
from gateway.edge.protocol import EdgeProtocol
from gateway.edge.server import EdgeServer
from tests.e2e.processes import DEADLINE, wait

Handler = Callable[[Any, Any, Any], Awaitable[None]]


@contextmanager
def edge(app: Handler, lame_duck: float = 0, **limits: Any) -> Iterator[tuple[int, EdgeServer]]:
    """The port, and the server to look into."""
    protocol: Any = partial(EdgeProtocol, Limits(**limits))
    config = uvicorn.Config(
        app,
        http=protocol,
        ws=WebSocketProtocol,
        loop="uvloop",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=2,
    )
    server = EdgeServer(config, lame_duck)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            wait(lambda: server.started)
            yield port, server
        finally:
            server.should_exit = True
            thread.join(DEADLINE)
            assert not thread.is_alive()


class Apps:
    """An ASGI app with a handler a path, that remembers the scopes it was called with."""

    def __init__(self) -> None:
        self.scopes: list[Any] = []
        self.handlers: dict[str, Handler] = {}

    def at(self, path: str) -> Callable[[Handler], Handler]:
        def keep(handler: Handler) -> Handler:
            self.handlers[path] = handler
            return handler

        return keep

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        await self.handlers.get(scope["path"], echo)(scope, receive, send)


@dataclass(frozen=True, slots=True)
class Edge:
    """A running one."""

    port: int
    server: EdgeServer
    apps: Apps


async def read(receive: Any) -> bytes:
    """The whole body. Raises ConnectionError if the client leaves before its end."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError
        body += message["body"]
        if not message["more_body"]:
            return bytes(body)


async def answer(send: Any, body: bytes, *headers: tuple[bytes, bytes], status: int = 200) -> None:
    """With a Content-Length, unless there are headers."""
    framing = headers or ((b"content-length", b"%d" % len(body)),)
    await send({"type": "http.response.start", "status": status, "headers": framing})
    await send({"type": "http.response.body", "body": body})


async def echo(_scope: Any, receive: Any, send: Any) -> None:
    await answer(send, await read(receive))
