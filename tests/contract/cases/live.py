"""Section 5.11: the live portfolio. Quirks K8, K21 and K22, bugs B7, B9, B10 and B11."""

import json
from dataclasses import replace
from typing import Any

from tests.contract.case import JSON, Case, get
from tests.contract.outage import outages
from tests.contract.world import EMPTY
from tests.drive import Request

SNAPSHOT = "/api/live-portfolio/snapshot"
VALUE = "/api/live-portfolio/position-value"
PERFORMANCE = "/api/live-portfolio/performance"
OVERVIEW = "/api/live-portfolio/market-overview"
NOW = "2023-11-14T22:13:20"
WITHOUT = {
    "error": "Exchange service not available",
    "message": "Live data required for trading - no fallback data",
}
FAILED = "Live portfolio data unavailable"
POSITION: dict[str, Any] = {
    "amount": 0.05,
    "current_price": 40000.0,
    "entry_price": 38000.0,
    "market_value": 2000.0,
    "symbol": "BTC/USD",
    "timestamp": NOW,
    "unrealized_pnl": 100.0,
    "unrealized_pnl_pct": 5.263157894736842,
}
NOTHING: dict[str, Any] = {
    "available_balance": 7610.0,
    "market_data_quality": {"ETH/USD": True},
    "positions": [],
    "status": "success",
    "timestamp": NOW,
    "total_unrealized_pnl": 0.0,
    "total_unrealized_pnl_pct": 0.0,
    "total_value": 8000.0,
}
HELD = NOTHING | {
    "market_data_quality": {"BTC/USD": True, "ETH/USD": True},
    "positions": [POSITION],
    "total_unrealized_pnl": 100.0,
    "total_unrealized_pnl_pct": 5.263157894736842,
    "total_value": 10000.0,
}
MARKET: dict[str, Any] = {
    "best_ask": 40010.0,
    "best_bid": 39990.0,
    "current_price": 40000.0,
    "data_quality": {
        "data_freshness_seconds": 0.0,
        "ohlcv_rows": 50,
        "orderbook_levels": 40,
        "ticker_complete": True,
    },
    "price_change_24h": 400.0,
    "price_change_pct": 1.0101010101010102,
    "spread": 20.0,
    "symbol": "BTC/USD",
    "timestamp": NOW,
    "volatility_pct": 0.04265255177554706,
    "volume_24h": 1234.5,
}
UNKNOWN_MARKET = {"error": "unknown symbol FOO/USD", "symbol": "FOO/USD", "timestamp": None}


def refused(text: str) -> dict[str, str]:
    return {"error": text, "status": "error"}


def trade(body: object) -> Request:
    content = b"" if body is None else json.dumps(body).encode()
    return Request("POST", "/api/live-portfolio/validate-trade", JSON, content)


def question(symbol: str, amount: object, side: object) -> Request:
    return trade({"symbol": symbol, "amount": amount, "type": side})


def answer(valid: bool, reason: str, value: float, price: float = 40000.0) -> dict[str, Any]:
    return {
        "available_balance": 7610.0,
        "current_price": price,
        "reason": reason,
        "status": "success",
        "trade_value": value,
        "valid": valid,
    }


MISSING_FIELDS = "Missing required fields: symbol, amount, type"

