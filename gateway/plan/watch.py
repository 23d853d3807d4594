"""Keeps one process on the newest plan: the store's, or, while that is out of reach, the last good one.

file ──► FileDoor ──► store ──► PlanWatch ──► activate ──► the hot path's one reference
                        ▲                        └──► last good plan on this disk
          commands, API ┘
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from socket import gethostname
from typing import Final

import anyio
import structlog
from anyio import to_thread

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
        self._text = ""  # of the active plan
        self._lineage = ""  # id of the store that it is from
        self._killed = False  # the host's switch is on, and was obeyed or found to be impossible
        self._looking = anyio.Lock()  # the file and the store are followed side by side
        self._looked_at = 0  # the newest version that was activated or refused
        self.version = 0  # of the active plan
        self.refused: PlanRefused | None = None  # why the newest version does not run here
        self.lost: BanyanError | None = None  # why the store cannot be read

    @property
    def problems(self) -> list[str]:
        """Everything an operator should know."""
        of_file = (
            [f"{self.door.name}: {p}" for p in self.door.refusal.problems]
            if self.door.refusal
            else []
        )
        of_version = (
            [f"version {self._looked_at}: {p}" for p in self.refused.problems]
            if self.refused
            else []
        )
        killed = f"{self._switch.path}: this host sends everything to legacy: {self._switch.why}"
        return [
            *([killed] if self._killed else []),
            *of_file,
            *of_version,
            *([str(self.lost)] if self.lost else []),
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
        """Follows file and store until cancelled."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._follow_file)
                tasks.start_soon(self._follow_store)
        finally:
            self._signal.close()

    async def poll(self) -> None:
        """Looks at the host's switch and at the file once; what they bring is activated at once."""
        if self._switch.on != self._killed:
            await self._turn()
        if await self.door.poll():
            await self._look_if_possible()

    async def _turn(self) -> None:
        """Activates the plan anew, with the host's switch as it is now."""
        async with self._looking:
            self._killed = self._switch.on
            _log.warning("host.killed" if self._killed else "host.resumed", why=self._switch.why)
            try:
                await self._activated(self._text, self.version)
            except BanyanError as error:  # in `phase: full` there is nowhere to go
                self.refused = PlanRefused([Problem(str(error))])
                _log.error("plan.refused", version=self.version, problems=[str(error)])

    async def look(self) -> None:
        """Activates the store's newest version unless it runs. Raises StoreUnavailable, UnusableStore."""
        async with self._looking:
            await self._look()

    async def _look(self) -> None:
        newest = await to_thread.run_sync(self._versions.newest)
        if newest == self._looked_at:
            return
        if newest < self.version and await self._recover():
            return
        self._lineage = await to_thread.run_sync(self._versions.lineage)
        current = await to_thread.run_sync(self._versions.current)
        if current is not None:
            await self._take_over(current)

    async def _look_if_possible(self) -> None:
        try:
            await self.look()
        except (StoreUnavailable, UnusableStore) as error:
            self._lose(error)
        else:
            self._find()

    async def _follow_file(self) -> None:
        while True:
            await anyio.sleep(INTERVAL)
            await self.poll()

    async def _follow_store(self) -> None:
        while True:
            try:
                await to_thread.run_sync(self._signal.wait, POLL, abandon_on_cancel=True)
            except (StoreUnavailable, UnusableStore) as error:
                self._lose(error)
                await anyio.sleep(POLL)
                with suppress(StoreUnavailable, UnusableStore):
                    await self.look()  # that nobody tells of versions does not mean there are none
            else:
                await self._look_if_possible()

    async def _take_over(self, current: Version) -> None:
        try:
            await self._activated(current.document, current.version)
        except PlanRefused as refusal:
            self._refuse(refusal, current.version)
        except BanyanError as error:  # a stack that this plan needs cannot be loaded
            self._refuse(PlanRefused([Problem(str(error))]), current.version)
        except Exception as error:  # a bug of ours must not end the data plane
            _log.exception("plan.failed")
            self._refuse(
                PlanRefused([Problem(f"{type(error).__name__}: {error}")]), current.version
            )

    async def _activated(self, text: str, version: int) -> None:
        document = await to_thread.run_sync(parse, text)
        self._killed = self._switch.on
        if self._killed:
            plan = document.plan.model_copy(update={"kill_switch": True})
            document = replace(document, plan=plan)
        await self._activate(document, version)
        self.version, self._text = version, text
        self._looked_at = max(version, self._looked_at)
        self.refused = None
        _log.info("plan.applied", version=version, phase=document.plan.phase.value)
        if version:
            await self._remember(Accepted(text, version, self._lineage))

    async def _fall_back(self) -> bool:
        """To the last good plan; without one, and without a store, to the file as it is."""
        last = await to_thread.run_sync(self._last_good.read)
        if last is not None:
            _log.warning("plan.last_good_used", version=last.version)
            self._lineage = last.store
            await self._activated(last.text, last.version)
            return True
        if self.lost is None:
            return False
        text = await to_thread.run_sync(read_plan, self.door.path)
        _log.warning("plan.file_used", file=str(self.door.path), store=str(self.lost))
        await self._activated(text, 0)
        return True

    async def _recover(self) -> bool:
        """Puts the last good plan back into a store that has lost it: deleted, made anew, an old backup.

        False for another store, with plans of its own: those are followed.
        """
        last = await to_thread.run_sync(self._last_good.read)
        if last is None and self.version:  # gone with the store: what runs is known all the same
            last = Accepted(self._text, self.version, self._lineage)
        newest = await to_thread.run_sync(self._versions.newest)
        if last is None or newest >= last.version:
            return True
        if newest and last.store != await to_thread.run_sync(self._versions.lineage):
            _log.error("store.another", version=newest, before=last.version)
            return False
        missing = f"versions {newest + 1} to {last.version} were lost with the store"
        act = Act("recovery", gethostname(), "plan.recover", reason=missing)
        try:
            await to_thread.run_sync(self._versions.recover, last.version, Proposal(last.text, act))
        except VersionConflict:
            return True  # another worker was faster
        _log.error("plan.recovered", version=last.version, missing=missing)
        return True

    def _refuse(self, refusal: PlanRefused, version: int) -> None:
        self.refused, self._looked_at = refusal, version
        metrics.PLAN_REJECTIONS.inc()
        problems = [str(problem) for problem in refusal.problems]
        _log.error("plan.refused", version=version, problems=problems, kept=self.version)

    def _lose(self, error: BanyanError) -> None:
        if self.lost is None:
            _log.error("store.lost", error=str(error), kept=self.version)
        self.lost = error

    def _find(self) -> None:
        if self.lost is not None:
            _log.info("store.found", version=self.version)
        self.lost = None

    async def _remember(self, accepted: Accepted) -> None:
        try:
            await to_thread.run_sync(self._last_good.keep, accepted)
        except OSError as error:  # a full or read-only disk must not stop the plan
            _log.error("plan.not_kept", error=str(error))
