"""uvicorn's server with what the edge needs of it: a sweep over the connections, and a gentle end."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from math import ceil
from typing import Final

import uvicorn

from gateway.edge.protocol import EdgeProtocol

_SWEEP: Final = 0.5  # seconds between looks at the clients' clocks
_TICK: Final = 0.02


class EdgeServer(uvicorn.Server):
    """Serves `EdgeProtocol`s.

    Its end takes `lame_duck` seconds, less if all have left: nobody is accepted any more, clients whose
    connections are open get one more answer that tells them to close. Running requests then have uvicorn's
    grace. `leaving` is called first, for answers that would never end by themselves.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        lame_duck: float,
        leaving: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(config)
        self._lame_duck = lame_duck
        self._leaving = leaving
        self._timer: asyncio.TimerHandle | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._sweep()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        if self._leaving is not None:
            self._leaving()
        await self._be_lame()
        await super().shutdown(sockets)
        if self._timer is not None:
            self._timer.cancel()

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in self._connections():
            connection.sweep(now)
        self._timer = loop.call_later(_SWEEP, self._sweep)

    async def _be_lame(self) -> None:
        """In rounds, not by the clock: a machine that stalls takes no client's chance away."""
        for _ in range(ceil(self._lame_duck / _TICK)):
            for connection in self._connections():
                connection.retire()
            await asyncio.sleep(_TICK)
            if self.force_exit or not any(self._connections()):
                return

    def _connections(self) -> Iterator[EdgeProtocol]:
        """Those that are no WebSockets."""
        connections: tuple[object, ...] = tuple(self.server_state.connections)
        for connection in connections:
            if isinstance(connection, EdgeProtocol):
                yield connection
