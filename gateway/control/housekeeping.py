"""What one control plane of a fleet does for all: it judges, and folds up workers that are gone."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import anyio
import structlog
from anyio import to_thread

from gateway.errors import BanyanError
from gateway.observe.traffic import read_traffic
from gateway.store.leader import Leadership
from gateway.store.opening import Store
from gateway.store.workers import Past

INTERVAL: Final = 1.0  # seconds; a standby takes over within them
_TIDY_EVERY: Final = 10  # steps
_log = structlog.get_logger()


@dataclass(slots=True)
class Housekeeping:
    """Runs in every control plane and works in the one that leads."""

    store: Store
    leadership: Leadership
    judge: Callable[[], None] = lambda: None  # the controller's look
    leading: bool = False
    _steps: int = 0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await to_thread.run_sync(self.step, abandon_on_cancel=True)
            except Exception:  # a bug of ours must not end the control plane
                _log.exception("housekeeping.failed")
            await anyio.sleep(INTERVAL)

    def step(self) -> None:
        """Tries to lead; tidies up if it does."""
        leading = self.leadership.held()
        if leading != self.leading:
            _log.info("control.leading" if leading else "control.standing_by")
        self.leading = leading
        if not leading:
            return
        self._steps += 1
        for duty in (self.judge, *([self._tidy] if self._steps % _TIDY_EVERY == 1 else [])):
            try:
                duty()
            except BanyanError as error:
                _log.warning("housekeeping.failed", error=str(error))

    def _tidy(self) -> None:
        retired = self.store.workers.retire(_counted)
        if retired:
            _log.info("workers.retired", count=retired)
        self.store.evidence.tidy()
        self.store.notices.tidy()

    def close(self) -> None:
        """Lets another lead."""
        self.leadership.close()


def _counted(document: str) -> list[Past]:
    """What a worker told last; nothing of one whose words cannot be read."""
    try:
        seen = read_traffic(json.loads(document))
    except (ValueError, RecursionError):
        return []
    return [
        Past(route, stack.value, one.requests, one.last)
        for route, stacks in seen.items()
        for stack, one in stacks.items()
    ]
