"""A request body, complete before anybody acts on it.

A WSGI app reads its body from a file, in a thread. The body is therefore read here, on the loop, to
its end: an upload that is cut short never reaches the app, and a slow one holds no thread.
"""

from tempfile import SpooledTemporaryFile

from gateway.dispatch import Receive, Scope


class BodyTooLarge(Exception):
    """More bytes than the limit."""


class ClientLeft(Exception):
    """The client went away before the body was complete."""


Body = SpooledTemporaryFile[bytes]


async def read_body(scope: Scope, receive: Receive, *, limit: int, memory: int) -> Body:
    """The whole body as a file at position 0: up to `memory` bytes in memory, then on disk.

    Raises BodyTooLarge above `limit` bytes (before a byte is read, if the length is declared) and
    ClientLeft; the file is closed in both cases.
    """
    declared = next((v for name, v in scope["headers"] if name == b"content-length"), b"")
    if declared.isdigit() and int(declared) > limit:
        raise BodyTooLarge
    body: Body = SpooledTemporaryFile(max_size=memory)  # noqa: SIM115 (the caller closes it)
    try:
        await _fill(body, receive, limit)
    except BaseException:
        body.close()
        raise
    body.seek(0)
    return body


async def _fill(body: Body, receive: Receive, limit: int) -> None:
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge
        body.write(chunk)
        more = message.get("more_body", False)
