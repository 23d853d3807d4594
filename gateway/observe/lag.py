"""How late the event loop is, and which stack held it up.

A blocking call on the loop stops both stacks at once. The loop shows that it is alive every tenth of a
second; a thread looks on, and when the loop has not, it names the request that runs, and the code.
"""

import sys
import threading
import traceback
from asyncio import AbstractEventLoop, Task, current_task, get_running_loop, sleep
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Event, Thread
from time import monotonic, process_time
from types import FrameType
from typing import Any, Final, NamedTuple

import structlog

from gateway.faults import place
from gateway.head import REQUEST_ID
from gateway.observe.metrics import EVENT_LOOP_LAG, LOOP_BLOCKED
from gateway.words import Stack

LATE: Final = 0.1  # seconds after which durations of other requests say nothing of their stacks
HELD_UP: Final = 0.25  # seconds that are told of the stack that held the loop up
_BEAT: Final = 0.1  # seconds
_PUBLISHED: Final = 10  # beats
_BLOCKED: Final = 1.0  # seconds without a beat that are worth a line in the log
_FRAMES: Final = 4  # innermost ones in that line
_log = structlog.get_logger()


class Running(NamedTuple):
    """A request that a stack is answering."""

    route: str
    stack: Stack


WhoRuns = Callable[["Task[Any] | None", "FrameType | None"], Running | None]
Told = Callable[[str, Stack, str], None]  # route, stack, and the code


def request_ids(frame: FrameType | None) -> Iterator[bytes]:
    """Of the ASGI scopes in a frame and in its callers, the innermost first."""
    while frame is not None:
        with suppress(Exception):  # an app may call anything `scope`
            yield dict(frame.f_locals["scope"]["headers"])[REQUEST_ID]
        frame = frame.f_back


class Pauses:
    """Tells a process that was stopped or starved from a loop that is held up: a thread that looks on
    wakes late as well, and hardly any processor time went by.
    """

    def __init__(self, clock: Callable[[], float], processor: Callable[[], float]) -> None:
        self._clock, self._processor = clock, processor
        self._woke, self._used = clock(), processor()
        self.over = float("-inf")  # when the last one was over

    def woke(self) -> float:
        """The thread has slept a beat: what time it is."""
        now, used = self._clock(), self._processor()
        asleep = now - self._woke
        if asleep > _BEAT + LATE and used - self._used < asleep / 2:
            self.over = now
        self._woke, self._used = now, used
        return now


class LoopWatch:
    """The loop's beat, and the thread that listens to it."""

    def __init__(
        self,
        clock: Callable[[], float] = monotonic,
        processor: Callable[[], float] = process_time,
    ) -> None:
        self._clock, self._processor = clock, processor
        self._late = float("-inf")
        self._beat = clock()
        self._who: WhoRuns = lambda *_: None
        self._told: Told = lambda *_: None
        self._loop: AbstractEventLoop
        self._loop_thread = 0

    @property
    def late(self) -> float:
        """When the loop was late last; now, if its beat is overdue: it goes on, and has not noticed yet."""
        now = self._clock()
        return now if now - self._beat > _BEAT + LATE else self._late

    def attribute(self, who_runs: WhoRuns, told: Told) -> None:
        """Whom to ask which request a task and the code that runs answer, and whom to tell what held the
        loop up, on the loop.
        """
        self._who, self._told = who_runs, told

    async def run(self) -> None:
        """Publishes the lag once a second, until it is cancelled."""
        self._loop, self._loop_thread = get_running_loop(), threading.get_ident()
        self._beat = self._clock()
        over = Event()
        Thread(target=self._listen, args=(over,), name="loop-watch", daemon=True).start()
        try:
            while True:
                await self._second()
        finally:
            over.set()

    async def _second(self) -> None:
        worst = 0.0
        for _ in range(_PUBLISHED):
            self._beat = self._clock()
            await sleep(_BEAT)
            late = self._clock() - self._beat - _BEAT
            worst = max(worst, late)
            if late > LATE:
                self._late = self._clock()
        EVENT_LOOP_LAG.set(worst)

    def _listen(self, over: Event) -> None:
        told = logged = 0.0  # the beats after which a block was told, and logged, already
        pauses = Pauses(self._clock, self._processor)
        while not over.wait(_BEAT):
            now, last = pauses.woke(), self._beat
            late = now - max(last, pauses.over) - _BEAT
            if late <= LATE:
                continue
            running = self._who(current_task(self._loop), self._frame())
            LOOP_BLOCKED.labels(running.stack if running else "none").inc(_BEAT)
            if late > HELD_UP and last != told and running is not None:
                told = last
                self._tell(running)
            if late > _BLOCKED and last != logged:
                logged = last
                self._log(late, running)

    def _tell(self, running: Running) -> None:
        frames, frame = list[FrameType](), self._frame()
        while frame is not None:
            frames.insert(0, frame)
            frame = frame.f_back
        with suppress(RuntimeError):  # the loop has been closed meanwhile
            self._loop.call_soon_threadsafe(self._told, running.route, running.stack, place(frames))

    def _log(self, late: float, running: Running | None) -> None:
        found = traceback.extract_stack(self._frame())[-_FRAMES:]
        code = [f"{line.filename}:{line.lineno} {line.name}" for line in found]
        whose = {"route": running.route, "stack": running.stack.value} if running else {}
        _log.error("loop.blocked", seconds=round(late, 1), at=code, **whose)

    def _frame(self) -> FrameType | None:
        """The innermost one of the loop's thread."""
        return sys._current_frames().get(self._loop_thread)  # noqa: SLF001 (documented in `sys`)
