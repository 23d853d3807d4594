"""Sections 5.13, 6.3, 6.4 and 7.6: the portfolio, and what should be done about it."""

import json
from typing import Any

from tests.contract.case import JSON, Case, get
from tests.contract.cases.assessing import ACCOUNT, FAILED, NOTHING, WITHOUT
from tests.contract.outage import outages
from tests.contract.world import CROWDED, DOWN, EMPTY, MARGIN
from tests.drive import Request

STATUS, SIGNALS = "/api/portfolio/status", "/api/portfolio/process-signals"
NOW = "2023-11-14T22:13:20"


def post(path: str, body: object) -> Request:
    return Request("POST", path, JSON, json.dumps(body).encode())


BTC: dict[str, Any] = {
    "amount": 0.05,
    "entry_price": 38000.0,
    "mark_price": 40000.0,
    "pnl": 100.0,
    "pnl_percentage": 5.263157894736842,
    "side": "buy",
    "symbol": "BTC/USD",
}
PORTFOLIO: dict[str, Any] = {
    "active_strategies": {
        "ema_crossover": {"min_confidence": 0.6, "weight": 0.45},
        "fvg": {"min_confidence": 0.5, "weight": 0.2},
        "rsi": {"min_confidence": 0.5, "weight": 0.35},
    },
    "available_balance": 7610.0,
    "pnl_percentage": 5.263157894736842,
    "position_count": 1,
    "positions": {"BTC/USD": BTC},
    "risk_summary": ACCOUNT,
    "timestamp": NOW,
    "total_pnl": 100.0,
    "total_value": 10000.0,
}
STATUSES = [
    Case("portfolio.status", "the example", get(STATUS), 200, PORTFOLIO),
    Case(
        "portfolio.status",
        "nothing at all",
        get(STATUS),
        200,
        PORTFOLIO
        | {
            "available_balance": 0.0,
            "pnl_percentage": 0.0,
            "position_count": 0,
            "positions": {},
            "risk_summary": NOTHING,
            "total_pnl": 0.0,
            "total_value": 0.0,
        },
        world=EMPTY,
    ),
    Case(
        "portfolio.status",
        "shorts are negative, several in one symbol are one",
        get(STATUS),
        200,
        PORTFOLIO
        | {
            "pnl_percentage": 300 / 6100 * 100,
            "position_count": 5,
            "positions": {
                "BTC/USD": BTC,
                "LTC/USD": {
                    "amount": -2.0,
                    "entry_price": 2100.0,
                    "mark_price": 2000.0,
                    "pnl": 200.0,
                    "pnl_percentage": 200 / 4200 * 100,
                    "side": "short",
                    "symbol": "LTC/USD",
                },
            },
            "risk_summary": ACCOUNT
            | {
                "concentration_risk": 2000 / 6390,
                "position_count": 5,
                "positions_vs_max": 1.0,
                "risk_level": "high",
                "symbol_count": 2,
                "total_exposure": 6390.0,
            },
            "total_pnl": 300.0,
        },
        world=CROWDED,
    ),
    *outages("portfolio.status", get(STATUS), WITHOUT, FAILED),
]


def signal(source: object = "rsi", **changes: object) -> dict[str, object]:
    known = {"symbol": "ETH/USD", "source": source, "signal_type": "buy", "confidence": 0.7}
    return known | changes


def signals(*sent: object, path: str = SIGNALS, **more: object) -> Request:
    return post(path, {"signals": list(sent)} | more)


METADATA: dict[str, Any] = {
    "combination_method": "weighted_average",
    "current_price": 2000.0,
    "strategies_used": ["rsi", "fvg"],
    "symbol": "ETH/USD",
    "timestamp": NOW,
    "total_weight": 0.55,
}
BUY: dict[str, Any] = {
    "action": "buy",
    "amount": 0.14784525,
    "confidence": 0.7,
    "errors": [],
    "metadata": METADATA,
    "position_size": 295.6905,
    "price": 2000.0,
    "probabilities": {"buy": 0.7, "hold": 0.2, "sell": 0.1},
    "risk_score": 0.51,
    "should_execute": True,
    "stop_loss": 1970.2,
    "symbol": "ETH/USD",
    "take_profit": 2054.0,
    "timestamp": NOW,
}
BOTH = (signal("rsi"), signal("fvg"))
HOLD: dict[str, Any] = {
    "action": "hold",
    "amount": 0.0,
    "confidence": 0.0,
    "errors": [],
    "metadata": {"reason": "No valid signals after filtering", "timestamp": NOW},
    "position_size": 0.0,
    "price": 2000.0,
    "probabilities": {"buy": 0.2, "hold": 0.6, "sell": 0.2},
    "risk_score": 1.0,
    "should_execute": False,
    "symbol": "ETH/USD",
    "timestamp": NOW,
}


def proposed(*actions: dict[str, Any]) -> dict[str, Any]:
    return {"actions": list(actions), "timestamp": NOW}


SELL_BTC: dict[str, Any] = BUY | {
    "action": "sell",
    "amount": 295.6905 / 50000,
    "metadata": METADATA
    | {
        "current_price": 50000.0,
        "strategies_used": ["rsi"],
        "symbol": "BTC/USD",
        "total_weight": 0.35,
    },
    "price": 50000.0,
    "probabilities": {"buy": 0.1, "hold": 0.2, "sell": 0.7},
    "stop_loss": 50000 * (1 + 0.02 * 0.745),
    "symbol": "BTC/USD",
    "take_profit": 50000 * (1 - 0.02 * 1.35),
}


def bad(detail: str, *sent: object, path: str = SIGNALS) -> Case:
    route = f"portfolio.{path.rsplit('/', 1)[1]}"
    return Case(
        route,
        f"refused: {detail} {sent}",
        signals(*sent, path=path),
        400,
        {"error": "Invalid signals", "details": [detail]},
        world=DOWN,
    )


