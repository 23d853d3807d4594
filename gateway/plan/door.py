"""The plan file, the operator's door on one machine: what is saved there becomes the next version.

The file is asked for its stamp five times a second: that sees renames, deletions and turned symbolic
links on every file system, where change notifications do not. A text counts once its stamp has held
for one interval, so that a half-written file is not read.
"""

from collections.abc import Sequence
from pathlib import Path
from socket import gethostname
from typing import Final

import structlog

from gateway import collector
from gateway.aside import aside
from gateway.errors import BanyanError
from gateway.observe import metrics
from gateway.plan.desk import PlanDesk
from gateway.plan.document import PlanRefused, Problem, parse
from gateway.plan.file import FileBase, Stamp, read_plan, stamp
from gateway.store.audit import Act
from gateway.store.errors import StoreUnavailable, UnusableStore

INTERVAL: Final = 0.2  # seconds; a saved plan is in the store after two of them and its compilation
PATIENCE: Final = 4  # looks; a file that is saved all the time is read all the same
_log = structlog.get_logger()


class FileDoor:
    """Follows one file; the store decides which of several workers' looks makes the version."""

    def __init__(self, path: Path, base: FileBase, desk: PlanDesk) -> None:
        self.path = path
        self._base = base
        self._desk = desk
        self._seen: Stamp | None = None  # of the text that was last applied or refused
        self._pending: Stamp | None = None
        self._unsettled = 0  # looks in a row that found the file changed
        self.refusal: PlanRefused | None = None  # of the text that stands in the file now

    @property
    def name(self) -> str:
        return self.path.name

    async def open(self) -> None:
        """Takes what stands in the file."""
        self._seen = self._pending = await aside(stamp, self.path)
        await self._take()

    def changed(self) -> bool:
        """Whether a poll would find something; may be called in a thread."""
        now = stamp(self.path)
        return now != self._seen or now != self._pending

    async def poll(self) -> bool:
        """Looks once; takes a text whose stamp has held since the last look. Whether that made a version."""
        now = await aside(stamp, self.path)
        settled, self._pending = now == self._pending, now
        self._unsettled = 0 if settled else self._unsettled + 1
        if now == self._seen:
            return False
        if not settled and not (self._unsettled >= PATIENCE and await self._reads()):
            return False
        self._seen, self._unsettled = now, 0
        return await self._take()

    async def _reads(self) -> bool:
        """Whether the file holds a plan at all: one that is being written is not yet refused."""
        try:
            await aside(lambda: parse(read_plan(self.path)))
        except Exception:  # whatever it is: `_take` tells it
            return False
        return True

    async def _take(self) -> bool:
        try:
            taken = await aside(self._taken)
        except (StoreUnavailable, UnusableStore) as error:
            self._seen = None  # it is taken when the store is back
            self._refuse([Problem(f"not applied: {error}")])
        except PlanRefused as refusal:
            self._refuse(refusal.problems)
        except BanyanError as error:
            self._refuse([Problem(str(error))])
        except Exception as error:  # a bug of ours must not end the data plane
            _log.exception("plan.failed")
            self._refuse([Problem(f"{type(error).__name__}: {error}")])
        else:
            self.refusal = None
            return taken
        return False

    def _taken(self) -> bool:
        if stamp(self.path) is None and self._desk.has_plan():
            return False  # who works with commands alone needs no file
        text = read_plan(self.path)
        act = Act("file", gethostname(), "plan.apply", self.path.name)
        with collector.making():
            outcome = self._desk.take_file(text, self._base.read(), act)
        if outcome is not None:
            _log.info("plan.taken", file=str(self.path), version=outcome.after.version)
        try:
            self._base.keep(text)
        except OSError as error:  # the store knows it too
            _log.error("plan.not_kept", error=str(error))
        return outcome is not None

    def _refuse(self, problems: Sequence[Problem]) -> None:
        refusal = PlanRefused(problems)
        if self.refusal is not None and str(self.refusal) == str(refusal):
            return
        self.refusal = refusal
        metrics.PLAN_REJECTIONS.inc()
        _log.error("plan.refused", file=str(self.path), problems=[str(p) for p in refusal.problems])