SNAPSHOTS = [
    Case("live.snapshot", "the default symbols", get(SNAPSHOT), 200, HELD),
    Case("live.snapshot", "not held", get(f"{SNAPSHOT}?symbols=ETH/USD"), 200, NOTHING),
    Case(
        "live.snapshot",
        "blanks, empty parts and repetitions do not count",
        get(f"{SNAPSHOT}?symbols=%20BTC/USD,,ETH/USD,BTC/USD&symbols=FOO/USD"),
        200,
        HELD,
    ),
    Case(
        "live.snapshot", "an empty list is the default one", get(f"{SNAPSHOT}?symbols=,"), 200, HELD
    ),
    Case(
        "live.snapshot",
        "a test symbol is the same holding, under the name asked for",
        get(f"{SNAPSHOT}?symbols=TESTBTC/TESTUSD"),
        200,
        HELD
        | {
            "market_data_quality": {"TESTBTC/TESTUSD": True},
            "positions": [POSITION | {"symbol": "TESTBTC/TESTUSD"}],
        },
    ),
    Case(
        "live.snapshot",
        "a holding counts once",
        get(f"{SNAPSHOT}?symbols=BTC/USD,TESTBTC/TESTUSD"),
        200,
        HELD | {"market_data_quality": {"BTC/USD": True, "TESTBTC/TESTUSD": True}},
    ),
    Case(
        "live.snapshot",
        "an unknown symbol that nobody holds has no quality",
        get(f"{SNAPSHOT}?symbols=FOO/USD"),
        200,
        NOTHING | {"market_data_quality": {"FOO/USD": False}},
    ),
    Case(
        "live.snapshot",
        "nothing at all",
        get(SNAPSHOT),
        200,
        NOTHING
        | {
            "available_balance": 0.0,
            "market_data_quality": {"BTC/USD": True, "ETH/USD": True},
            "total_value": 0.0,
        },
        world=EMPTY,
    ),
    *outages("live.snapshot", get(SNAPSHOT), WITHOUT, FAILED, status="error"),
]

VALUES = [
    Case(
        "live.position-value",
        "amount times price",
        get(f"{VALUE}?symbol=BTC/USD&amount=0.05"),
        200,
        b'{"amount":0.05,"current_price":40000.0,"market_value":2000.0,"status":"success",'
        b'"symbol":"BTC/USD","timestamp":"2023-11-14T22:13:20"}\n',
    ),
    Case(
        "live.position-value",
        "a short amount of a test symbol",
        get(f"{VALUE}?symbol=TESTBTC/TESTUSD&amount=-1e-1"),
        200,
        {
            "amount": -0.1,
            "current_price": 40000.0,
            "market_value": -4000.0,
            "status": "success",
            "symbol": "TESTBTC/TESTUSD",
            "timestamp": NOW,
        },
    ),
    *(
        Case(
            "live.position-value",
            f"refused: {query or 'no query'}",
            get(f"{VALUE}?{query}" if query else VALUE),
            400,
            refused(text),
        )
        for query, text in [
            ("", "Missing required parameters: symbol, amount"),
            ("symbol=BTC/USD", "Missing required parameters: symbol, amount"),
            ("amount=1", "Missing required parameters: symbol, amount"),
            ("symbol=&amount=1", "Missing required parameters: symbol, amount"),
            ("symbol=BTC/USD&amount=much", "Invalid amount format"),
            ("symbol=BTC/USD&amount=nan", "Invalid amount format"),
            ("symbol=BTC/USD&amount=1e400", "Invalid amount format"),
        ]
    ),
    Case(
        "live.position-value",
        "a value beyond all doubles",
        get(f"{VALUE}?symbol=BTC/USD&amount=1e308"),
        400,
        refused("Invalid amount format"),
    ),
    Case(
        "live.position-value",
        "an unknown symbol",
        get(f"{VALUE}?symbol=FOO/USD&amount=1"),
        503,
        {
            "error": "Exchange error: unknown symbol FOO/USD",
            "message": FAILED,
            "status": "error",
        },
    ),
    *outages(
        "live.position-value",
        get(f"{VALUE}?symbol=BTC/USD&amount=0.05"),
        WITHOUT,
        FAILED,
        status="error",
    ),
]

