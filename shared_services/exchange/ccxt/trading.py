"""What is said about orders, exact in both directions.

Bitfinex' own arrays (`info`) are read where ccxt leaves out or mistakes a field.
https://docs.bitfinex.com/reference/rest-auth-retrieve-orders
"""

import hashlib
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

from shared_services.exchange.ccxt.client import Client
from shared_services.exchange.ccxt.translate import Raw, number
from shared_services.exchange.model import (
    ExchangeOrder,
    Fill,
    MarginPosition,
    OrderRequest,
    OrderStatus,
    OrderType,
    PositionType,
    Side,
)
from shared_services.exchange.port import ExchangeFailedError, RefusedError

_CLIENT_ID_BITS: Final = 45  # of Bitfinex' cid

# Places in arrays
_MARKET, _CREATED, _UPDATED = 3, 4, 5  # in an order; ccxt's timestamp is the later one
_MARKET_OF_TRADE, _FEE, _FEE_CURRENCY = 1, 9, 10  # in a trade
_COLLATERAL, _COLLATERAL_MINIMUM = 17, 18  # in a position


def client_number(client_id: str) -> int:
    """The number that an order of this client id has at the exchange, the same every time."""
    digest = hashlib.sha256(client_id.encode()).digest()
    return int.from_bytes(digest) >> (8 * len(digest) - _CLIENT_ID_BITS)


def exact(client: Client, request: OrderRequest) -> tuple[str, str | None]:
    """Amount and price as they are sent; RefusedError where ccxt would send others."""
    market = client.markets[request.symbol]
    _check_limits("amount", request.amount, market["limits"]["amount"], request.symbol)
    amount = client.amount_to_precision(request.symbol, format(request.amount, "f"))
    _check_same("Amount", request.amount, amount, request.symbol)
    if request.price is None:
        return amount, None
    _check_limits("price", request.price, market["limits"]["price"], request.symbol)
    price = client.price_to_precision(request.symbol, format(request.price, "f"))
    _check_same("Price", request.price, price, request.symbol)
    return amount, price


def parameters(client: Client, request: OrderRequest) -> dict[str, Any]:
    """Leverage is not among them: on Bitfinex it is the account's."""
    params: dict[str, Any] = {"clientOrderId": client_number(request.client_id)}
    if request.position_type is PositionType.MARGIN:
        if not client.markets[request.symbol]["margin"]:
            raise RefusedError(f"No margin trading ({request.symbol})")
        params["marginMode"] = "cross"
    return params


def order(client: Client, raw: Raw, client_id: str | None, fills: Sequence[Fill]) -> ExchangeOrder:
    """`fills` are those of this order that the exchange reports: they know cost and fee exactly."""
    kind = OrderType.LIMIT if raw["type"] == "limit" else OrderType.MARKET
    return ExchangeOrder(
        id=_id(raw["id"]),
        client_id=client_id,
        symbol=_traded(client, raw["info"][_MARKET])[0],
        type=kind,
        side=Side(raw["side"]),
        amount=number(raw["amount"]),
        filled=number(raw["filled"]),
        price=number(raw["price"]) if kind is OrderType.LIMIT else None,
        cost=_cost(raw, fills),
        fee=sum((fill.fee for fill in fills), Decimal(0)),
        status=_status(raw["status"]),
        timestamp=int(raw["info"][_CREATED]),
    )


def span(raws: Iterable[Raw]) -> tuple[int, int] | None:
    """From the first order's creation to the last change (ms); None if nothing was filled."""
    filled = [raw for raw in raws if number(raw["filled"])]
    if not filled:
        return None
    created, updated = ([int(raw["info"][at]) for raw in filled] for at in (_CREATED, _UPDATED))
    return min(created), max(updated)


def number_of(raw: Raw) -> int | None:
    """The client's number of an order, if it has one."""
    return None if raw["clientOrderId"] is None else int(raw["clientOrderId"])


