"""From a decision to an order that the account can pay. Pure."""

from collections.abc import Iterable, Mapping
from decimal import ROUND_DOWN, Decimal

from shared_services.exchange.model import Balance, Instrument, OrderType
from shared_services.numbers import plain
from shared_services.strategies.model import Action
from shared_services.symbols import pricing_symbol

Body = dict[str, str]


def tradable(
    symbol: str, instruments: Mapping[str, Instrument], balances: Iterable[Balance]
) -> Instrument | None:
    """The market in which the account trades what has the prices of `symbol`; None without one.

    Prices are those of `BTC/USD`, but a test account holds TESTUSD: of the pairs with these prices,
    the one is meant whose quote currency the account has most of, or else the base.
    """
    held = {one.currency: one.total for one in balances}
    priced = [
        one for one in instruments.values() if pricing_symbol(one.symbol) == pricing_symbol(symbol)
    ]
    priced.sort(key=lambda one: one.symbol != symbol)  # as configured, where nothing decides
    return max(
        priced,
        key=lambda one: (held.get(one.quote, Decimal(0)), held.get(one.base, Decimal(0))),
        default=None,
    )


def market_order(
    action: Action, amount: Decimal, pair: Instrument, balances: Iterable[Balance]
) -> Body | None:
    """The body of an order that `pair` allows; a sale of what is held at most.

    None if nothing is left that could be ordered.
    """
    if action is Action.SELL:
        free = (one.available for one in balances if one.currency == pair.base)
        amount = min(amount, next(free, Decimal(0)))
    amount = min(amount, pair.maximum_amount)
    amount = amount.quantize(Decimal(1).scaleb(-pair.amount_decimals), ROUND_DOWN)
    if amount <= 0 or amount < pair.minimum_amount:  # an exchange may tell no minimum
        return None
    return {
        "symbol": pair.symbol,
        "order_type": OrderType.MARKET,
        "side": action,
        "amount": plain(amount),
    }