PROPOSALS = [
    Case("portfolio.process-signals", "the example", signals(*BOTH), 200, proposed(BUY)),
    Case(
        "portfolio.process-signals",
        "the last of a source counts, unknown sources are dropped, other fields ignored",
        signals(signal("rsi", signal_type="sell"), signal("nobody"), *BOTH, BOTH[0] | {"x": 1}),
        200,
        proposed(BUY),
    ),
    Case(
        "portfolio.process-signals",
        "by symbol, in the order of first appearance; a sale of what is held needs no check",
        signals(signal(symbol="BTC/USD", signal_type="sell", price=50000), *BOTH),
        200,
        proposed(SELL_BTC, BUY),
    ),
    Case(
        "portfolio.process-signals",
        "not sure enough for its strategy",
        signals(signal("ema_crossover", confidence=0.59)),
        200,
        proposed(HOLD),
    ),
    Case(
        "portfolio.process-signals",
        "of unknown sources only",
        signals(signal("nobody")),
        200,
        proposed(HOLD | {"metadata": {"reason": "No strategy signals provided", "timestamp": NOW}}),
    ),
    Case(
        "portfolio.process-signals",
        "to hold is a signal",
        signals(signal(signal_type="hold", confidence=0.9)),
        200,
        proposed(
            HOLD
            | {
                "confidence": 0.9,
                "metadata": METADATA | {"strategies_used": ["rsi"], "total_weight": 0.35},
                "risk_score": 1 - 0.9 * 0.2,
            }
        ),
    ),
    Case(
        "portfolio.process-signals",
        "what is thought of it decides",
        signals(
            signal(
                confidence=0.5,
                indicators={
                    "probability_buy": 0.45,
                    "probability_sell": 0.15,
                    "probability_hold": 0.4,
                },
            )
        ),
        200,
        proposed(
            BUY
            | {
                "amount": 8100 * 0.1 * 0.5 * 0.475 * (1 - 0.5 * 0.775) / 2000,
                "confidence": 0.5,
                "errors": [
                    "Signal confidence 50.00% below minimum 60.00%",
                    "Low probability for buy action: 45.00%",
                ],
                "metadata": METADATA | {"strategies_used": ["rsi"], "total_weight": 0.35},
                "position_size": 8100 * 0.1 * 0.5 * 0.475 * (1 - 0.5 * 0.775),
                "probabilities": {"buy": 0.45, "hold": 0.4, "sell": 0.15},
                "risk_score": 0.775,
                "should_execute": False,
                "stop_loss": 2000 * (1 - 0.02 * (1 - 0.775 * 0.5)),
                "take_profit": 2000 * (1 + 0.02 * 1.25),
            }
        ),
    ),
    Case(
        "portfolio.process-signals",
        "as many positions as are allowed",
        signals(*BOTH),
        200,
        proposed(
            BUY
            | {
                "amount": 3900 / 8100 * 0.14784525,
                "errors": ["Maximum number of open positions (5) exceeded"],
                "position_size": 3900 / 8100 * 295.6905,
                "should_execute": False,
            }
        ),
        world=CROWDED,
    ),
    Case(
        "portfolio.process-signals",
        "margin positions are invested as well",
        signals(*BOTH),
        200,
        proposed(
            BUY | {"amount": 7050 / 8100 * 0.14784525, "position_size": 7050 / 8100 * 295.6905}
        ),
        world=MARGIN,
    ),
    Case(
        "portfolio.process-signals",
        "an account of nothing",
        signals(*BOTH),
        200,
        proposed(
            BUY
            | {
                "amount": 0.0,
                "errors": ["Portfolio value is zero"],
                "position_size": 0.0,
                "should_execute": False,
            }
        ),
        world=EMPTY,
    ),
    Case(
        "portfolio.process-signals",
        "an unknown symbol",
        signals(signal(symbol="FOO/USD")),
        503,
        {"error": "Exchange error: unknown symbol FOO/USD", "message": FAILED},
    ),
    Case(
        "portfolio.process-signals",
        "a price at the end of all numbers",
        signals(signal(price=5e-324)),
        400,
        {"error": "Invalid signals", "details": ["ETH/USD: price is out of range"]},
    ),
    bad("signals must be a non-empty list"),
    bad("signals[0] must be an object", 7),
    bad("signals[1].symbol must be a non-empty string", signal(), signal(symbol="")),
    bad("signals[0].source must be a non-empty string", signal(source=None)),
    bad("signals[0].signal_type must be 'buy', 'sell' or 'hold'", signal(signal_type="up")),
    bad("signals[0].confidence must be between 0.0 and 1.0", signal(confidence=1.2)),
    bad("signals[0].confidence must be between 0.0 and 1.0", signal(confidence="0.5")),
    bad("signals[0].price must be a number above 0", signal(price=0)),
    bad("signals[0].price must be a number above 0", signal(price="1")),
    bad("signals[0].indicators must be an object", signal(indicators=[1])),
    bad(
        "signals[0].indicators.probability_sell must be between 0.0 and 1.0",
        signal(indicators={"probability_sell": True}),
    ),
    Case(
        "portfolio.process-signals",
        "signals are no list",
        post(SIGNALS, {"signals": {}}),
        400,
        {"error": "Invalid signals", "details": ["signals must be a non-empty list"]},
    ),
    Case(
        "portfolio.process-signals",
        "no body",
        post(SIGNALS, {}),
        400,
        {"error": "Missing JSON body"},
    ),
    *outages("portfolio.process-signals", signals(*BOTH), WITHOUT, FAILED),
]

CASES = [*STATUSES, *PROPOSALS]
