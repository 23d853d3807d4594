"""Several order books as one. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from shared_services.exchange.model import Level
from shared_services.orderbook.model import MergedBook, MergedLevel, VenueBook


def merged(
    symbol: str, books: Sequence[VenueBook], errors: Mapping[str, str], limit: int
) -> MergedBook:
    """At least one book; the limit is applied after merging."""
    bids = _side([(one.exchange, one.book.bids) for one in books], falling=True)[:limit]
    asks = _side([(one.exchange, one.book.asks) for one in books], falling=False)[:limit]
    return MergedBook(
        symbol=symbol,
        bids=tuple(bids),
        asks=tuple(asks),
        exchanges=tuple(one.exchange for one in books),
        errors=errors,
        crossed=bool(bids and asks) and bids[0].price >= asks[0].price,
        timestamp=min(one.book.timestamp for one in books),
    )


def _side(sides: Iterable[tuple[str, Sequence[Level]]], *, falling: bool) -> list[MergedLevel]:
    """Levels with exactly the same price are added."""
    parts: dict[Decimal, dict[str, Decimal]] = {}
    for exchange, levels in sides:
        for level in levels:
            part = parts.setdefault(level.price, {})
            part[exchange] = part.get(exchange, Decimal(0)) + level.amount
    return [
        MergedLevel(price, sum(parts[price].values(), Decimal(0)), parts[price])
        for price in sorted(parts, reverse=falling)
    ]
