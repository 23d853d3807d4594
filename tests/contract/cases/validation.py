"""Section 5.3: the validation messages of orders.create, in their order."""

from typing import Any

from tests.contract.case import Case, post_order

MARKET = {"symbol": "TESTBTC/TESTUSD", "order_type": "market", "side": "buy", "amount": 0.01}
LIMIT = MARKET | {"order_type": "limit", "price": 39000}
BAD_KEY = "Idempotency key must be 1 to 255 visible ASCII characters"

REFUSED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing": (
        {"x": 1},
        [f"Missing required field: {name}" for name in ("symbol", "order_type", "side", "amount")],
    ),
    "a missing side": (
        {key: MARKET[key] for key in ("symbol", "order_type", "amount")},
        ["Missing required field: side"],
    ),
    "nulls": (
        dict.fromkeys(MARKET),
        [
            "Symbol must be a string",
            "Order type must be 'market' or 'limit'",
            "Side must be 'buy' or 'sell'",
            "Amount must be a number",
        ],
    ),
    "an empty symbol": (MARKET | {"symbol": ""}, ["Symbol must be a string"]),
    "a symbol that is a number": (MARKET | {"symbol": 5}, ["Symbol must be a string"]),
    "an order type in capitals": (
        MARKET | {"order_type": "Market"},
        ["Order type must be 'market' or 'limit'"],
    ),
    "an order type that is a list": (
        MARKET | {"order_type": ["market"]},
        ["Order type must be 'market' or 'limit'"],
    ),
    "an unknown side": (MARKET | {"side": "long"}, ["Side must be 'buy' or 'sell'"]),
    "no price of a limit order": (
        MARKET | {"order_type": "limit"},
        ["Price is required for limit orders"],
    ),
    "a null price of a limit order": (
        LIMIT | {"price": None},
        ["Price is required for limit orders"],
    ),
    "a price that is no number": (LIMIT | {"price": "x"}, ["Price must be a number"]),
    "a negative price": (LIMIT | {"price": -1}, ["Price must be positive"]),
    "a leverage that is no number": (MARKET | {"leverage": "x"}, ["leverage must be a number"]),
    "a leverage of 0": (MARKET | {"leverage": 0}, ["Leverage must be positive"]),
    "a stop loss that is no number": (MARKET | {"stop_loss": []}, ["stop_loss must be a number"]),
    "a negative stop loss": (MARKET | {"stop_loss": "-1"}, ["Stop loss must be positive"]),
    "a take profit that is no number": (
        MARKET | {"take_profit": {}},
        ["take_profit must be a number"],
    ),
    "a take profit of 0": (MARKET | {"take_profit": 0.0}, ["Take profit must be positive"]),
    "an unknown position type": (
        MARKET | {"position_type": "futures"},
        ["Position type must be 'spot' or 'margin'"],
    ),
    "an empty client id": (MARKET | {"client_order_id": ""}, [BAD_KEY]),
    "a client id with a blank": (MARKET | {"client_order_id": "a b"}, [BAD_KEY]),
    "a client id of 256 characters": (MARKET | {"client_order_id": "a" * 256}, [BAD_KEY]),
    "a client id that is a number": (MARKET | {"client_order_id": 7}, [BAD_KEY]),
    "a client id with an umlaut": (MARKET | {"client_order_id": "ü"}, [BAD_KEY]),
    "everything": (
        {
            "symbol": "",
            "order_type": "limit",
            "side": 1,
            "amount": True,
            "price": 0,
            "leverage": "no",
            "stop_loss": -1,
            "take_profit": "",
            "position_type": 0,
            "client_order_id": "",
        },
        [
            "Symbol must be a string",
            "Side must be 'buy' or 'sell'",
            "Amount must be a number",
            "Price must be positive",
            "leverage must be a number",
            "Stop loss must be positive",
            "take_profit must be a number",
            "Position type must be 'spot' or 'margin'",
            BAD_KEY,
        ],
    ),
}

NO_NUMBERS: tuple[object, ...] = (
    "",
    "x",
    "nan",
    "inf",
    "0x1",
    "1_0",
    "1e400",
    True,
    [],
    {},
    "1,5",
    "é",
    10**400,
)
NOT_POSITIVE = (0, -0.01, "0", "-1", "1e-400")


def _refused(name: str, body: dict[str, Any], details: list[str], **headers: str) -> Case:
    answer = {"details": details, "error": "Invalid order data"}
    return Case("orders.create", name, post_order(body, **headers), 400, answer)


CASES = [
    *(_refused(name, body, details) for name, (body, details) in REFUSED.items()),
    *(
        _refused(f"amount {value!r}", MARKET | {"amount": value}, ["Amount must be a number"])
        for value in NO_NUMBERS
    ),
    *(
        _refused(f"amount {value!r}", MARKET | {"amount": value}, ["Amount must be positive"])
        for value in NOT_POSITIVE
    ),
    _refused("an empty key", MARKET, [BAD_KEY], idempotency_key=""),
    _refused("a key with an umlaut", MARKET, [BAD_KEY], idempotency_key="ü"),
    _refused("a key of 256 characters", MARKET, [BAD_KEY], idempotency_key="k" * 256),
    _refused(
        "two different keys",
        MARKET | {"client_order_id": "a"},
        ["Idempotency-Key and client_order_id differ"],
        idempotency_key="b",
    ),
]
