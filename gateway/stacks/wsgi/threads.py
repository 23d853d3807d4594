"""The threads that run a WSGI app: bounded, started when needed, and never waited for at exit.

`ThreadPoolExecutor` joins its threads when the interpreter ends, so that one view that hangs keeps a
stopped worker alive for ever.
"""

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextvars import copy_context
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, Protocol

import structlog

_log = structlog.get_logger()


class Job(ABC):
    """Something for a thread, in the context of who asked for it.

    Either a thread claims it or whoever waits for it does, never both.
    """

    __slots__ = ("_unclaimed", "context")

    def __init__(self) -> None:
        self.context = copy_context()
        self._unclaimed = [True]

    @abstractmethod
    def run(self) -> None:
        """What is to be done, once."""

    def claim(self) -> bool:
        """Whether this caller is the first; popping a list is atomic."""
        try:
            return self._unclaimed.pop()
        except IndexError:
            return False


class Errand(Job):
    """The call of a function."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[[], None]) -> None:
        super().__init__()
        self._call = call

    def run(self) -> None:
        self._call()


class Stalled(Protocol):
    """Who holds a thread only because a client reads slowly."""

    def let_go(self) -> bool:
        """Asked to give its client up; False: it has not been slow for long."""


class Threads:
    """At most `size` daemon threads that are busy; jobs wait in one queue.

    A thread that waits for a slow client is not busy: another one may be started in its place, for up to
    `stalled` of them. Beyond that, who has waited longest gives its client up for a job that waits.
    """

    def __init__(self, size: int, stalled: int = 0) -> None:
        self._size, self._most = size, stalled
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._lock = Lock()
        self._alive = 0
        self._unclaimed = 0  # idle threads less waiting jobs
        self._stalled: OrderedDict[Stalled, None] = OrderedDict()  # the longest first

    def add(self, job: Job) -> bool:
        """Hands a job over; False: every thread is busy, it waits."""
        self._lock.acquire()  # `with` costs twice as much
        try:
            self._unclaimed -= 1
            if self._unclaimed < 0:
                self._start_if_allowed()
            waits = self._unclaimed < 0
        finally:
            self._lock.release()
        self._jobs.put(job)
        if waits:
            self.press()
        return not waits

    def press(self) -> None:
        """A job waits for a thread: asks for the one that has waited longest for its client."""
        with self._lock:
            if self._unclaimed >= 0 or not self._stalled:
                return
            stalled = next(iter(self._stalled))
        stalled.let_go()

    def stall(self, stalled: Stalled) -> None:
        """A thread is about to wait for its client."""
        with self._lock:
            self._stalled[stalled] = None
            if self._unclaimed < 0:
                self._start_if_allowed()

    def resume(self, stalled: Stalled) -> None:
        """It waits no more."""
        with self._lock:
            self._stalled.pop(stalled, None)

    @property
    def waiting(self) -> int:
        """Jobs without a thread."""
        return max(0, -self._unclaimed)

    @property
    def busy(self) -> int:
        """Threads that have a job."""
        with self._lock:
            return self._alive - max(0, self._unclaimed)

    def close(self) -> None:
        """Ends idle threads, and busy ones after their job."""
        for _ in range(self._alive):
            self._jobs.put(None)

    @property
    def _surplus(self) -> int:
        """Threads above the size, not counting those that wait for their clients; below it, less than 0."""
        return self._alive - min(len(self._stalled), self._most) - self._size

    def _start_if_allowed(self) -> None:
        if self._surplus < 0:
            self._alive += 1
            self._unclaimed += 1
            Thread(target=self._work, name=f"wsgi-{self._alive}", daemon=True).start()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if job.claim():
                try:
                    job.context.run(job.run)
                except BaseException:  # a thread that ends would be missed for ever
                    _log.exception("thread.job_failed")
            del job  # an idle thread must not keep the last request alive
            self._lock.acquire()
            try:
                if self._alive > self._size and self._surplus > 0:  # it was another's replacement
                    self._alive -= 1
                    return
                self._unclaimed += 1
            finally:
                self._lock.release()


class DaemonThreads(Executor):
    """The same threads for libraries that want an executor."""

    def __init__(self, size: int) -> None:
        self._threads = Threads(size)

    @property
    def busy(self) -> int:
        return self._threads.busy

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def call() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    result = fn(*args, **kwargs)
                except BaseException as error:
                    future.set_exception(error)
                else:
                    future.set_result(result)

        self._threads.add(Errand(call))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        """`wait` is not needed: they are daemons."""
        self._threads.close()
