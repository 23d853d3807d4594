"""The bot: start, stop, look."""

from collections.abc import Callable
from typing import Final

from shared_services.bot import runs
from shared_services.bot.model import BotReply, BotState, BotStatus
from shared_services.bot.tables import BotRow
from shared_services.clock import Clock
from shared_services.storage import Store

_NEVER_STARTED: Final = BotStatus(
    BotState.STOPPED,
    thread_alive=False,
    cycle_count=0,
    uptime=0.0,
    last_update=None,
    last_cycle_time=None,
)


class BotManagerAsync:
    """Works on the state that all processes share; `BotWorker` does what it says.

    `owner` is the worker of this process, `able` whether it can work: an exchange is configured.
    """

    def __init__(
        self, store: Store, clock: Clock, new_id: Callable[[], str], owner: str, *, able: bool
    ) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._owner = owner
        self._able = able

    async def status(self) -> BotStatus:
        row = await self._store.read(runs.current)
        return _NEVER_STARTED if row is None else self._status(row, self._clock.now_ms())

    async def start(self) -> BotReply:
        """Raises BotNotStarted."""
        now = self._clock.now_ms()
        await self._store.transaction(runs.start, self._new_id(), self._owner, now, able=self._able)
        return BotReply("Bot started with trading logic", BotState.RUNNING, success=True)

    async def stop(self) -> BotReply:
        """Whoever works for the bot notices within a second, and before it does anything."""
        now = self._clock.now_ms()
        if await self._store.transaction(runs.stop, now, able=self._able):
            return BotReply("Bot stopped successfully", BotState.STOPPED, success=True)
        return BotReply("Bot is not running", BotState.STOPPED, success=False)

    def _status(self, row: BotRow, now: int) -> BotStatus:
        running = runs.is_running(row, now, able=self._able)
        return BotStatus(
            status=BotState.RUNNING if running else BotState.STOPPED,
            thread_alive=runs.has_worker(row, now),
            cycle_count=row.cycle_count,
            uptime=max(now - row.started_ms, 0) / 1000 if running else 0.0,
            last_update=row.updated_ms,
            last_cycle_time=row.last_cycle_ms,
            error=row.error,
        )
