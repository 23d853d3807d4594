"""Cases of `benchmarks.instructions`: the program whose instructions callgrind counts.

It answers the same requests again and again, most cases from the bytes of a request to the bytes of its
answer, with no socket between: what sockets take is the same for every server. It tells callgrind where to
begin and to cut (`callgrind_control`), so that imports are not counted.
"""

import asyncio
import gc
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import uvicorn
import uvloop
from anyio.from_thread import BlockingPortal
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from benchmarks import instant
from benchmarks.apps import legacy, modern
from gateway.app import Gateway
from gateway.edge.head import read_head
from gateway.edge.limits import Limits
from gateway.edge.protocol import EdgeProtocol
from gateway.edge.scope import http_scope, peer_of
from gateway.messages import App, Receive, Scope, Send
from gateway.settings import Settings
from gateway.stacks.address import Remote
from gateway.stacks.remote import ticks
from gateway.stacks.remote.connection import Connection
from gateway.stacks.remote.forwarded import Forwarded
from gateway.stacks.remote.http import HTTPStack
from gateway.stacks.remote.pool import Pool
from gateway.stacks.wsgi.bridge import WSGIStack
from gateway.stacks.wsgi.environ import Environs
from gateway.stacks.wsgi.reference import ReferenceStack
from gateway.words import Stack

Ask = Callable[[], Awaitable[bytes]]
Case = Callable[[], AbstractAsyncContextManager[Ask]]

BATCH: Final = 256  # requests; observers count as many at a time
DUMPS: Final = 3  # of callgrind for each case: nothing yet, a batch, two batches
_WARM_UP: Final = 2 * BATCH
_REST: Final = 0.5  # seconds in which other threads, the access log's, do what they still have to
_BODY: Final = b'{"hello":"world"}'
_HEAD: Final = (
    b"GET /json HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench/1\r\nAccept: application/json\r\n"
    b"Accept-Encoding: gzip, deflate\r\nAccept-Language: en\r\nCookie: theme=dark; sid=7\r\n"
    b"X-API-Key: client-%03d"
)
_CLIENTS: Final = 500
_END: Final = b"\r\n\r\n"


class _Transport(asyncio.Transport):
    """Takes what a server writes, until that is a whole answer."""

    def __init__(self) -> None:
        ends = {"peername": ("127.0.0.1", 5000), "sockname": ("127.0.0.1", 80)}
        super().__init__({**ends, "socket": socket.socket()})
        self._written: list[bytes] = []
        self._whole = asyncio.Event()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._written.append(bytes(data))
        if self._written[-1].rstrip().endswith(b"}"):
            self._whole.set()

    async def answer(self) -> bytes:
        await self._whole.wait()
        self._whole.clear()
        answer = b"".join(self._written)
        self._written.clear()
        return answer

    def is_closing(self) -> bool:
        return False


@asynccontextmanager
async def _uvicorn(app: App = modern) -> AsyncIterator[Ask]:
    """uvicorn and the app, without a gateway."""
    config = uvicorn.Config(app, access_log=False, log_config=None, proxy_headers=False)
    yield _over(HttpToolsProtocol, config)


@asynccontextmanager
async def _gateway(
    share: int, stack_of_modern: Any = modern, app: App | None = None
) -> AsyncIterator[Ask]:
    """The gateway as `banyan serve` runs it, with modern at `share` %, and `app` in modern's place."""
    # Nor do the clocks of remote connections go.
    with tempfile.TemporaryDirectory() as folder, patch(f"{ticks.__name__}.PERIOD", 3600):
        told = {
            "plan": _plan(Path(folder), share),
            "var": Path(folder, "var"),
            "access_log": os.devnull,
            "switch_interval": 1,  # see below
        }
        gateway = Gateway(Settings.model_validate(told), lambda: legacy, lambda: stack_of_modern)
        # Not `running`: what happens each second would count the more, the slower the counting is.
        async with gateway.loaded():
            if app is not None:
                gateway.dispatch.stacks = {**gateway.dispatch.stacks, Stack.MODERN: app}
            config = uvicorn.Config(gateway, access_log=False, log_config=None, proxy_headers=False)
            yield _over(partial(EdgeProtocol, Limits()), config, gateway.publish)


def _plan(folder: Path, share: int) -> Path:
    plan = folder / "traffic.yaml"
    plan.write_text(f"phase: gradual\nroutes:\n  - {{route: GET /json, modern: {share}}}\n")
    return plan