TRADES = [
    *(
        Case("live.validate-trade", reason, question(*asked), 200, answer(valid, reason, *figures))
        for asked, valid, reason, figures in [
            (("BTC/USD", 0.1, "buy"), True, "Sufficient balance for purchase", (4000.0,)),
            (
                ("BTC/USD", 0.2, "buy"),
                False,
                "Insufficient balance: need $8000.00, have $7610.00",
                (8000.0,),
            ),
            (("BTC/USD", 0.05, "sell"), True, "Sufficient position for sale", (2000.0,)),
            (
                ("BTC/USD", "0.1", "sell"),
                False,
                "Insufficient position: need 0.100000, have 0.050000",
                (4000.0,),
            ),
            (
                ("ETH/USD", 1, "sell"),
                False,
                "Insufficient position: need 1.000000, have 0.000000",
                (2000.0, 2000.0),
            ),
        ]
    ),
    Case(
        "live.validate-trade",
        "exactly what is available",
        question("BTC/USD", 0.19025, "buy"),
        200,
        answer(True, "Sufficient balance for purchase", 7610.0),
    ),
    *(
        Case("live.validate-trade", f"refused: {body}", trade(body), 400, refused(text))
        for body, text in [
            ({}, "No JSON data provided"),
            (None, "No JSON data provided"),
            ([1], "JSON body must be an object"),
            ({"symbol": "BTC/USD"}, MISSING_FIELDS),
            ({"symbol": "BTC/USD", "amount": 0, "type": "buy"}, MISSING_FIELDS),
            ({"symbol": "BTC/USD", "amount": None, "type": "buy"}, MISSING_FIELDS),
            ({"symbol": "", "amount": 1, "type": "buy"}, MISSING_FIELDS),
            ({"symbol": "BTC/USD", "amount": "much", "type": "buy"}, "Invalid amount format"),
            ({"symbol": "BTC/USD", "amount": True, "type": "buy"}, "Invalid amount format"),
            ({"symbol": "BTC/USD", "amount": "nan", "type": "buy"}, "Invalid amount format"),
            ({"symbol": "BTC/USD", "amount": -1, "type": "buy"}, "Amount must be positive"),
            ({"symbol": "BTC/USD", "amount": "0.0", "type": "buy"}, "Amount must be positive"),
            (
                {"symbol": "BTC/USD", "amount": 1, "type": "hold"},
                'Invalid trade type. Must be "buy" or "sell"',
            ),
            (
                {"symbol": "BTC/USD", "amount": 1, "type": ["buy"]},
                'Invalid trade type. Must be "buy" or "sell"',
            ),
        ]
    ),
    Case(
        "live.validate-trade",
        "not JSON",
        replace(trade({}), body=b'{"amount":NaN}'),
        400,
        refused("Invalid JSON"),
    ),
    Case(
        "live.validate-trade",
        "an unknown symbol",
        question("FOO/USD", 1, "buy"),
        503,
        {"error": "Exchange error: unknown symbol FOO/USD", "message": FAILED, "status": "error"},
    ),
    *outages(
        "live.validate-trade", question("BTC/USD", 0.1, "buy"), WITHOUT, FAILED, status="error"
    ),
]

FIGURES = [
    *(
        Case(
            "live.performance",
            f"a timeframe has no effect: {query or 'none'}",
            get(PERFORMANCE + query),
            200,
            {
                "cash_allocation_pct": 76.1,
                "current_value": 10000.0,
                "largest_position": 2000.0,
                "position_count": 1,
                "status": "success",
                "timestamp": NOW,
                "unrealized_pnl": 100.0,
                "unrealized_pnl_pct": 5.263157894736842,
            },
        )
        for query in ("", "?timeframe=24h", "?timeframe=nope")
    ),
    Case(
        "live.performance",
        "nothing at all",
        get(PERFORMANCE),
        200,
        {
            "cash_allocation_pct": 0.0,
            "current_value": 0.0,
            "largest_position": 0.0,
            "position_count": 0,
            "status": "success",
            "timestamp": NOW,
            "unrealized_pnl": 0.0,
            "unrealized_pnl_pct": 0.0,
        },
        world=EMPTY,
    ),
    *outages("live.performance", get(PERFORMANCE), WITHOUT, FAILED, status="error"),
]

MARKETS = [
    Case(
        "live.market-overview",
        "one symbol",
        get(f"{OVERVIEW}?symbols=BTC/USD"),
        200,
        {"market_overview": [MARKET], "status": "success", "timestamp": NOW},
    ),
    Case(
        "live.market-overview",
        "a symbol that fails stands in its place",
        get(f"{OVERVIEW}?symbols=FOO/USD,BTC/USD"),
        200,
        {"market_overview": [UNKNOWN_MARKET, MARKET], "status": "success", "timestamp": None},
    ),
    Case(
        "live.market-overview",
        "all symbols fail",
        get(f"{OVERVIEW}?symbols=FOO/USD"),
        503,
        {"error": "Exchange error: unknown symbol FOO/USD", "message": FAILED, "status": "error"},
    ),
    *outages("live.market-overview", get(OVERVIEW), WITHOUT, FAILED, status="error"),
]

CASES = [*SNAPSHOTS, *VALUES, *TRADES, *FIGURES, *MARKETS]
