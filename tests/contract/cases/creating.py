"""Section 5.3: orders that are placed, and those that the exchange refuses."""

from typing import Any

from tests.contract.case import Case, post_order
from tests.contract.world import POOR

MARKET = {"symbol": "TESTBTC/TESTUSD", "order_type": "market", "side": "buy", "amount": 0.01}
LIMIT = MARKET | {"order_type": "limit", "price": 39000}
FILLED: dict[str, Any] = {
    "amount": 0.01,
    "filled": 0.01,
    "id": "1001",
    "position_type": "spot",
    "price": 40010.0,
    "remaining": 0.0,
    "side": "buy",
    "status": "closed",
    "symbol": "tTESTBTC:TESTUSD",
    "timestamp": 1700000000000,
    "type": "market",
}
RESTING = FILLED | {
    "filled": 0.0,
    "price": 39000.0,
    "remaining": 0.01,
    "status": "open",
    "type": "limit",
}


def placed(order: dict[str, Any]) -> dict[str, Any]:
    return {"message": "Order placed successfully", "order": order}


PLACED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a market order": (MARKET, FILLED),
    "a limit order": (LIMIT, RESTING),
    "a limit order that meets the book": (LIMIT | {"price": 40010}, FILLED | {"type": "limit"}),
    "a sale": (MARKET | {"side": "sell"}, FILLED | {"side": "sell", "price": 39990.0}),
    "numeric strings": (
        LIMIT | {"amount": " 0.010 ", "price": "3.9e4", "leverage": "1", "stop_loss": "38000"},
        RESTING,
    ),
    "nulls in optional fields": (
        MARKET
        | dict.fromkeys(
            ("price", "position_type", "leverage", "stop_loss", "take_profit", "client_order_id")
        ),
        FILLED,
    ),
    "the price of a market order is ignored": (MARKET | {"price": "x"}, FILLED),
    "a margin order": (MARKET | {"position_type": "margin"}, FILLED | {"position_type": "margin"}),
    "leverage within the limit": (MARKET | {"leverage": 3}, FILLED),
    "stop and target": (MARKET | {"stop_loss": 1, "take_profit": 0.5}, FILLED),
    "a client id comes back": (
        MARKET | {"client_order_id": "mine"},
        FILLED | {"client_order_id": "mine"},
    ),
    "the whole holding sold": (
        MARKET | {"side": "sell", "amount": 0.05},
        FILLED | {"side": "sell", "price": 39990.0, "amount": 0.05, "filled": 0.05},
    ),
    "exactly the largest position": (
        LIMIT | {"amount": 0.025, "price": 40000},
        RESTING | {"amount": 0.025, "remaining": 0.025, "price": 40000.0},
    ),
}

REFUSED = {
    "an unknown symbol": (MARKET | {"symbol": "FOO/USD"}, "Unknown symbol: FOO/USD"),
    "a compact symbol": (MARKET | {"symbol": "TESTBTCUSD"}, "Unknown symbol: TESTBTCUSD"),
    "a symbol that is half a character": (MARKET | {"symbol": "\ud83d"}, "Unknown symbol: \ud83d"),
    "below the minimum": (
        MARKET | {"amount": 0.000001},
        "Minimum amount is 0.00001 (TESTBTC/TESTUSD)",
    ),
    "more decimals than the price has": (
        LIMIT | {"price": 39000.001},
        "Price has more than 2 decimals (TESTBTC/TESTUSD)",
    ),
}

CASES = [
    *(
        Case(
            "orders.create",
            name,
            post_order(body),
            201,
            placed(order),
            {"content-type": "application/json", "idempotency-replayed": None},
        )
        for name, (body, order) in PLACED.items()
    ),
    *(
        Case(
            "orders.create",
            name,
            post_order(body),
            400,
            {"details": text, "error": "Failed to place order"},
        )
        for name, (body, text) in REFUSED.items()
    ),
    Case(
        "orders.create",
        "too little money",
        post_order(MARKET | {"amount": 0.005}),
        400,
        {
            "details": "Insufficient TESTUSD balance: need 200.05, available 10.00",
            "error": "Failed to place order",
        },
        world=POOR,
    ),
    Case(
        "orders.create",
        "the bytes",
        post_order(LIMIT),
        201,
        b'{"message":"Order placed successfully","order":{"amount":0.01,"filled":0.0,"id":"1001",'
        b'"position_type":"spot","price":39000.0,"remaining":0.01,"side":"buy","status":"open",'
        b'"symbol":"tTESTBTC:TESTUSD","timestamp":1700000000000,"type":"limit"}}\n',
    ),
]
