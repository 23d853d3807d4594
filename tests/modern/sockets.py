"""A WebSocket client of an ASGI app in this process: what it does not hear, stays with the app."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from starlette.types import ASGIApp, Message

DEADLINE = 5.0  # seconds
NO_LIMIT = float("inf")


@dataclass
class Client:
    """The app's `send` returns when the test has heard the message."""

    incoming: MemoryObjectReceiveStream[Message]
    outgoing: MemoryObjectSendStream[Message]
    opening: Message = field(default_factory=dict)
    """How the app answered the handshake."""
    broken: Exception | None = None
    """Raised by the app's `send`."""

    async def say(self, *frames: object) -> None:
        """Texts and bytes as they are, everything else as JSON; does not wait."""
        for frame in frames:
            if isinstance(frame, bytes):
                await self.outgoing.send({"type": "websocket.receive", "bytes": frame})
            else:
                text = frame if isinstance(frame, str) else json.dumps(frame)
                await self.outgoing.send({"type": "websocket.receive", "text": text})

    async def subscribe(self, channel: str, symbol: str = "BTCUSD") -> None:
        await self.say({"action": "subscribe", "channel": channel, "symbol": symbol})

    async def unsubscribe(self, channel: str, symbol: str = "BTCUSD") -> None:
        await self.say({"action": "unsubscribe", "channel": channel, "symbol": symbol})

    async def heard(self) -> Message:
        with anyio.fail_after(DEADLINE):
            return await self.incoming.receive()

    async def hear(self) -> str:
        message = await self.heard()
        assert message["type"] == "websocket.send", message
        text: str = message["text"]
        return text

    async def hear_json(self) -> Any:
        return json.loads(await self.hear())

    async def leave(self) -> None:
        await self.outgoing.send({"type": "websocket.disconnect", "code": 1001})

    @property
    def unread(self) -> int:
        """Frames that the app has not taken yet."""
        return self.outgoing.statistics().current_buffer_used


@dataclass(frozen=True)
class Site:
    """An app that has been started."""

    app: ASGIApp
    state: Mapping[str, Any]

    @asynccontextmanager
    async def client(
        self,
        target: str = "/ws/market/me",
        headers: Mapping[str, str] | None = None,
        subprotocols: Sequence[str] = (),
    ) -> AsyncIterator[Client]:
        """Connected; it leaves with the block, and the app must end then."""
        scope = _scope(target, headers or {}, subprotocols) | {"state": dict(self.state)}
        to_app, from_client = anyio.create_memory_object_stream[Message](NO_LIMIT)
        to_client, from_app = anyio.create_memory_object_stream[Message](0)
        client, ended = Client(from_app, to_app), anyio.Event()

        async def send(message: Message) -> None:
            if client.broken is not None:
                raise client.broken
            try:
                await to_client.send(message)
            except anyio.BrokenResourceError as error:
                raise OSError("the client is gone") from error

        async def serve() -> None:
            await self.app(scope, from_client.receive, send)
            ended.set()

        with to_app, from_client, to_client, from_app:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(serve)
                await to_app.send({"type": "websocket.connect"})
                client.opening = await client.heard()
                yield client
                await client.leave()
                from_app.close()
                with anyio.fail_after(DEADLINE):
                    await ended.wait()


def _scope(target: str, headers: Mapping[str, str], subprotocols: Sequence[str]) -> dict[str, Any]:
    path, _, query = target.partition("?")
    return {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "subprotocols": list(subprotocols),
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 80),
        "extensions": {"websocket.http.response": {}},
    }
