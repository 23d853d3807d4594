"""One client of the market socket: its frames, its subscriptions, its end."""

from collections.abc import Awaitable
from contextlib import suppress
from typing import Final, TypeGuard

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from fastapi import WebSocket, WebSocketDisconnect
from starlette.types import Message

from shared_services.errors import InvalidBody
from shared_services.feed import frames
from shared_services.feed.hub import MarketFeed
from shared_services.feed.model import Channel, SubscriptionFailed
from shared_services.feed.outbox import Outbox
from shared_services.feed.subscription import Subscription
from shared_services.jsonbody import parse_object
from shared_services.symbols import from_compact

MAX_FRAME: Final = 64 * 1024  # bytes
MAX_SUBSCRIPTIONS: Final = 50  # of one connection

TOO_BIG: Final = 1009
TOO_SLOW: Final = 1013

_ACTIONS: Final = ("subscribe", "unsubscribe")
_FIELDS: Final = ("action", "channel", "symbol")
_MISSING: Final = "Missing required fields: action, channel, symbol"
_NO_JSON: Final = "Invalid JSON"


class Conversation:
    """With one client: one task reads, one answers, one writes; the end of one ends all."""

    def __init__(self, socket: WebSocket, feed: MarketFeed) -> None:
        self._socket = socket
        self._feed = feed
        self._outbox = Outbox(self._too_slow)
        self._subscriptions: dict[tuple[Channel, str], Subscription] = {}
        self._scope = anyio.CancelScope()
        self._code: int | None = None

    async def hold(self, symbol: str) -> int | None:
        """Until the client leaves, or the code to close with; first the ticker of `symbol`."""
        sender, receiver = anyio.create_memory_object_stream[Message](0)
        try:
            async with sender, receiver, anyio.create_task_group() as tasks:
                self._scope = tasks.cancel_scope
                tasks.start_soon(self._read, sender)
                tasks.start_soon(self._answer, symbol, receiver)
                tasks.start_soon(self._write)
        finally:
            for subscription in self._subscriptions.values():
                self._feed.unsubscribe(subscription)
        return self._code

    async def _read(self, sender: MemoryObjectSendStream[Message]) -> None:
        """Beside the answers, so that a client that leaves is noticed while it waits for one."""
        while (message := await self._socket.receive())["type"] == "websocket.receive":
            await sender.send(message)
        self._scope.cancel()

    async def _answer(self, symbol: str, receiver: MemoryObjectReceiveStream[Message]) -> None:
        if symbol:
            await self._told(self._subscribe(Channel.TICKER, symbol))
        async for message in receiver:
            raw, is_text = _content(message)
            if len(raw) > MAX_FRAME:
                self._code = TOO_BIG
                self._outbox.end()
                return
            await self._told(self._follow(raw if is_text else b""))

    async def _told(self, work: Awaitable[None]) -> None:
        """What goes wrong, the client hears; it never closes the connection."""
        try:
            await work
        except SubscriptionFailed as error:
            await self._outbox.answer(frames.error(f"Subscription failed: {error}"))
        except InvalidBody as error:
            await self._outbox.answer(frames.error(str(error)))

    async def _follow(self, raw: bytes) -> None:
        action, channel, symbol = _parse(raw)
        if action == "subscribe":
            await self._subscribe(channel, symbol)
        else:
            await self._unsubscribe(channel, symbol)

    async def _subscribe(self, channel: Channel, symbol: str) -> None:
        subscription = self._subscriptions.get((channel, symbol))
        if subscription is None:
            if len(self._subscriptions) >= MAX_SUBSCRIPTIONS:
                raise SubscriptionFailed(f"at most {MAX_SUBSCRIPTIONS} on one connection")
            subscription = await self._feed.subscribe(from_compact(symbol), channel)
            self._subscriptions[channel, symbol] = subscription
        await self._outbox.answer(frames.acknowledgement(symbol, channel, "subscribed"))
        self._outbox.open(subscription, symbol)

    async def _unsubscribe(self, channel: Channel, symbol: str) -> None:
        subscription = self._subscriptions.pop((channel, symbol), None)
        if subscription is not None:
            self._outbox.close(subscription)
            self._feed.unsubscribe(subscription)
        await self._outbox.answer(frames.acknowledgement(symbol, channel, "unsubscribed"))

    async def _write(self) -> None:
        while (text := await self._outbox.next()) is not None:
            # uvicorn 0.54 raises RuntimeError once its own keepalive has closed the connection.
            with suppress(WebSocketDisconnect, RuntimeError):
                await self._socket.send_text(text)
                continue
            break
        self._scope.cancel()

    def _too_slow(self) -> None:
        self._code = TOO_SLOW
        self._scope.cancel()


def _content(message: Message) -> tuple[bytes, bool]:
    """The bytes of a frame, and whether they are text; servers may send both keys."""
    text: str | None = message.get("text")
    if text is None:
        return message.get("bytes") or b"", False
    return text.encode(errors="surrogatepass"), True


def _parse(raw: bytes) -> tuple[str, Channel, str]:
    """Action, channel and symbol. Raises InvalidBody with the text for the client."""
    if not raw:
        raise InvalidBody(_NO_JSON)
    try:
        fields = parse_object(raw, may_be_empty=True)
    except InvalidBody as error:
        raise InvalidBody(_NO_JSON if error.error == _NO_JSON else _MISSING) from error
    action, channel, symbol = (fields.get(name) for name in _FIELDS)
    if not (_is_text(action) and _is_text(channel) and _is_text(symbol)):
        raise InvalidBody(_MISSING)
    if action not in _ACTIONS:
        raise InvalidBody(f"Unknown action: {action}")
    if channel not in tuple(Channel):
        raise InvalidBody(f"Unknown channel: {channel}")
    return action, Channel(channel), symbol


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and value != ""
