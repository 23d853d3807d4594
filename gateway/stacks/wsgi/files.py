"""A file as an answer's body: sent from the loop, so that a slow client holds no thread of the app."""

import os
from collections.abc import Callable
from io import UnsupportedOperation
from typing import Final

from anyio import to_thread

from gateway.edge.cycle import FILE
from gateway.edge.duct import SourceEnded
from gateway.messages import Send
from gateway.stacks.wsgi.environ import FileWrapper
from gateway.stacks.wsgi.outbox import Outbox
from gateway.stacks.wsgi.threads import Errand, Job

_BLOCK: Final = 1024 * 1024  # bytes read at once


class SentFile:
    """`count` bytes of an open file from `offset` on; `closing` is the app's
    own close, for a thread."""

    def __init__(self, descriptor: int, offset: int, count: int, closing: Job) -> None:
        self._descriptor, self._offset, self._end = descriptor, offset, offset + count
        self.closing = closing

    async def send(self, send: Send, outbox: Outbox, *, zero_copy: bool) -> None:
        """Sends all but the end of the answer, unless the client leaves. Raises SourceEnded.

        `zero_copy`: the server has the kernel send it (ASGI's `http.response.zerocopysend`).
        """
        if zero_copy:
            count = self._end - self._offset
            file = {"file": self._descriptor, "offset": self._offset, "count": count}
            await send({"type": FILE, **file, "more_body": True})
            return
        while self._offset < self._end and not outbox.left:
            size = min(_BLOCK, self._end - self._offset)
            part = await to_thread.run_sync(os.pread, self._descriptor, size, self._offset)
            if not part:
                raise SourceEnded("the file became shorter while it was sent")
            self._offset += len(part)
            await send({"type": "http.response.body", "body": part, "more_body": True})


def sent_file(
    wrapper: FileWrapper, length: int | None, close: Callable[[], None]
) -> SentFile | None:
    """What to send of the app's file; None if it is no file of the system: it is iterated then."""
    try:
        descriptor = wrapper.filelike.fileno()
        offset = os.lseek(descriptor, 0, os.SEEK_CUR)
        count = os.fstat(descriptor).st_size - offset if length is None else length
    except (AttributeError, OSError, UnsupportedOperation):
        return None
    return SentFile(descriptor, offset, max(count, 0), Errand(close))
