"""The process's side of the bot: hold the run if nobody else does, and do its cycles."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Final, Protocol, TypeAlias

import anyio

from shared_services.bot import booking, runs
from shared_services.bot.model import Decision, Turn
from shared_services.bot.runs import RunOver
from shared_services.bot.tables import BotRow
from shared_services.clock import Clock
from shared_services.errors import (
    IdempotencyKeyInProgress,
    OrderRejected,
    ServiceError,
    Unavailable,
)
from shared_services.storage import Store, Transaction
from shared_services.storage.errors import StoreUnavailable

CYCLE_MS: Final = 300_000  # from one beginning to the next
TICK: Final = 1.0  # seconds between two looks
ORDER_MS: Final = 60_000  # an order that could not be placed by then is stale
RETRY: Final = 5.0  # seconds

_GOODBYE: Final = 2.0  # seconds for giving the run back at the end

_log = logging.getLogger(__name__)


Decide: TypeAlias = Callable[[int], Awaitable[Decision | None]]
"""What to do at a time (ms); None for nothing at all. Raises what may be better next time."""


class Orders(Protocol):
    async def create(
        self,
        body: Mapping[str, object],
        idempotency_key: str | None,
        guard: Callable[[Transaction], object] | None = None,
    ) -> object:
        """Place the order in `body`, once per key, unless `guard` raises right before."""
        ...


class BotWorker:
    """One in each process that can work, all the time: a look costs one read.

    Nothing is cancelled when the run is stopped or lost: whatever is under way finds out in its
    next transaction, before it changes anything.
    """

    def __init__(
        self, store: Store, clock: Clock, owner: str, decide: Decide, orders: Orders
    ) -> None:
        self._store = store
        self._clock = clock
        self.owner = owner
        self._decide = decide
        self._orders = orders
        self._runs_at_work: set[str] = set()

    async def run(self) -> None:
        """Until it is cancelled; then another process may take over at once."""
        try:
            async with anyio.create_task_group() as turns:
                while True:
                    turn = await self.look()
                    if turn is not None:
                        self._runs_at_work.add(turn.run)
                        turns.start_soon(self._work_on, turn)
                    await anyio.sleep(TICK)
        finally:
            with anyio.move_on_after(_GOODBYE, shield=True), suppress(StoreUnavailable):
                await self._store.transaction(runs.give_back, self.owner)

    async def look(self) -> Turn | None:
        """Renew the lease or take the run over, if it is time; what is to be done now, if anything."""
        now = self._clock.now_ms()
        try:
            row = await self._store.read(runs.current)
            if row is not None and runs.is_due(row, self.owner, now):
                row = await self._store.transaction(runs.hold, self.owner, now)
        except StoreUnavailable as error:
            _log.warning("bot.store_unavailable reason=%s", error)
            return None
        if row is None or not row.wanted or row.owner != self.owner:
            return None
        return None if row.run in self._runs_at_work else _turn(row, now)

    async def work(self, turn: Turn) -> None:
        """Do what is to be done, or what is left of it. What fails is told; a defect ends the run."""
        try:
            if turn.pending is None:
                turn = await self._begin(turn)
            if turn.pending is not None:
                await self._order(turn, json.loads(turn.pending))
        except RunOver:
            _log.info("bot.run_over cycle=%s", turn.number)
        except StoreUnavailable as error:
            _log.warning("bot.store_unavailable reason=%s", error)
        except Exception:
            _log.exception("bot.failed cycle=%s", turn.number)
            told = f"Internal error in cycle {turn.number}"
            with suppress(RunOver, StoreUnavailable):
                now = self._clock.now_ms()
                await self._store.transaction(booking.end, turn, told, now)

    async def _work_on(self, turn: Turn) -> None:
        try:
            await self.work(turn)
        finally:
            self._runs_at_work.discard(turn.run)

    async def _begin(self, turn: Turn) -> Turn:
        """Decide and book it; the turn with the order that is pending from then on, if one is."""
        try:
            decision = await self._decide(turn.at)
        except StoreUnavailable:
            raise
        except ServiceError as error:
            await self._store.transaction(booking.book_failure, turn, error.error)
            return turn
        if decision is None:
            return turn
        return await self._store.transaction(booking.book, turn, decision)

    async def _order(self, turn: Turn, body: Mapping[str, str]) -> None:
        """Place it while it is fresh; the key makes it one order, whoever tries how often."""
        key = f"bot-{turn.run}-{turn.number}-{body['symbol']}"
        guard = partial(runs.confirmed, run=turn.run, owner=turn.owner)
        failure: str | None = "The order could not be placed in time"
        while self._clock.now_ms() < turn.at + ORDER_MS:
            try:
                await self._orders.create(body, key, guard)
            except OrderRejected:
                failure = None  # told by whoever rejected it
                break
            except (Unavailable, IdempotencyKeyInProgress) as error:
                failure = error.error
            except ServiceError as error:
                failure = str(error.details or error.error)
                break
            else:
                failure = None
                break
            await anyio.sleep(RETRY)
        await self._store.transaction(booking.settle, turn, failure)


def _turn(row: BotRow, now: int) -> Turn | None:
    """What the run has to do at `now`."""
    if row.pending is not None and row.last_cycle_ms is not None:
        return Turn(row.run, row.owner or "", row.cycle_count, row.last_cycle_ms, row.pending)
    begun = row.last_cycle_ms
    # A clock that was set back must not make the bot wait for yesterday.
    if begun is not None and 0 <= now - begun < CYCLE_MS:
        return None
    return Turn(row.run, row.owner or "", row.cycle_count + 1, now)
