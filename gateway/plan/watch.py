"""Follows the plan file: a new text is compiled, then takes over as a whole; a bad one changes nothing.

The file is asked for its stamp five times a second: that sees renames, deletions and
turned symbolic links on every file system, where change notifications do not. A text counts once its
stamp has held for one interval, so that a half-written file is not read.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import anyio
import structlog
from anyio import to_thread

from gateway.errors import BanyanError
from gateway.observe import metrics
from gateway.plan.document import Document, PlanRefused, Problem, parse
from gateway.plan.file import LastGood, Stamp, read_plan, stamp

INTERVAL: Final = 0.2  # seconds; a saved plan is live after two of them and its compilation
PATIENCE: Final = 4  # looks; a file that is saved all the time is read all the same
_log = structlog.get_logger()

Activate = Callable[[Document, int], Awaitable[None]]


class PlanWatch:
    """Keeps one process on the newest plan that compiles.

    `activate(document, version)` compiles and swaps; it raises PlanRefused and then has changed
    nothing.
    """

    def __init__(self, path: Path, last_good: LastGood, activate: Activate) -> None:
        self._path = path
        self._last_good = last_good
        self._activate = activate
        self._seen: Stamp | None = None  # of the text that was last applied or refused
        self._pending: Stamp | None = None
        self._unsettled = 0  # looks in a row that found the file changed
        self.version = 0  # of the active plan
        self.refusal: PlanRefused | None = None  # of the text that stands in the file now

    async def start(self) -> None:
        """Activates the file's plan or, if that is refused, the last good one.

        Raises PlanRefused when there is no last good plan either.
        """
        self._seen = self._pending = stamp(self._path)
        if await self._try_file():
            return
        last = await to_thread.run_sync(self._last_good.read)
        if last is None:
            raise self.refusal or PlanRefused([])
        await self._activate(parse(last.text), last.version)
        self.version = last.version
        _log.warning("plan.last_good_used", file=str(self._path), version=last.version)

    async def run(self) -> None:
        """Follows the file until cancelled."""
        while True:
            await anyio.sleep(INTERVAL)
            await self.poll()

    async def poll(self) -> None:
        """Looks once; applies a text whose stamp has held since the last look."""
        now = stamp(self._path)
        settled, self._pending = now == self._pending, now
        self._unsettled = 0 if settled else self._unsettled + 1
        if now == self._seen:
            return
        if settled:
            self._seen = now
            await self._try_file()
        elif self._unsettled >= PATIENCE and await self._reads():
            self._seen, self._unsettled = now, 0
            await self._try_file()

    async def _reads(self) -> bool:
        """Whether the file holds a plan at all: one that is being written is not yet refused."""
        try:
            await to_thread.run_sync(lambda: parse(read_plan(self._path)))
        except PlanRefused:
            return False
        return True

    async def _try_file(self) -> bool:
        try:
            text = await to_thread.run_sync(read_plan, self._path)
            document = await to_thread.run_sync(parse, text)
            version = await to_thread.run_sync(self._last_good.version_of, text)
            await self._activate(document, version)
        except PlanRefused as refusal:
            self._refuse(refusal)
            return False
        except BanyanError as error:  # a stack that this plan needs cannot be loaded
            self._refuse(PlanRefused([Problem(str(error))]))
            return False
        except Exception as error:  # a bug of ours must not end the data plane
            _log.exception("plan.failed")
            self._refuse(PlanRefused([Problem(f"{type(error).__name__}: {error}")]))
            return False
        self.refusal, self.version = None, version
        await self._remember(text)
        if self.version != version:  # another worker accepted another text in between
            await self._activate(document, self.version)
        _log.info("plan.applied", version=self.version, phase=document.plan.phase.value)
        return True

    def _refuse(self, refusal: PlanRefused) -> None:
        self.refusal = refusal
        metrics.PLAN_REJECTIONS.inc()
        problems = [str(problem) for problem in refusal.problems]
        _log.error("plan.refused", file=str(self._path), problems=problems, kept=self.version)

    async def _remember(self, text: str) -> None:
        try:
            self.version = (await to_thread.run_sync(self._last_good.accept, text)).version
        except OSError as error:  # a full or read-only disk must not stop the plan
            _log.error("plan.not_kept", error=str(error))
