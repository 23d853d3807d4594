"""Keeps one process on the newest plan: the store's, or, while that is out of reach, the last good one.

file ──► FileDoor ──► store ──► PlanWatch ──► activate ──► the hot path's one reference
                        ▲                        └──► last good plan on this disk
          commands, API ┘
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from socket import gethostname
from threading import Event
from time import monotonic
from typing import Final

import anyio
import structlog

from gateway.aside import aside
from gateway.errors import BanyanError
from gateway.observe import metrics
from gateway.plan.document import Document, PlanRefused, Problem, parse
from gateway.plan.door import INTERVAL, FileDoor
from gateway.plan.file import Accepted, LastGood, read_plan
from gateway.plan.switch import HostSwitch
from gateway.store.audit import Act
from gateway.store.errors import StoreUnavailable, UnusableStore, VersionConflict
from gateway.store.signal import Signal
from gateway.store.versions import Proposal, Version, Versions

POLL: Final = 1.0  # seconds between two looks at the store, however deaf we are
_log = structlog.get_logger()

Activate = Callable[[Document, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Host:
    """What a host has of its own, whatever becomes of the store."""

    last_good: LastGood
    switch: HostSwitch


class PlanWatch:
    """One process's plan.

    `activate(document, version)` compiles and swaps; it raises PlanRefused and then has changed
    nothing.
    """

    def __init__(
        self, door: FileDoor, versions: Versions, signal: Signal, host: Host, activate: Activate
    ) -> None:
        self.door = door
        self._versions = versions
        self._signal = signal
        self._last_good, self._switch = host.last_good, host.switch
        self._activate = activate
        self._active = Accepted("", 0)
        self._killed = False  # the host's switch is on
        self._obeyed = False  # and what is active was activated so
        self._blind: OSError | None = None  # why nobody can tell whether it is on
        self._looking = anyio.Lock()  # the file and the store are followed side by side
        self._over = Event()  # for the threads that look
        self._activating = anyio.Lock()  # a host is killed however long the store takes to answer
        self._looked_at: tuple[int, float] | None = None  # the mark of what was taken or refused
        self._refused_version = 0
        self.refused: PlanRefused | None = None  # why that version does not run here
        self.lost: BanyanError | None = None  # why the store cannot be read

    @property
    def version(self) -> int:
        """Of the active plan."""
        return self._active.version

    @property
    def problems(self) -> list[str]:
        """Everything an operator should know."""
        of_file = (
            [f"{self.door.name}: {p}" for p in self.door.refusal.problems]
            if self.door.refusal
            else []
        )
        of_version = (
            [f"version {self._refused_version}: {p}" for p in self.refused.problems]
            if self.refused
            else []
        )
        does = "sends everything to legacy" if self._obeyed else "cannot send everything to legacy"
        killed = f"{self._switch.path}: this host {does}: {self._switch.why}"
        return [
            *([killed] if self._killed else []),
            *of_file,
            *of_version,
            *([str(self.lost)] if self.lost else []),
            *([f"{self._switch.path}: {self._blind.strerror}"] if self._blind else []),
        ]

    @property
    def refusal(self) -> PlanRefused | None:
        """Why what stands in the file now is not taken."""
        return self.door.refusal

    @property
    def listening(self) -> bool:
        return self._signal.listening

    async def start(self) -> None:
        """Activates the newest plan or, if that cannot be had, the last good one.

        Raises PlanRefused when there is none at all.
        """
        self._killed = await self._switched()
        try:
            await self._recover()
        except (StoreUnavailable, UnusableStore) as error:
            self._lose(error)
        else:
            await self.door.open()
            await self._look_if_possible()
        if self.version == 0 and not await self._fall_back():
            raise self.refused or self.door.refusal or PlanRefused([Problem("there is no plan")])

    async def run(self) -> None:
        """Follows the host's switch, file and store until cancelled."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._follow, self._turned, self._follow_switch)
                tasks.start_soon(self._follow, self.door.changed, self._follow_file)
                tasks.start_soon(self._follow_store)
        finally:
            self._over.set()
            self._signal.close()

    async def poll(self) -> None:
        """Looks at the host's switch and at the file once; what they bring is activated at once."""
        await self._follow_switch()
        await self._follow_file()

    async def _follow_switch(self) -> None:
        on = await self._switched()
        if on != self._killed:
            await self._turn(on=on)

    async def _follow_file(self) -> None:
        if await self.door.poll():
            await self._look_if_possible()

    async def _switched(self) -> bool:
        """Whether the host's switch is on; while nobody can tell, as it was."""
        try:
            on = await aside(lambda: self._switch.on)
        except OSError as error:
            self._blind = error
            return self._killed
        self._blind = None
        return on

    async def _turn(self, *, on: bool) -> None:
        """Activates the plan anew, with the host's switch on or off."""
        async with self._activating:
            self._killed = on
            why = await aside(lambda: self._switch.why)
            _log.warning("host.killed" if self._killed else "host.resumed", why=why)
            try:
                await self._activated(self._active)
            except Exception as error:  # in `phase: full` there is nowhere to go
                self._refuse(_refusal(error), self.version)
            else:
                if self._refused_version == self.version:
                    self.refused = None
            self._looked_at = None  # a newer version may be possible now

    async def look(self) -> None:
        """Activates the store's newest version unless it runs. Raises StoreUnavailable, UnusableStore."""
        async with self._looking:
            await self._look()

    async def _look(self) -> None:
        mark = await aside(self._versions.mark)
        if mark == self._looked_at:
            return
        if mark[0] < self.version:
            await self._recover()
        lineage, current = await aside(self._newest)
        if current is not None:
            await self._take_over(current, lineage)

    def _newest(self) -> tuple[str, Version | None]:
        return self._versions.lineage(), self._versions.current()

    async def _look_if_possible(self) -> None:
        try:
            await self.look()
        except Exception as error:
            self._lose(error)
        else:
            self._find()

    async def _follow(
        self, changed: Callable[[], bool], step: Callable[[], Awaitable[None]]
    ) -> None:
        while True:
            try:
                await aside(self._wait_for, changed)
                await step()
            except Exception:  # a bug of ours must not end the data plane
                _log.exception("watch.failed")
                await anyio.sleep(INTERVAL)

    def _wait_for(self, changed: Callable[[], bool]) -> None:
        """In a thread, which looks five times a second: to begin each look on the loop would hold it up."""
        end = monotonic() + POLL
        with suppress(OSError):  # whoever looks next tells of it
            while not self._over.wait(INTERVAL) and monotonic() < end and not changed():
                pass

    def _turned(self) -> bool:
        return self._switch.on != self._killed

    async def _follow_store(self) -> None:
        while True:
            try:
                await aside(self._signal.wait, POLL)
            except Exception as error:
                self._lose(error)
                await anyio.sleep(POLL)
                with suppress(Exception):
                    await self.look()  # that nobody tells of versions does not mean there are none
            else:
                await self._look_if_possible()

    async def _take_over(self, current: Version, lineage: str) -> None:
        accepted = Accepted(current.document, current.version, lineage)
        async with self._activating:
            self._looked_at = current.version, current.at
            try:
                if (accepted.version, accepted.text) != (self.version, self._active.text):
                    await self._activated(accepted)
                    self.refused = None
                else:
                    await self._stay(accepted)
            except Exception as error:  # a bug of ours must not end the data plane
                self._refuse(_refusal(error), current.version)

    async def _stay(self, accepted: Accepted) -> None:
        """What runs is in force: as before, again, or in a store that was made anew."""
        if self._refused_version != accepted.version:
            self.refused = None
        if accepted != self._active:
            self._active = accepted
            await self._remember(accepted)

    async def _activated(self, accepted: Accepted) -> None:
        document = await aside(parse, accepted.text)
        if self._killed:
            plan = document.plan.model_copy(update={"kill_switch": True})
            document = replace(document, plan=plan)
        await self._activate(document, accepted.version)
        self._active, self._obeyed = accepted, self._killed
        _log.info("plan.applied", version=accepted.version, phase=document.plan.phase.value)
        if accepted.version:
            await self._remember(accepted)

    async def _fall_back(self) -> bool:
        """To the last good plan; without one, and without a store, to the file as it is."""
        last = await aside(self._last_good.read)
        if last is not None:
            _log.warning("plan.last_good_used", version=last.version)
            await self._activated(last)
            return True
        if self.lost is None:
            return False
        text = await aside(read_plan, self.door.path)
        _log.warning("plan.file_used", file=str(self.door.path), store=str(self.lost))
        await self._activated(Accepted(text, 0))
        return True

    async def _recover(self) -> None:
        """Puts the last good plan back into a store that has lost it: deleted, made anew, an old backup.

        Another store, with plans of its own, is followed.
        """
        last = await self._last()
        newest = await aside(self._versions.newest)
        if last is None or newest >= last.version:
            return
        if newest and not await aside(self._versions.continues, last.store):
            _log.error("store.another", version=newest, before=last.version)
            return
        missing = f"versions {newest + 1} to {last.version} were lost with the store"
        proposal = Proposal(
            last.text, Act("recovery", gethostname(), "plan.recover", reason=missing)
        )
        with suppress(VersionConflict):  # another worker was faster
            await aside(self._versions.recover, last.version, proposal, last.store)
            _log.error("plan.recovered", version=last.version, missing=missing)

    async def _last(self) -> Accepted | None:
        """The newest plan that ran here: a sister's, or ours where the disk has lost it or is full."""
        last = await aside(self._last_good.read)
        ours = self._active if self.version else None
        if ours is None or (
            last is not None and last.store == ours.store and last.version > ours.version
        ):
            return last
        return ours

    def _refuse(self, refusal: PlanRefused, version: int) -> None:
        self.refused, self._refused_version = refusal, version
        metrics.PLAN_REJECTIONS.inc()
        problems = [str(problem) for problem in refusal.problems]
        _log.error("plan.refused", version=version, problems=problems, kept=self.version)

    def _lose(self, error: Exception) -> None:
        if not isinstance(error, BanyanError):  # a bug of ours must not end the data plane
            if self.lost is None:
                _log.error("watch.failed", exc_info=error)
            error = StoreUnavailable(f"the store is not followed: {type(error).__name__}: {error}")
        if self.lost is None:
            _log.error("store.lost", error=str(error), kept=self.version)
        self.lost = error

    def _find(self) -> None:
        if self.lost is not None:
            _log.info("store.found", version=self.version)
        self.lost = None

    async def _remember(self, accepted: Accepted) -> None:
        try:
            await aside(self._last_good.keep, accepted)
        except OSError as error:  # a full or read-only disk must not stop the plan
            _log.error("plan.not_kept", error=str(error))


def _refusal(error: Exception) -> PlanRefused:
    if isinstance(error, PlanRefused):
        return error
    if isinstance(error, BanyanError):  # a stack that the plan needs cannot be loaded
        return PlanRefused([Problem(str(error))])
    _log.error("plan.failed", exc_info=error)
    return PlanRefused([Problem(f"{type(error).__name__}: {error}")])