def fill(client: Client, raw: Raw) -> Fill:
    """The fee of a buy is taken in the base currency and told in the quote.

    ccxt (4.5.90) loses every fee when it counts in Decimal: `reduce_fees_by_currency`.
    """
    symbol, base, quote = _traded(client, raw["info"][_MARKET_OF_TRADE])
    fee, currency = raw["info"][_FEE], client.safe_currency_code(raw["info"][_FEE_CURRENCY])
    price = number(raw["price"])
    rates = {quote: Decimal(1), base: price}
    if currency not in rates:
        raise ExchangeFailedError(f"the fee of trade {raw['id']} ({symbol}) is in {currency}")
    return Fill(
        id=f"{_id(raw['order'])}-{_id(raw['id'])}",  # one trade has two orders, maybe both ours
        order_id=raw["order"],
        symbol=symbol,
        side=Side(raw["side"]),
        amount=number(raw["amount"]),
        price=price,
        fee=-number(fee) * rates[currency],  # Bitfinex tells what is added to the account
        timestamp=int(raw["timestamp"]),
    )


def margin_position(raw: Raw, mark: Decimal, *, contract: bool) -> MarginPosition:
    """`mark` is the last price: Bitfinex tells none with a position."""
    amount = abs(number(raw["notional"]))  # ccxt calls so what is the amount
    return MarginPosition(
        id=_id(raw["id"]),
        symbol=raw["symbol"],
        side=raw["side"],
        amount=amount,
        entry_price=number(raw["entryPrice"]),
        mark_price=mark,
        pnl=number(raw["unrealizedPnl"]),
        pnl_percentage=number(raw["percentage"]) * 100,
        notional=amount * mark,
        collateral=_or_none_set(raw, _COLLATERAL),
        leverage=number(raw["leverage"]),
        maintenance_margin=_or_none_set(raw, _COLLATERAL_MINIMUM),
        margin_mode="isolated" if contract else "cross",
        timestamp=int(raw["timestamp"]),
    )


def _check_limits(name: str, value: Decimal, limits: Raw, symbol: str) -> None:
    least, most = limits["min"], limits["max"]
    if least is not None and value < least:
        raise RefusedError(f"Minimum {name} is {least:f} ({symbol})")
    if most is not None and value > most:
        raise RefusedError(f"Maximum {name} is {most:f} ({symbol})")


def _check_same(name: str, wanted: Decimal, possible: str, symbol: str) -> None:
    if Decimal(possible) != wanted:
        text = f"{name} {wanted:f} has too many digits, the nearest possible is {possible}"
        raise RefusedError(f"{text} ({symbol})")


def _traded(client: Client, market_id: str) -> tuple[str, str, str]:
    """Symbol, base and quote; also of a market that is no longer there, which ccxt cannot name."""
    for market in client.markets_by_id.get(market_id, ()):
        return market["symbol"], market["base"], market["quote"]
    pair = market_id[1:]
    parts = pair.split(":") if ":" in pair else (pair[:3], pair[3:])
    base, quote = (client.safe_currency_code(part) for part in parts)
    return f"{base}/{quote}", base, quote


def _cost(raw: Raw, fills: Sequence[Fill]) -> Decimal:
    """Exact if all fills are known; else by Bitfinex' average, which is rounded."""
    filled = number(raw["filled"])
    if sum((fill.amount for fill in fills), Decimal(0)) == filled:
        return sum((fill.price * fill.amount for fill in fills), Decimal(0))
    return number(raw["average"]) * filled


def _id(value: object) -> str:
    """ccxt makes an order of an empty answer too, but it has no id."""
    if not isinstance(value, str):
        raise TypeError(f"no id: {value!r}")
    return value


def _status(text: str) -> OrderStatus:
    """Some of Bitfinex' words are not in ccxt's table: `IOC CANCELED`, `RSN_…`."""
    if text.startswith("RSN_"):
        return OrderStatus.REJECTED
    return OrderStatus.CANCELED if text.endswith("CANCELED") else OrderStatus(text)


def _or_none_set(raw: Raw, place: int) -> Decimal:
    """0 where Bitfinex keeps none for the position: all of the account stands for it."""
    value = raw["info"][place]
    return Decimal(0) if value is None else number(value)
