"""How synchronous views call the asynchronous services.

Behind the gateway, modern's services live on the gateway's own event loop: its WSGI bridge puts a
portal into that loop and the services themselves into the WSGI environ, so both stacks share them.
Alone, or where modern is absent, remote or another app, each process opens services of its own on a
loop in a thread.
"""

import atexit
import os
import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, suppress
from dataclasses import dataclass
from typing import TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal
from flask import current_app, request

from shared_services.errors import Unavailable
from shared_services.services import Services

T = TypeVar("T")

PORTAL = "banyan.portal"
STATE = "banyan.state"


def call(work: Callable[[Services], Awaitable[T]]) -> T:
    """Run `work` on the loop of the services and wait for it; for views.

    Raises what `work` raises, and TimeoutError at the deadline, when `work` is cancelled.
    """
    blocking: Blocking = current_app.extensions["blocking"]
    return blocking.call(work)


@dataclass(frozen=True, slots=True)
class _Opened:
    pid: int
    portal: BlockingPortal
    services: Services
    stack: ExitStack


class Blocking:
    """The bridge. Threads do not survive a fork, so its own loop starts at the first call.

    That, and knowing the process it was started in, makes `gunicorn --preload` work.
    """

    def __init__(
        self,
        open_services: Callable[[], AbstractAsyncContextManager[Services]],
        *,
        timeout: float = 60.0,  # seconds; longer than a service may take, which answers better
    ) -> None:
        self._open_services = open_services
        self._timeout = timeout
        self._lock = threading.Lock()
        self._opened: _Opened | None = None
        self._inherited: _Opened | None = None  # from before a fork

    def call(self, work: Callable[[Services], Awaitable[T]]) -> T:
        """As the function `call`; inside a request only."""
        portal, services = self._connection()
        future = portal.start_task_soon(work, services)
        try:
            return future.result(self._timeout)
        except TimeoutError:
            future.cancel()
            raise

    def open(self) -> None:
        """Open the services of this process now, and with them what works in the background.

        Not before a fork. What makes it fail is left to the first call, which has a client to tell.
        """
        with suppress(Unavailable), self._lock:
            self._own()

    def close(self) -> None:
        """End the loop of this process, if there is one; the next call starts another."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None and opened.pid == os.getpid():
            opened.stack.close()

    def _connection(self) -> tuple[BlockingPortal, Services]:
        shared = request.environ.get(STATE, {}).get("services")
        if isinstance(shared, Services):
            return request.environ[PORTAL], shared
        with self._lock:
            own = self._own()
        return own.portal, own.services

    def _own(self) -> _Opened:
        if self._opened is None or self._opened.pid != os.getpid():
            # What a parent opened is kept, not dropped: collected, it would wait for a thread of the parent.
            self._inherited, self._opened = self._opened, None
            self._opened = self._open()
        return self._opened

    def _open(self) -> _Opened:
        with ExitStack() as stack:
            portal = stack.enter_context(start_blocking_portal(name="services"))
            opening = portal.wrap_async_context_manager(self._open_services())
            services = stack.enter_context(opening)
            # Otherwise the server would wait for the services until it kills the worker.
            atexit.register(self.close)
            return _Opened(os.getpid(), portal, services, stack.pop_all())
