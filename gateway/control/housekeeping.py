"""What one control plane of a fleet does for all: it judges, and folds up workers that are gone."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import anyio
import structlog
from anyio import to_thread

from gateway.errors import BanyanError
from gateway.judge.metrics import LATCHED
from gateway.observe.seen import read_traffic
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
    _failed: dict[str, str] = field(default_factory=dict)  # duty → why

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
            LATCHED.set(0)  # the one that leads says it
            return
        self._steps += 1
        self._do("judge", self.judge)
        if self._steps % _TIDY_EVERY == 1:
            self._do("tidy", self._tidy)

    def _do(self, name: str, duty: Callable[[], None]) -> None:
        """A duty that fails is logged once for each reason, until it succeeds, and keeps no other back."""
        try:
            duty()
        except Exception as error:
            if self._failed.get(name) != str(error):
                bug = None if isinstance(error, BanyanError) else error
                _log.warning("housekeeping.failed", duty=name, error=str(error), exc_info=bug)
            self._failed[name] = str(error)
        else:
            self._failed.pop(name, None)

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
