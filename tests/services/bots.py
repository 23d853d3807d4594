"""Bots over one store, each as a process of its own has it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from shared_services.bot.model import Decision, Turn
from shared_services.bot.runs import current
from shared_services.bot.service import BotManagerAsync
from shared_services.bot.tables import BOT_DAYS, BotDayRow, BotRow
from shared_services.bot.worker import BotWorker
from shared_services.monitoring.tables import ALERTS
from shared_services.storage import Reader, Store, Transaction
from shared_services.strategies.model import Action
from tests.fakes import FixedClock

ORDER: Mapping[str, str] = {
    "symbol": "TESTBTC/TESTUSD",
    "order_type": "market",
    "side": "buy",
    "amount": "0.001",
}


def decision(order: Mapping[str, str] | None = None, **changes: Any) -> Decision:
    """To buy, unless `changes` say otherwise."""
    known: dict[str, Any] = {
        "symbol": "BTC/USD",
        "action": Action.BUY,
        "amount": Decimal("0.001"),
        "price": Decimal(40_000),
        "confidence": 0.7,
        "risk_score": 0.51,
        "errors": (),
        "should_execute": True,
        "skipped": {},
        "daily_limit": 5,
        "order": order,
    }
    return Decision(**known | changes)


@dataclass
class Mind:
    """Decides what it is told to, and does something else before."""

    result: Decision | Exception | None = field(default_factory=decision)
    asked: list[int] = field(default_factory=list)
    meanwhile: Callable[[], Any] | None = None

    async def decide(self, at: int) -> Decision | None:
        self.asked.append(at)
        if self.meanwhile is not None:
            todo, self.meanwhile = self.meanwhile, None
            await todo()
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@dataclass
class Book:
    """Takes every order, or raises what it is told to."""

    keys: list[str | None] = field(default_factory=list)
    failure: BaseException | None = None

    async def create(
        self,
        body: Mapping[str, object],
        idempotency_key: str | None,
        guard: Callable[[Transaction], object] | None = None,
    ) -> None:
        self.keys.append(idempotency_key)
        if self.failure is not None:
            raise self.failure


@dataclass
class Process:
    """One process: what its clients call, and what works in its background."""

    name: str
    store: Store
    clock: FixedClock
    mind: Mind = field(default_factory=Mind)
    orders: Any = field(default_factory=Book)
    able: bool = True
    runs: int = 0

    @property
    def manager(self) -> BotManagerAsync:
        return BotManagerAsync(self.store, self.clock, self._run, self.name, able=self.able)

    def __post_init__(self) -> None:
        self.worker = BotWorker(self.store, self.clock, self.name, self.mind.decide, self.orders)

    async def tick(self) -> Turn | None:
        """One look, and all the work that it finds; what it found."""
        turn = await self.worker.look()
        if turn is not None:
            await self.worker.work(turn)
        return turn

    def _run(self) -> str:
        self.runs += 1
        return f"{self.name}{self.runs}"


async def alerts(store: Store) -> list[tuple[str, str, Any]]:
    """Level, message and metadata of each, oldest first."""
    rows = await store.read(lambda reader: reader.find(ALERTS, order_by="at_ms"))
    return [(row.level, row.message, json.loads(row.metadata)) for row in rows]


async def days(store: Store) -> list[BotDayRow]:
    return await store.read(lambda reader: reader.find(BOT_DAYS))


def row_of(reader: Reader) -> BotRow:
    row = current(reader)
    assert row is not None
    return row
