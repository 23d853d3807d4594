"""Bitfinex' WebSocket, its public channels `ticker` and `book`.

https://docs.bitfinex.com/docs/ws-public
"""

import json
from typing import Any

from aiohttp import WSMsgType, web

from shared_services.exchange.port import ExchangeFailedError, ExchangePort
from tests.bitfinex import arrays


class Sockets:
    """Who listens to what; a test says when there is news."""

    def __init__(self, exchange: ExchangePort) -> None:
        self._exchange = exchange
        self._channels: dict[int, tuple[web.WebSocketResponse, dict[str, Any]]] = {}
        self._opened = 0

    @property
    def count(self) -> int:
        """Of subscriptions."""
        return len(self._channels)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await _send(socket, {"event": "info", "version": 2, "platform": {"status": 1}})
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._hear(socket, json.loads(message.data))
        finally:
            self._forget(socket)
        return socket

    async def news(self) -> None:
        """Tell every subscriber what its channel looks like now."""
        for number, (socket, wanted) in list(self._channels.items()):
            await _send(socket, [number, await self._snapshot(wanted)])

    async def close(self) -> None:
        for socket, _ in list(self._channels.values()):
            await socket.close()

    async def _hear(self, socket: web.WebSocketResponse, said: dict[str, Any]) -> None:
        match said.get("event"):
            case "subscribe":
                await self._subscribe(socket, said)
            case "unsubscribe":
                self._channels.pop(said["chanId"], None)
                told = {"event": "unsubscribed", "status": "OK", "chanId": said["chanId"]}
                await _send(socket, told)
            case "ping":
                await _send(socket, {"event": "pong", "cid": said.get("cid"), "ts": 0})
            case _:
                await _send(socket, {"event": "error", "code": 10000, "msg": "unknown event"})

    async def _subscribe(self, socket: web.WebSocketResponse, wanted: dict[str, Any]) -> None:
        try:
            snapshot = await self._snapshot(wanted)
        except (ExchangeFailedError, LookupError):
            failure = {"event": "error", "code": 10300, "msg": "subscribe: invalid"}
            await _send(socket, wanted | failure)
            return
        self._opened += 1
        self._channels[self._opened] = socket, wanted
        pair = wanted["symbol"].removeprefix("t")
        told = {"event": "subscribed", "chanId": self._opened, "pair": pair}
        await _send(socket, wanted | told)
        await _send(socket, [self._opened, snapshot])

    async def _snapshot(self, wanted: dict[str, Any]) -> Any:
        symbol = arrays.symbol_of(wanted["symbol"])
        if wanted["channel"] == "ticker":
            return arrays.ticker(await self._exchange.ticker(symbol))
        if wanted["channel"] != "book":
            raise LookupError(wanted["channel"])
        return arrays.book(await self._exchange.order_book(symbol, int(wanted.get("len", 25))))

    def _forget(self, socket: web.WebSocketResponse) -> None:
        mine = [number for number, (owner, _) in self._channels.items() if owner is socket]
        for number in mine:
            del self._channels[number]


async def _send(socket: web.WebSocketResponse, content: Any) -> None:
    await socket.send_str(
        json.dumps(content) if isinstance(content, dict) else arrays.encode(content)
    )
