"""What Bitfinex does for the owner of a key."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from shared_services.exchange.model import (
    ExchangeOrder,
    Fill,
    OrderRequest,
    OrderType,
    PositionType,
    Side,
)
from shared_services.exchange.port import ExchangePort, RefusedError, UnknownOrderError
from tests.bitfinex import arrays

Answer = tuple[int, Any]
Body = Mapping[str, Any]

MOST = 2_500  # orders or trades in one answer


def parse(body: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(body, parse_float=Decimal)
    return parsed


async def answer(exchange: ExchangePort, path: str, body: Body) -> Answer:
    """Status and content for a path behind /v2/auth/."""
    try:
        match path.split("/"):
            case ["w", "order", "submit"]:
                return 200, await _submit(exchange, body)
            case ["w", "order", "cancel"]:
                return 200, await _cancel(exchange, str(body["id"]))
            case ["r", *rest]:
                return await _read(exchange, rest, body)
    except UnknownOrderError:
        return 500, arrays.error(10001, "Order not found.")
    except RefusedError as error:
        return 500, arrays.error(10001, _refusal(str(error)))
    return _missing(path)


async def _read(exchange: ExchangePort, rest: list[str], body: Body) -> Answer:
    match rest:
        case ["wallets"]:
            wallets = await exchange.balances()
            return 200, [arrays.wallet(w.currency, w.total, w.available) for w in wallets]
        case ["positions"]:
            return 200, [arrays.position(one) for one in await exchange.margin_positions()]
        case ["orders", *symbol] if symbol[-1:] != ["hist"]:
            return 200, await _orders(exchange, await exchange.open_orders(), symbol, body)
        case ["orders", *symbol, "hist"]:
            closed = await exchange.closed_orders(None, MOST)
            return 200, await _orders(exchange, closed, symbol, body)
        case ["trades", *symbol, "hist"]:
            return 200, await _trades(exchange, symbol, body)
    return _missing("/".join(rest))


async def _submit(exchange: ExchangePort, body: Body) -> Any:
    amount = Decimal(body["amount"])
    kind = arrays.order_type(body["type"])
    request = OrderRequest(
        client_id=str(body["cid"]),
        symbol=arrays.symbol_of(body["symbol"]),
        type=kind,
        side=Side.BUY if amount > 0 else Side.SELL,
        amount=abs(amount),
        price=Decimal(body["price"]) if kind is OrderType.LIMIT else None,
        position_type=(
            PositionType.SPOT if body["type"].startswith("EXCHANGE") else PositionType.MARGIN
        ),
    )
    order = await exchange.create(request)
    return arrays.notice("on-req", [arrays.order(order, await _fills(exchange))])


async def _cancel(exchange: ExchangePort, order_id: str) -> Any:
    order = await exchange.order(order_id)
    await exchange.cancel(order_id)
    return arrays.notice("oc-req", arrays.order(order, ()))


async def _orders(
    exchange: ExchangePort, orders: list[ExchangeOrder], symbol: list[str], body: Body
) -> Any:
    fills = await _fills(exchange)
    told = [arrays.order(one, fills) for one in orders]
    told.sort(key=lambda array: (array[5], array[0]), reverse=True)
    return [
        array
        for array in told
        if (not symbol or array[3] == symbol[0])
        and (array[0] in body.get("id", [array[0]]))
        and body.get("start", 0) <= array[5] <= body.get("end", array[5])
    ][: body.get("limit", MOST)]


async def _trades(exchange: ExchangePort, symbol: list[str], body: Body) -> Any:
    told = [arrays.own_trade(one) for one in await _fills(exchange)]
    told.sort(key=lambda array: (array[2], array[0]), reverse=body.get("sort", -1) == -1)
    return [
        array
        for array in told
        if (not symbol or array[1] == symbol[0])
        and body.get("start", 0) <= array[2] <= body.get("end", array[2])
    ][: body.get("limit", MOST)]


async def _fills(exchange: ExchangePort) -> tuple[Fill, ...]:
    return (await exchange.fills(None)).fills


def twice(content: Any) -> Any:
    """What is a list of things, or has one inside, with each thing told again."""
    match content:
        case [[*_], *_]:
            return [*content, *content]
        case [_, str(), _, _, [[*_], *_] as inner, *_]:
            return [*content[:4], [*inner, *inner], *content[5:]]
    return content


def _refusal(text: str) -> str:
    """In Bitfinex' words where ccxt reads them."""
    if "Insufficient" in text:
        return f"Invalid order: not enough exchange balance: {text}"
    if "Unknown symbol" in text:
        return "symbol: invalid"
    return f"Invalid order: {text}"


def _missing(path: str) -> Answer:
    return 404, arrays.error(10020, f"no such path: {path}")
