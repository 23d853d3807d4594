"""A Bitfinex of our own on the loopback: its wire format over a paper exchange.

It checks what Bitfinex checks of a signed call, keeps what arrived, and fails when told to.
"""

import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, TypeAlias

import anyio
from aiohttp import web

from shared_services.exchange.port import ExchangePort
from tests.bitfinex import arrays, public, signed
from tests.bitfinex.sockets import Sockets

KEY, SECRET = "fake-key-of-account-0001", "fake-secret-never-to-be-told"


class Fault(Enum):
    SILENT = auto()
    """Nothing is done, and no answer comes."""
    LOST = auto()
    """All is done, and the connection is cut instead of an answer."""
    BROKEN = auto()
    """500 with a page of HTML."""
    BUSY = auto()
    """429 with ratelimit."""
    NONCE = auto()
    """As if another program had used the key."""
    MAINTENANCE = auto()
    UNREADABLE = auto()
    """200 with an object where an array belongs."""
    TWICE = auto()
    """Everything in the answer is told twice."""
    BAD_KEY = auto()


Refusal: TypeAlias = tuple[int, Any]
"""Status and content of an answer that takes the place of the right one."""

_REFUSALS: Mapping[Fault, Refusal] = {
    Fault.BROKEN: (500, "<html>bad gateway</html>"),
    Fault.BUSY: (429, ["error", 11010, "ratelimit: error"]),
    Fault.NONCE: (500, ["error", 10114, "nonce: small"]),
    Fault.MAINTENANCE: (500, ["error", 20060, "maintenance"]),
    Fault.UNREADABLE: (200, [{"what": "is this"}, 17]),
    Fault.BAD_KEY: (500, ["error", 10100, "apikey: digest invalid"]),
}


@dataclass(frozen=True, slots=True)
class Arrival:
    """A signed call as it came: the path behind /v2/auth/, and the body to the byte."""

    path: str
    nonce: int
    body: str


@dataclass
class FakeBitfinex:
    """`faults` by the path behind /v2/ or /v2/auth/; `auth` is every signed call."""

    exchange: ExchangePort
    secrets: dict[str, str] = field(default_factory=lambda: {KEY: SECRET})
    faults: dict[str, Fault | Refusal] = field(default_factory=dict)
    arrivals: list[Arrival] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    """The public paths that were asked for."""
    marks: dict[str, int] = field(default_factory=dict)
    most_at_once: int = 0
    """Signed calls that were under way together."""
    url: str = ""
    sockets: Sockets = field(init=False)
    stopping: anyio.Event = field(default_factory=anyio.Event)
    _at_once: int = 0

    def __post_init__(self) -> None:
        self.sockets = Sockets(self.exchange)

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/ws/2", self.sockets.serve)
        app.router.add_get("/v2/{path:.*}", self._public)
        app.router.add_post("/v2/auth/{path:.*}", self._signed)
        return app

    def nonces(self) -> list[int]:
        """In the order of arrival."""
        return [arrival.nonce for arrival in self.arrivals]

    async def _public(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        self.requests.append(path)
        fault = self.faults.get(path) or self.faults.get(path.split("/")[0])
        if (refusal := await self._fail(fault)) is not None:
            return refusal
        status, content = await public.answer(self.exchange, path, request.query)
        return _json(status, content)

    async def _signed(self, request: web.Request) -> web.StreamResponse:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            return await self._answer(request, await request.text())
        finally:
            self._at_once -= 1

    async def _answer(self, request: web.Request, body: str) -> web.StreamResponse:
        path = request.match_info["path"]
        fault = self.faults.get(path) or self.faults.get("auth")
        if (wrong := self._wrong(request, body)) is not None:
            return _json(500, wrong)
        if (refusal := await self._fail(fault)) is not None:
            return refusal
        status, content = await signed.answer(self.exchange, path, signed.parse(body))
        if fault is Fault.LOST:
            assert request.transport is not None
            request.transport.abort()
        return _json(status, signed.twice(content) if fault is Fault.TWICE else content)

    async def _fail(self, fault: Fault | Refusal | None) -> web.StreamResponse | None:
        if fault is Fault.SILENT:
            await self.stopping.wait()
        refusal = _REFUSALS.get(fault) if isinstance(fault, Fault) else fault
        return None if refusal is None else _json(*refusal)

    def _wrong(self, request: web.Request, body: str) -> Any:
        """None, or what Bitfinex says about a signature or a nonce it does not take."""
        path, headers = request.match_info["path"], request.headers
        key, nonce = headers["bfx-apikey"], headers["bfx-nonce"]
        secret = self.secrets.get(key, "")
        message = f"/api{request.path}{nonce}{body}".encode()
        expected = hmac.new(secret.encode(), message, hashlib.sha384).hexdigest()
        if not secret or not hmac.compare_digest(expected, headers["bfx-signature"]):
            return arrays.error(10100, "apikey: digest invalid")
        self.arrivals.append(Arrival(path, int(nonce), body))
        if int(nonce) <= self.marks.get(key, 0):
            return arrays.error(10114, "nonce: small")
        self.marks[key] = int(nonce)
        return None


@asynccontextmanager
async def serve(exchange: ExchangePort) -> AsyncIterator[FakeBitfinex]:
    """On a free port of the loopback, in this loop."""
    fake = FakeBitfinex(exchange)
    runner = web.AppRunner(fake.application(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        fake.url = f"http://127.0.0.1:{port}"
        yield fake
    finally:
        fake.stopping.set()
        await fake.sockets.close()
        await runner.cleanup()


def _json(status: int, content: Any) -> web.Response:
    text = content if isinstance(content, str) else arrays.encode(content)
    kind = "text/html" if isinstance(content, str) else "application/json"
    return web.Response(status=status, text=text, content_type=kind)
