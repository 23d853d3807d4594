"""Positions: of the exchange, then holdings labelled margin, then spot holdings."""

from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Final

from shared_services.caching.model import POSITIONS
from shared_services.caching.service import CacheAsync
from shared_services.exchange.model import MarginPosition, PositionType, Side
from shared_services.exchange.service import ExchangeAsync, Outage
from shared_services.ledger.model import Account, Holding
from shared_services.ledger.service import LedgerAsync
from shared_services.orders.tables import ORDER_NOTES
from shared_services.positions.model import Position
from shared_services.storage import Reader, Store
from shared_services.symbols import usd_symbol

LABEL_MS: Final = 24 * 3_600_000  # so long does an order label what it bought

_OUTAGE: Final = Outage(
    error="Exchange service not available",
    message="Live positions required for trading - no fallback data",
    failed="Live positions unavailable",
)
_MARGIN_PART: Final = Decimal("0.1")  # of the notional: maintenance margin of a margin holding


class PositionsServiceAsync:
    def __init__(
        self, store: Store, exchange: ExchangeAsync, ledger: LedgerAsync, cache: CacheAsync
    ) -> None:
        self._store = store
        self._exchange = exchange
        self._ledger = ledger
        self._cache = cache

    async def list(self) -> list[Position]:
        """As they were up to 20 seconds ago; a holding is never skipped.

        Raises ExchangeNotConfigured or ExchangeFailed.
        """
        with _OUTAGE.told():
            self._exchange.require()  # also if others have one, and keep what it said
            found = await self._cache.find(POSITIONS)
            if found.rows is not None:
                return [*found.rows]
            account = await self._ledger.account()
            positions = await self._positions(account)
            await self._cache.keep(found, positions, own_drops=int(account.booked))
        return [*positions]

    async def _positions(self, account: Account) -> Sequence[Position]:
        labelled = await self._store.read(_labelled, account)
        spot = [one for one in account.holdings if one not in labelled]
        return [
            *(_of_exchange(one) for one in account.margin_positions),
            *(_of_holding(one, PositionType.MARGIN, account.timestamp) for one in labelled),
            *(_of_holding(one, PositionType.SPOT, account.timestamp) for one in spot),
        ]


def _labelled(reader: Reader, account: Account) -> list[Holding]:
    """The holdings whose latest order, within a day, was a margin order."""
    oldest = account.timestamp - LABEL_MS
    return [one for one in account.holdings if _is_margin(reader, one.currency, oldest)]


def _is_margin(reader: Reader, currency: str, oldest: int) -> bool:
    latest = reader.find(
        ORDER_NOTES, symbol=usd_symbol(currency), order_by="created_ms", descending=True, limit=1
    )
    return any(
        note.position_type == PositionType.MARGIN and note.created_ms > oldest for note in latest
    )


def _of_holding(holding: Holding, label: PositionType, now: int) -> Position:
    amount, entry, mark = holding.amount, holding.entry_price, holding.last_price
    cost, notional = amount * entry, amount * mark
    on_margin = label is PositionType.MARGIN
    return Position(
        id=f"{label}_{holding.currency}_{now // 1000}",
        symbol=usd_symbol(holding.currency),
        side=Side.BUY,
        amount=amount,
        contracts=amount,
        entry_price=entry,
        mark_price=mark,
        pnl=notional - cost,
        pnl_percentage=(notional - cost) / cost * 100 if cost else Decimal(0),
        notional=notional,
        collateral=notional,
        maintenance_margin=notional * _MARGIN_PART if on_margin else Decimal(0),
        margin_mode="cross" if on_margin else "spot",
        position_type=label,
        leverage=Decimal(1),
        timestamp=now,
    )


def _of_exchange(position: MarginPosition) -> Position:
    return Position(
        **asdict(position), contracts=position.amount, position_type=PositionType.MARGIN
    )
