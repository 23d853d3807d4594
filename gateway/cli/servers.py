"""The data plane's servers as `banyan` runs them: one worker in this process, or several and a supervisor.

What is added to uvicorn: a greeting when requests are taken, a stop that ends in time whatever the
apps do, a second signal that ends at once, and workers that are replaced without losing a request.
"""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from random import randint
from threading import Timer
from types import FrameType
from typing import Any, Final, NoReturn

import structlog
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from gateway import collector
from gateway.edge.server import EdgeServer

_MARGIN: Final = 2.0  # seconds after the grace for lifespans to end
_START: Final = 30.0  # seconds in which a successor must be ready
_PING: Final = 0.2  # seconds for a starting worker to say whether it is
_OVERDUE: Final = 1  # exit code of a stop that had to be forced
_SPAWN: Final = get_context("spawn")  # as uvicorn starts its processes
_log = structlog.get_logger()

Hello = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Terms:
    """How a worker ends."""

    grace: float  # seconds for running requests
    lame_duck: float  # seconds in which idle connections get one more answer
    requests: int = 0  # after which a worker is replaced; 0: never
    leaving: Callable[[], None] | None = None  # what its end begins with

    @property
    def overdue(self) -> float:
        """Seconds after which a stop is forced."""
        return self.lame_duck + self.grace + _MARGIN


class DataPlane(EdgeServer):
    """A server that has ended some seconds after its first signal, whatever still hangs in an app."""

    def __init__(self, config: uvicorn.Config, terms: Terms) -> None:
        super().__init__(config, terms.lame_duck, terms.leaving)
        self._terms = terms
        self._overdue: Timer | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        collector.settle()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        if self._overdue is None:
            # A handler in a thread, or a lifespan that hangs, would keep the process for ever.
            self._overdue = Timer(self._terms.overdue, give_up)
            self._overdue.daemon = True
            self._overdue.start()


class OneWorker(DataPlane):
    """A data plane in this process; exits with 0 after a drained stop."""

    def __init__(self, config: uvicorn.Config, terms: Terms, hello: Hello) -> None:
        super().__init__(config, terms)
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


