"""A remote stack that is not there: every request is answered on the loop's next turn, without a socket."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any, Final

from gateway.stacks.remote.reach import Wire

BODY: Final = b'{"hello":"world"}'
_ANSWER: Final = (
    b"HTTP/1.1 200 OK\r\nserver: uvicorn\r\ndate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
    b"content-length: %d\r\ncontent-type: application/json\r\n\r\n%b" % (len(BODY), BODY)
)


async def dial(factory: Callable[[], Wire]) -> Wire:
    """What `reach.connector` gives for an address."""
    protocol = factory()
    protocol.connection_made(_Instant(protocol))
    return protocol


class _Instant(asyncio.Transport):
    def __init__(self, protocol: Any) -> None:
        self._pair = socket.socketpair()  # looked at, never used: nothing is to be read there
        super().__init__({"socket": self._pair[0], "peername": ("127.0.0.1", 1)})
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()

    def write(self, _data: bytes | bytearray | memoryview) -> None:
        self._loop.call_soon(self._protocol.data_received, _ANSWER)

    def abort(self) -> None:
        for one in self._pair:
            one.close()

    def is_closing(self) -> bool:
        return False
