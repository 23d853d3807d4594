"""A request body, complete before anybody acts on it.

A WSGI app reads its body from a file, in a thread. The body is therefore read here, on the loop, to
its end: an upload that is cut short never reaches the app, and a slow one holds no thread.
"""

from io import BytesIO
from tempfile import TemporaryFile
from typing import BinaryIO, Final

import structlog
from anyio import to_thread

from gateway.head import has_body
from gateway.messages import Receive, Scope, Send
from gateway.observe.metrics import ABORTED_UPLOADS
from gateway.refusal import refuse

_BLOCK: Final = 1 << 20  # bytes written to disk at once
_log = structlog.get_logger()


class ClientLeft(Exception):
    """The client went away before the body was complete."""


async def receive_body(scope: Scope, receive: Receive, send: Send, memory: int) -> BinaryIO | None:
    """As `read_body`; None if there is nobody to answer any more, or the answer is given: no room."""
    try:
        return await read_body(scope, receive, memory)
    except ClientLeft:
        ABORTED_UPLOADS.inc()
    except OSError as error:  # the disk is full
        _log.error("body.not_spooled", error=str(error))
        await refuse(send, 503, "No room for the request body", (b"retry-after", b"1"))
    return None


async def read_body(scope: Scope, receive: Receive, memory: int) -> BinaryIO:
    """The whole body as a file at position 0: up to `memory` bytes in memory, then on disk.

    Raises ClientLeft, and OSError if the disk is full; the file is closed then.
    """
    if not has_body(dict(scope["headers"])):
        return BytesIO()
    body = _Spool(memory)
    try:
        await _fill(body, receive)
        return await body.whole()
    except BaseException:
        body.close()
        raise


async def _fill(body: "_Spool", receive: Receive) -> None:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        await body.add(message.get("body", b""))
        more = message.get("more_body", False)


class _Spool:
    """Bytes in memory, and from a size on in a file that has no name."""

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._pending = bytearray()
        self._file: BinaryIO | None = None

    async def add(self, part: bytes) -> None:
        self._pending += part
        if len(self._pending) > (self._memory if self._file is None else _BLOCK):
            await to_thread.run_sync(self._flush)  # a disk may be slow; the loop does not wait

    async def whole(self) -> BinaryIO:
        if self._file is None:
            return BytesIO(self._pending)
        await to_thread.run_sync(self._flush)
        self._file.seek(0)
        return self._file

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _flush(self) -> None:
        if self._file is None:
            self._file = TemporaryFile()  # noqa: SIM115 (whoever has the body closes it)
        self._file.write(self._pending)
        self._pending = bytearray()
