"""uvicorn as `banyan` runs it: one worker in this process, or several under its supervisor.

What is added to uvicorn: a greeting when requests are taken, a stop that ends in time whatever the
apps do, and a second signal that ends at once.
"""

import os
import signal
import socket
import sys
from collections.abc import Callable
from threading import Timer
from types import FrameType
from typing import Final, NoReturn

import uvicorn
from uvicorn.supervisors import Multiprocess

_MARGIN: Final = 2.0  # seconds after the grace for lifespans to end
_OVERDUE: Final = 1  # exit code of a stop that had to be forced

Hello = Callable[[], str]


class OneWorker(uvicorn.Server):
    """A data plane in this process; exits with 0 after a drained stop."""

    def __init__(self, config: uvicorn.Config, hello: Hello) -> None:
        super().__init__(config)
        self._hello = hello

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        sys.stderr.write(self._hello())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        self._captured_signals.clear()  # a drained stop is no death by signal

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            os._exit(128 + sig)
        super().handle_exit(sig, frame)
        # A handler in a thread, or a lifespan that hangs, would keep the process for ever.
        overdue = Timer((self.config.timeout_graceful_shutdown or 0) + _MARGIN, _give_up)
        overdue.daemon = True
        overdue.start()


class Workers(Multiprocess):
    """Several data planes and their supervisor."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket], hello: Hello) -> None:
        super().__init__(config, sockets)
        self._hello: Hello | None = hello
        self._stopping = False
        for sig in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sig, self._stop)

    def keep_subprocess_alive(self) -> None:
        super().keep_subprocess_alive()
        if self._hello is not None and all(worker.is_ready(1) for worker in self.processes):
            sys.stderr.write(self._hello())
            self._hello = None

    def _stop(self, sig: int, _frame: FrameType | None) -> None:
        if self._stopping:
            for worker in self.processes:
                worker.process.kill()
            os._exit(128 + sig)
        self._stopping = True
        self.signal_queue.append(sig)


def _give_up() -> NoReturn:
    sys.stderr.write("banyan: the grace is over; what still runs is cut\n")
    sys.stderr.flush()
    os._exit(_OVERDUE)
