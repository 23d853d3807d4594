"""The server beside the data plane: the control plane's, or the probes'."""

import signal
import socket
from collections.abc import Callable
from threading import Event, Thread
from typing import Final

from gateway.cli.servers import give_up
from gateway.edge.server import EdgeServer

GRACE: Final = 3.0  # seconds for running requests
_LATEST: Final = 5.0  # seconds for its whole end


class Beside:
    """A server in a thread with a loop of its own. It ends after the data plane, and before the process:
    uvloop takes the interpreter's lock when it wakes up, and crashes where there is no interpreter any more.
    """

    def __init__(
        self, make: Callable[[], EdgeServer], listener: socket.socket, after: Event, url: str
    ) -> None:
        """It is made in its thread when `after` is set; until then its clients wait at the listener."""
        self.url = url
        self._make = make
        self._listener = listener
        self._after = after
        self._server: EdgeServer | None = None
        self._ending = False
        # A daemon: who leaves by an exception does not wait for it
        self._thread = Thread(target=self._run, name="beside", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with self._listener:  # one that cannot be made does not let its clients wait
            self._after.wait()
            if self._ending:
                return
            server = self._server = self._make()
            server.should_exit = self._ending
            server.run([self._listener])

    def end(self, code: int) -> int:
        """The process's exit code, if this has ended in time; else the process ends here."""
        for sig in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sig, signal.SIG_DFL)  # another one ends at once
        self._ending = True
        self._after.set()
        if self._server is not None:
            self._server.should_exit = True
        self._thread.join(_LATEST)
        if self._thread.is_alive():
            give_up(code)
        return code