def _over(
    protocol: Callable[..., Any], config: uvicorn.Config, each_second: Callable[[], object] = bool
) -> Ask:
    """Asks over one connection that stays. Here a second has as many requests as a batch."""
    config.load()
    connection = protocol(config=config, server_state=ServerState(), app_state={})
    transport, numbers = _Transport(), count()
    connection.connection_made(transport)

    async def ask() -> bytes:
        number = next(numbers)
        connection.data_received(_HEAD % (number % _CLIENTS) + _END)
        answer = await transport.answer()
        if not number % BATCH:
            each_second()
        return answer

    return ask


async def _raw(_scope: Scope, _receive: Receive, send: Send) -> None:
    """The least that an ASGI app can do."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_BODY))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": _BODY})


@asynccontextmanager
async def _edge() -> AsyncIterator[Ask]:
    """The gateway's protocol, without the gateway."""
    config = uvicorn.Config(_raw, access_log=False, log_config=None, proxy_headers=False)
    yield _over(partial(EdgeProtocol, Limits()), config)


@asynccontextmanager
async def _flask() -> AsyncIterator[Ask]:
    """Flask, called as PEP 3333 says, by nobody in particular."""
    environ = Environs(multiprocess=False).make(_scope(), BytesIO())

    async def ask() -> bytes:
        parts = legacy(environ.copy(), _start_response)
        answer = b"".join(parts)
        getattr(parts, "close", bool)()  # as PEP 3333 says
        return answer

    yield ask


def _start_response(*_: object) -> Callable[[bytes], object]:
    return lambda _part: None


@asynccontextmanager
async def _bridge(kind: type[WSGIStack | ReferenceStack]) -> AsyncIterator[Ask]:
    """Flask as a stack of the gateway."""
    async with BlockingPortal() as portal:
        stack = kind(legacy, Settings(), portal, {})

        yield _of(stack)
        stack.close()


@asynccontextmanager
async def _remote() -> AsyncIterator[Ask]:
    """A remote stack that answers at once, asked by the gateway's client alone."""
    pool = Pool(partial(instant.dial, Connection), 1)
    stack = HTTPStack("modern", pool, Forwarded(()), Settings())

    with patch(f"{ticks.__name__}.PERIOD", 3600):
        yield _of(stack)
    pool.close()


@asynccontextmanager
async def _gateway_remote() -> AsyncIterator[Ask]:
    """The gateway in front of a remote modern that answers at once."""
    address = Remote("BANYAN_MODERN", path="/nowhere")
    with patch("gateway.stacks.remote.stack.connector", lambda *_: instant.dial):
        async with _gateway(100, address) as ask:
            yield ask


def _of(stack: App) -> Ask:
    """Asks a stack as the gateway does."""
    scope = _scope()

    async def ask() -> bytes:
        parts: list[bytes] = []

        async def send(message: Any) -> None:
            parts.append(message.get("body", b""))

        await stack(scope.copy(), _forever, send)
        return b"".join(parts)

    return ask


def _scope() -> dict[str, Any]:
    head = read_head(_HEAD % 7, Limits(), trusted=False)
    return http_scope(head, peer_of(_Transport(), Limits()), {})


async def _forever(*_: object) -> Any:
    await asyncio.get_running_loop().create_future()


CASES: Final[dict[str, Case]] = {
    "uvicorn, FastAPI": _uvicorn,
    "gateway, 100 %": partial(_gateway, 100),
    "gateway, 0 %": partial(_gateway, 0),
    "uvicorn, raw app": partial(_uvicorn, _raw),
    "edge, raw app": _edge,
    "gateway, raw app": partial(_gateway, 100, app=_raw),
    "Flask, called directly": _flask,
    "Flask, bridge": partial(_bridge, WSGIStack),
    "Flask, a2wsgi": partial(_bridge, ReferenceStack),
    "remote client": _remote,
    "gateway, 100 %, remote": _gateway_remote,
}


async def _run(case: Case) -> None:
    async with case() as ask:
        await _times(ask, _WARM_UP)
        gc.collect()
        gc.freeze()  # how long it takes would depend on all that lives in the process
        _callgrind("--instr=on")
        _callgrind("--dump")
        for part in (BATCH, 2 * BATCH):
            await _times(ask, part)
            _callgrind("--dump")
        _callgrind("--instr=off")


async def _times(ask: Ask, requests: int) -> None:
    for _ in range(requests):
        answer = await ask()
        if not answer.rstrip().endswith(_BODY):
            raise SystemExit(f"a wrong answer: {answer!r}")


def _callgrind(command: str) -> None:
    time.sleep(_REST)
    control = ["callgrind_control", command, str(os.getpid())]
    subprocess.run(control, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.setswitchinterval(1000)  # threads take turns where they wait: the clock runs slowly here
    for name in sys.argv[1:]:
        uvloop.run(_run(CASES[name]))
