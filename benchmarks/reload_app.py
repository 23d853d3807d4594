"""A WSGI and an ASGI app that answer at once, and a beat of the loop: how late it is, `/lag` tells."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from threading import get_native_id
from time import perf_counter, process_time
from typing import Any, Final

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_BEAT: Final = 0.001  # seconds
# Seconds since somebody asked: the most that a beat was late, that this process itself ran meanwhile, and
# that the loop's thread was ready to run and had no core
_most: Final = [0.0, 0.0, 0.0]


def legacy(environ: Message, start_response: Callable[..., object]) -> list[bytes]:
    body = b'{"stack":"flask"}'
    if environ["PATH_INFO"] == "/lag":
        body = json.dumps(_most).encode()
        _most[:] = 0.0, 0.0, 0.0
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]


async def modern(scope: Message, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _live(receive, send)
    else:
        await _answer(send, b'{"stack":"fastapi"}')


async def _answer(send: Send, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _live(receive: Receive, send: Send) -> None:
    beat = asyncio.create_task(_beat())
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    beat.cancel()
    await send({"type": "lifespan.shutdown.complete"})


async def _beat() -> None:
    thread = get_native_id()
    while True:
        due, used, before = perf_counter() + _BEAT, process_time(), _queued(thread)
        await asyncio.sleep(_BEAT)
        late = perf_counter() - due
        ran, queued = process_time() - used, _queued(thread) - before
        _most[:] = map(max, _most, (late, min(late, ran), min(late, queued)))


def _queued(thread: int) -> float:
    """Seconds that a thread of this process has ever waited for a core (proc(5))."""
    told = Path(f"/proc/self/task/{thread}/schedstat").read_text()
    return int(told.split()[1]) / 1e9
