"""Tells the store each second what this worker saw for and against the stacks; what it cannot tell waits."""

import os
from dataclasses import dataclass, field
from socket import gethostname
from typing import Final

import anyio
import structlog

from gateway.aside import aside
from gateway.errors import BanyanError
from gateway.judge.breaker import Change
from gateway.observe.evidence import Batch, Evidence
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
            self.evidence.tick()
            await self.tell()

    async def tell(self) -> None:
        """One batch; never fails."""
        batch, changes = self.evidence.take(), self._changes
        self._changes = []
        if not any(batch) and not changes:
            return
        try:
            await aside(self._tell, batch, changes)
        except Exception as error:  # a bug of ours must not end the data plane
            if not self._silent:
                bug = None if isinstance(error, BanyanError) else error
                _log.error("evidence.not_told", error=str(error), exc_info=bug)
            self._silent = True
            self.evidence.put_back(batch)
            self._changes = [*changes, *self._changes][:_CHANGES]
        else:
            self._silent = False

    def _tell(self, batch: Batch, changes: list[tuple[str, Change]]) -> None:
        if any(batch):
            self.store.evidence.add(*batch)
        for route, change in changes:
            document = {
                "state": change.after.value,
                "reason": change.why,
                "worker": f"{gethostname()}:{os.getpid()}",
            }
            self.store.notices.add("breaker", route, document)