class OneOfSeveral(DataPlane):
    """A data plane in a worker process. One that has served its share goes on until it is replaced."""

    def __init__(self, config: uvicorn.Config, terms: Terms, worn: Any) -> None:
        super().__init__(config, terms)
        self._worn = worn
        # Not all on the same request, or all would be replaced at once.
        self._share = terms.requests + randint(0, terms.requests // 4)  # noqa: S311

    async def on_tick(self, counter: int) -> bool:
        if 0 < self._share <= self.server_state.total_requests:
            self._worn.value = 1
        return await super().on_tick(counter)


class Worker(Process):
    """A worker process, seen from the supervisor and, pickled, from itself."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket], terms: Terms) -> None:
        super().__init__(config, sockets)
        self._terms = terms
        self._worn = _SPAWN.RawValue("b", 0)  # no lock: one that was killed would hold it for ever
        self._left_by = 0.0

    def target(self, sockets: list[socket.socket] | None = None) -> None:
        signal.signal(
            signal.SIGHUP, signal.SIG_IGN
        )  # a terminal sends it to all; it is for the supervisor
        collector.put_off()
        super().target(sockets)

    @property
    def server(self) -> uvicorn.Server:
        if self._server is None:
            self._server = OneOfSeveral(self.config, self._terms, self._worn)
        return self._server

    @property
    def worn(self) -> bool:
        return bool(self._worn.value)

    def terminate(self) -> None:
        super().terminate()
        self._left_by = time.monotonic() + self._terms.overdue + _MARGIN

    def is_gone(self) -> bool:
        """Whether a terminated worker has ended; one that takes far too long is killed."""
        if self.process.is_alive() and time.monotonic() > self._left_by:
            self.process.kill()
        return not self.process.is_alive()

    def _healthcheck(self, timeout: float) -> bool | None:
        try:
            while self.parent_conn.poll():  # an answer that once came too late is not today's
                self.parent_conn.recv()
        except (OSError, EOFError):
            return None
        return super()._healthcheck(timeout)


class Workers(Multiprocess):
    """Several data planes and their supervisor.

    Replacing, one at a time: a successor starts, is ready, and only then its predecessor drains. All
    listen on one socket, so that a connection that a leaving worker has not accepted goes to another.
    """

    def __init__(
        self, config: uvicorn.Config, sockets: list[socket.socket], terms: Terms, hello: Hello
    ) -> None:
        super().__init__(config, sockets)
        self.processes: list[Worker] = []  # type: ignore[assignment]
        self._terms = terms
        self._hello: Hello | None = hello
        self._stopping = False
        self._due: list[Worker] = []  # to be replaced
        self._successor: Worker | None = None
        self._patience = 0.0  # until when the successor must be ready
        self._leaving: list[Worker] = []
        for sig in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sig, self._stop)

    @property
    def exitcode(self) -> int:
        """The worst of the workers' ends: could not start, was forced, or 0."""
        codes = {worker.exitcode for worker in self.processes}
        if STARTUP_FAILURE in codes:
            return STARTUP_FAILURE
        return _OVERDUE if _OVERDUE in codes else 0

    def init_processes(self) -> None:
        self.processes.extend(self._start() for _ in range(self.processes_num))

    def keep_subprocess_alive(self) -> None:
        if self.should_exit.is_set():
            return
        if self._hello is not None and all(worker.is_ready(1) for worker in self.processes):
            sys.stderr.write(self._hello())
            self._hello = None
            collector.settle()
        self._replace_the_dead()
        self._due += [w for w in self.processes if w.worn and w not in self._due]
        if self._successor is not None:
            self._take_over(self._successor)
        elif self._due:
            self._successor = self._start()
            self._patience = time.monotonic() + _START
        self._leaving = [worker for worker in self._leaving if not worker.is_gone()]

    def terminate_all(self) -> None:
        if self._successor is not None:
            self.processes.append(self._successor)
        super().terminate_all()
        self._leaving += self.processes

    def join_all(self) -> None:
        while self._leaving:
            self._leaving = [worker for worker in self._leaving if not worker.is_gone()]
            time.sleep(0.02)

    def handle_hup(self) -> None:
        self._due = [*self.processes]

    def handle_ttin(self) -> None:
        self.processes_num += 1
        self.processes.append(self._start())

    def handle_ttou(self) -> None:
        if self.processes_num > 1:
            self.processes_num -= 1
            self._retire(self.processes.pop())

    def _start(self) -> Worker:
        worker = Worker(self.config, self.sockets, self._terms)
        worker.start()
        return worker

    def _retire(self, worker: Worker) -> None:
        worker.terminate()
        self._leaving.append(worker)

    def _replace_the_dead(self) -> None:
        for index, worker in enumerate(self.processes):
            if worker.is_alive(self.config.timeout_worker_healthcheck):
                continue
            worker.kill()
            worker.join()
            if worker.exitcode == STARTUP_FAILURE:  # it would fail again, at every start
                self.should_exit.set()
                return
            _log.warning("worker.died", pid=worker.pid, exitcode=worker.exitcode)
            self.processes[index] = self._start()

    def _take_over(self, successor: Worker) -> None:
        """Puts the successor, once it is ready, in the place of the first worker that is due."""
        if successor.is_ready(_PING):
            self._successor = None
            self._due = [worker for worker in self._due if worker in self.processes]
            if not self._due:  # those that were have died, and are replaced
                self._retire(successor)
                return
            old = self._due.pop(0)
            self.processes[self.processes.index(old)] = successor
            self._retire(old)
        elif not successor.process.is_alive() or time.monotonic() > self._patience:
            _log.error("worker.not_replaced", why="its successor was not ready in time")
            successor.kill()
            successor.join()
            self._successor, self._due = None, []

    def _stop(self, sig: int, _frame: FrameType | None) -> None:
        if self._stopping:
            for worker in (*self.processes, *self._leaving):
                worker.process.kill()
            os._exit(128 + sig)
        self._stopping = True
        self.signal_queue.append(sig)


def give_up(code: int = 0) -> NoReturn:
    """Ends the process whatever still runs; with `code` if that tells of something worse."""
    sys.stderr.write("banyan: the grace is over; what still runs is cut\n")
    sys.stderr.flush()
    os._exit(code or _OVERDUE)
