"""The account by symbol. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from shared_services.exchange.model import Side
from shared_services.ledger.model import Account
from shared_services.numbers import percent
from shared_services.portfolio.model import PortfolioPosition
from shared_services.symbols import pricing_symbol, usd_symbol

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Part:
    """One position of the account; `amount` is negative for a short."""

    symbol: str
    side: str
    amount: Decimal
    entry_price: Decimal
    mark_price: Decimal
    pnl: Decimal

    @property
    def cost(self) -> Decimal:
        return abs(self.amount) * self.entry_price


def parts(account: Account) -> list[Part]:
    """Holdings are bought, margin positions are long or short."""
    held = [
        Part(
            usd_symbol(one.currency),
            Side.BUY,
            one.amount,
            one.entry_price,
            one.last_price,
            one.amount * (one.last_price - one.entry_price),
        )
        for one in account.holdings
    ]
    borrowed = [
        Part(
            pricing_symbol(one.symbol),
            one.side,
            one.amount if one.side == "long" else -one.amount,
            one.entry_price,
            one.mark_price,
            one.pnl,
        )
        for one in account.margin_positions
    ]
    return held + borrowed


def by_symbol(found: Iterable[Part]) -> dict[str, PortfolioPosition]:
    """Several in one symbol are one: amounts added, the entry price averaged."""
    grouped: dict[str, list[Part]] = {}
    for part in found:
        grouped.setdefault(part.symbol, []).append(part)
    return {symbol: _one(symbol, several) for symbol, several in grouped.items()}


def cost(found: Iterable[Part]) -> Decimal:
    """What was invested: the sum of amount times entry price."""
    return sum((part.cost for part in found), _ZERO)


def allocation(found: Iterable[Part], symbol: str, whole: Decimal) -> Decimal:
    """Percent of `whole` that is held at the price of `symbol`; 0 of nothing."""
    priced = pricing_symbol(symbol)
    held = sum((one.amount * one.mark_price for one in found if one.symbol == priced), _ZERO)
    return percent(held, max(whole, _ZERO))


def _one(symbol: str, several: list[Part]) -> PortfolioPosition:
    amount = sum((one.amount for one in several), _ZERO)
    total, pnl = cost(several), sum((one.pnl for one in several), _ZERO)
    units = sum((abs(one.amount) for one in several), _ZERO)
    sides: Mapping[str, None] = dict.fromkeys(one.side for one in several)
    return PortfolioPosition(
        symbol=symbol,
        side=next(iter(sides)) if len(sides) == 1 else ("buy" if amount >= 0 else "short"),
        amount=amount,
        entry_price=total / units if units else _ZERO,
        mark_price=several[0].mark_price,
        pnl=pnl,
        pnl_percentage=percent(pnl, total),
    )
