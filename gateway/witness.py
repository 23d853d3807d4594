"""Tells the store each second what this worker saw for and against the stacks; what it cannot tell waits."""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from socket import gethostname
from typing import Final

import anyio
import structlog

from gateway.aside import aside
from gateway.errors import BanyanError
from gateway.judge.breaker import Change
from gateway.observe.evidence import Evidence
from gateway.store.opening import Store

INTERVAL: Final = 1.0  # seconds
_CHANGES: Final = 200  # of breakers that wait to be told
_log = structlog.get_logger()


@dataclass(slots=True)
class Witness:
    """One worker's."""

    evidence: Evidence
    store: Store
    _changes: list[tuple[str, Change]] = field(default_factory=list)
    _silent: bool = False  # the store did not take the last one

    def breaker_turned(self, route: str, change: Change) -> None:
        """To be told with the next batch."""
        if len(self._changes) < _CHANGES:
            self._changes.append((route, change))

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await anyio.sleep(INTERVAL)
            await self._each(self._tick, self._tell_evidence, self._tell_changes)

    async def tell(self) -> None:
        """What there is; never fails."""
        await self._each(self._tell_evidence, self._tell_changes)

    async def _each(self, *parts: Callable[[], Awaitable[None]]) -> None:
        """One that fails keeps no other from its turn."""
        failed = False
        for part in parts:
            try:
                await part()
            except Exception as error:  # a bug of ours must not end the data plane
                if not self._silent:
                    bug = None if isinstance(error, BanyanError) else error
                    _log.error("evidence.not_told", error=str(error), exc_info=bug)
                self._silent = failed = True
        self._silent = failed

    async def _tick(self) -> None:
        self.evidence.tick()

    async def _tell_evidence(self) -> None:
        batch = self.evidence.take()
        if not any(batch):
            return
        try:
            await aside(self.store.evidence.add, *batch)
        except Exception:
            self.evidence.put_back(batch)
            raise

    async def _tell_changes(self) -> None:
        """Each waits until it is told: what is told already is not told again."""
        while self._changes:
            route, change = self._changes[0]
            document = {
                "state": change.after.value,
                "reason": change.why,
                "worker": f"{gethostname()}:{os.getpid()}",
            }
            await aside(self.store.notices.add, "breaker", route, document)
            del self._changes[0]
