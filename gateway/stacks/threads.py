"""The threads that run a WSGI app: bounded, started when needed, and never waited for at exit.

`ThreadPoolExecutor` joins its threads when the interpreter ends, so that one view that hangs keeps a
stopped worker alive for ever.
"""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

Job = tuple[Future[Any], Callable[[], Any]]


class DaemonThreads(Executor):
    """At most `size` daemon threads; jobs wait in one queue."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._lock = Lock()
        self._started = 0
        self._unclaimed = 0  # idle threads less waiting jobs

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        with self._lock:
            self._unclaimed -= 1
            if self._unclaimed < 0 and self._started < self._size:
                self._started += 1
                self._unclaimed += 1
                Thread(target=self._work, name=f"wsgi-{self._started}", daemon=True).start()
        self._jobs.put((future, lambda: fn(*args, **kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        """Ends idle threads, and busy ones after their job; `wait` is not needed: they are daemons."""
        for _ in range(self._started):
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            future, call = job
            if future.set_running_or_notify_cancel():
                try:
                    result = call()
                except BaseException as error:
                    future.set_exception(error)
                else:
                    future.set_result(result)
            del job, future, call  # an idle thread must not keep the last request alive
            with self._lock:
                self._unclaimed += 1
