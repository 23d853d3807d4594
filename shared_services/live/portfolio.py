"""The account seen through the symbols that somebody asks for. Pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from shared_services.exchange.model import Balance, Side
from shared_services.ledger.model import Account, Holding, free_cash
from shared_services.live.model import LivePosition, Performance, Snapshot, TradeQuestion, Verdict
from shared_services.numbers import percent
from shared_services.symbols import pricing_currency

_ZERO: Final = Decimal(0)


def is_held(account: Account, symbol: str) -> bool:
    return bool(_held(account, _base(symbol)))


def snapshot(account: Account, quality: Mapping[str, bool]) -> Snapshot:
    """All cash and what is held of the symbols in `quality`, of each currency once."""
    asked: dict[str, str] = {}
    for symbol in quality:
        asked.setdefault(_base(symbol), symbol)
    positions = [_position(symbol, base, account) for base, symbol in asked.items()]
    held = tuple(one for one in positions if one is not None)
    pnl = sum((one.unrealized_pnl for one in held), _ZERO)
    cost = sum((one.amount * one.entry_price for one in held), _ZERO)
    return Snapshot(
        available_balance=account.available,
        market_data_quality=quality,
        positions=held,
        total_value=account.cash + sum((one.market_value for one in held), _ZERO),
        total_unrealized_pnl=pnl,
        total_unrealized_pnl_pct=percent(pnl, cost),
        timestamp=account.timestamp,
    )


def performance(seen: Snapshot) -> Performance:
    values = [one.market_value for one in seen.positions]
    return Performance(
        cash_allocation_pct=percent(seen.available_balance, seen.total_value),
        current_value=seen.total_value,
        largest_position=max(values, default=_ZERO),
        position_count=len(values),
        unrealized_pnl=seen.total_unrealized_pnl,
        unrealized_pnl_pct=seen.total_unrealized_pnl_pct,
        timestamp=seen.timestamp,
    )


def verdict(trade: TradeQuestion, balances: Sequence[Balance], price: Decimal) -> Verdict:
    """Whether what is not reserved suffices, in cash to buy, of the holding to sell."""
    cash, value = free_cash(balances), trade.amount * price
    if trade.side is Side.BUY:
        valid, good = cash >= value, "Sufficient balance for purchase"
        bad = f"Insufficient balance: need ${value:.2f}, have ${cash:.2f}"
    else:
        free = _free(balances, _base(trade.symbol))
        valid, good = free >= trade.amount, "Sufficient position for sale"
        bad = f"Insufficient position: need {trade.amount:.6f}, have {free:.6f}"
    return Verdict(
        valid=valid,
        reason=good if valid else bad,
        available_balance=cash,
        current_price=price,
        trade_value=value,
    )


def _base(symbol: str) -> str:
    """`BTC` for `TESTBTC/TESTUSD`: the holdings BTC and TESTBTC belong to it."""
    return pricing_currency(symbol.split("/", maxsplit=1)[0])


def _free(balances: Sequence[Balance], base: str) -> Decimal:
    free = [one.available for one in balances if pricing_currency(one.currency) == base]
    return sum(free, _ZERO)


def _held(account: Account, base: str) -> list[Holding]:
    return [one for one in account.holdings if pricing_currency(one.currency) == base]


def _position(symbol: str, base: str, account: Account) -> LivePosition | None:
    held = _held(account, base)
    amount = sum((one.amount for one in held), _ZERO)
    if not amount:
        return None
    price = held[0].last_price  # test currencies have the price of the real one
    cost = sum((one.amount * one.entry_price for one in held), _ZERO)
    value = amount * price
    return LivePosition(
        symbol=symbol,
        amount=amount,
        entry_price=cost / amount,
        current_price=price,
        market_value=value,
        unrealized_pnl=value - cost,
        unrealized_pnl_pct=percent(value - cost, cost),
        timestamp=account.timestamp,
    )
