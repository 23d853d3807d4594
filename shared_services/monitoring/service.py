"""Monitoring: what the store knows of all processes and both stacks."""

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from decimal import Decimal
from typing import Final, Protocol

import anyio

from shared_services.caching.model import CacheFigures
from shared_services.clock import Clock
from shared_services.errors import ExchangeFailed
from shared_services.exchange.port import ExchangeError
from shared_services.monitoring import alerts
from shared_services.monitoring.alerts import Level, alert
from shared_services.monitoring.model import Alert, KeyUse, NonceFigures, Performance
from shared_services.monitoring.performance import performance
from shared_services.monitoring.tables import AlertRow
from shared_services.nonces.tables import NonceRow
from shared_services.nonces.turns import all_keys
from shared_services.storage import Store

MOST_ALERTS: Final = 1000
FAILURE_MS: Final = 60_000  # one alert of the same failure in so long
PATIENCE: Final = 5.0  # seconds for the exchange to tell of new fills

_HOUR_MS: Final = 3_600_000


class Ledger(Protocol):
    async def account(self) -> object:
        """Book the fills there are; raises ExchangeError."""
        ...


class Cache(Protocol):
    async def figures(self) -> CacheFigures: ...


class MonitoringServiceAsync:
    """`queue_size` is how many wait for a nonce in this process; nobody on the paper exchange."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        cache: Cache,
        ledger: Ledger,
        queue_size: Callable[[], int] = int,
    ) -> None:
        self._store = store
        self._clock = clock
        self._cache = cache
        self._ledger = ledger
        self._queue_size = queue_size
        self._started = clock.now_ms()
        self._told: dict[str, int] = {}  # when a failure was last told, by its message

    async def nonce(self) -> NonceFigures:
        keys = await self._store.read(all_keys)
        return NonceFigures(
            active_api_keys=_by_shown(keys),
            queue_size=self._queue_size(),
            total_nonces_issued=sum(key.total_requests for key in keys),
            uptime_hours=(self._clock.now_ms() - self._started) / _HOUR_MS,
            last_nonce=max((key.mark for key in keys), default=None),
        )

    async def cache(self) -> CacheFigures:
        return await self._cache.figures()

    async def performance(self) -> Performance:
        """With the fills of this moment, or those booked before if the exchange does not answer."""
        with suppress(ExchangeError), anyio.move_on_after(PATIENCE):
            await self._ledger.account()
        return await self._store.read(performance)

    async def alerts(self, level: Level | None, hours: Decimal) -> list[Alert]:
        """The newest first, at most 1000."""
        since = self._clock.now_ms() - int(hours * _HOUR_MS)
        rows = await self._store.read(alerts.newest, MOST_ALERTS, level, since)
        return [_alert(row) for row in rows]

    async def heard(self, error: ExchangeFailed) -> None:
        """Tell of an exchange that failed, once a minute; never fails, and waits a second at most."""
        now = self._clock.now_ms()
        told = alert(Level.ERROR, f"Exchange failure: {error.message}", {"error": error.error}, now)
        since = now - FAILURE_MS + 1
        if self._told.get(told.message, 0) < since:
            self._told[told.message] = now
            await alerts.tell_once(self._store, told, since)


def _by_shown(keys: Iterable[NonceRow]) -> dict[str, KeyUse]:
    """Keys that end alike count as one: more may not be told of them."""
    uses: dict[str, KeyUse] = {}
    for key in keys:
        use = uses.get(key.shown, KeyUse(0, 0))
        uses[key.shown] = KeyUse(
            max(use.last_request, key.last_request_ms), use.total_requests + key.total_requests
        )
    return uses


def _alert(row: AlertRow) -> Alert:
    return Alert(row.level, row.message, json.loads(row.metadata), row.at_ms)
