"""How late the event loop is, and what held it up.

A blocking call on the loop stops both stacks at once. The loop shows that it is alive every tenth of a
second; a thread looks on, and names the code that runs when the loop has not.
"""

import sys
import threading
import traceback
from asyncio import sleep
from threading import Event, Thread
from time import perf_counter
from typing import Final

import structlog

from gateway.observe.metrics import EVENT_LOOP_LAG

_BEAT: Final = 0.1  # seconds
_PUBLISHED: Final = 10  # beats
_BLOCKED: Final = 1.0  # seconds without a beat that are worth a line in the log
_FRAMES: Final = 4  # innermost ones in that line
_log = structlog.get_logger()


async def watch_loop() -> None:
    """Publishes the lag once a second, and logs what blocks the loop, until it is cancelled."""
    watch = _Watch(threading.get_ident())
    try:
        while True:
            await watch.second()
    finally:
        watch.over.set()


class _Watch:
    """The loop's beat, and the thread that listens to it."""

    def __init__(self, loop_thread: int) -> None:
        self._loop_thread = loop_thread
        self._beat = perf_counter()
        self.over = Event()
        Thread(target=self._listen, name="loop-watch", daemon=True).start()

    async def second(self) -> None:
        worst = 0.0
        for _ in range(_PUBLISHED):
            self._beat = perf_counter()
            await sleep(_BEAT)
            worst = max(worst, perf_counter() - self._beat - _BEAT)
        EVENT_LOOP_LAG.set(worst)

    def _listen(self) -> None:
        told = 0.0  # the beat that was the last before a block that is in the log already
        while not self.over.wait(_BLOCKED / 2):
            last = self._beat
            late = perf_counter() - last - _BEAT
            if late > _BLOCKED and last != told:
                told = last
                _log.error("loop.blocked", seconds=round(late, 1), at=self._code())

    def _code(self) -> list[str]:
        """The innermost frames of the loop's thread, outermost first."""
        frame = sys._current_frames().get(self._loop_thread)  # noqa: SLF001 (documented in `sys`)
        found = traceback.extract_stack(frame)[-_FRAMES:]
        return [f"{line.filename}:{line.lineno} {line.name}" for line in found]
