"""Sections 5.12 and 6: the risk of the account and of a signal."""

from typing import Any

from tests.contract.case import Case, get, post_order
from tests.contract.outage import outages
from tests.contract.world import CROWDED, DOWN, EMPTY, LOSING, MARGIN
from tests.drive import Request

ASSESSMENT, SCORE = "/api/risk/assessment", "/api/risk/score"
WITHOUT = {
    "error": "Exchange service not available",
    "message": "Live data required for risk checks - no fallback data",
}
FAILED = "Live account data unavailable"
ACCOUNT: dict[str, Any] = {
    "concentration_risk": 0.8368200836820083,
    "daily_pnl": -1.9,
    "daily_pnl_pct": -0.00019,
    "portfolio_value": 10000.0,
    "position_count": 1,
    "positions_vs_max": 0.2,
    "risk_level": "moderate",
    "symbol_count": 1,
    "timestamp": "2023-11-14T22:13:20",
    "total_exposure": 2390.0,
}
NOTHING = {
    "concentration_risk": 0.0,
    "daily_pnl": 0.0,
    "daily_pnl_pct": 0.0,
    "portfolio_value": 0.0,
    "position_count": 0,
    "positions_vs_max": 0.0,
    "risk_level": "low",
    "symbol_count": 0,
    "timestamp": "2023-11-14T22:13:20",
    "total_exposure": 0.0,
}
SELL_HIGH = post_order(
    {
        "symbol": "TESTBTC/TESTUSD",
        "order_type": "limit",
        "side": "sell",
        "amount": 0.01,
        "price": 45000,
    }
)
ASSESSMENTS = [
    Case("risk.assessment", "the example", get(ASSESSMENT), 200, ACCOUNT),
    Case("risk.assessment", "nothing at all", get(ASSESSMENT), 200, NOTHING, world=EMPTY),
    Case(
        "risk.assessment",
        "a margin position counts as well",
        get(ASSESSMENT),
        200,
        ACCOUNT
        | {
            "concentration_risk": 2000 / 3390,
            "position_count": 2,
            "positions_vs_max": 0.4,
            "symbol_count": 2,
            "total_exposure": 3390.0,
        },
        world=MARGIN,
    ),
    Case(
        "risk.assessment",
        "as many positions as are allowed",
        get(ASSESSMENT),
        200,
        ACCOUNT
        | {
            "concentration_risk": 2000 / 6390,
            "position_count": 5,
            "positions_vs_max": 1.0,
            "risk_level": "high",
            "symbol_count": 2,
            "total_exposure": 6390.0,
        },
        world=CROWDED,
    ),
    Case(
        "risk.assessment",
        "a day of losses",
        get(ASSESSMENT),
        200,
        NOTHING
        | {
            "daily_pnl": -504.5,
            "daily_pnl_pct": -504.5 / 9495.5,
            "portfolio_value": 9495.5,
            "risk_level": "high",
        },
        world=LOSING,
    ),
    Case(
        "risk.assessment",
        "an open sale counts with the better of its prices",
        get(ASSESSMENT),
        200,
        ACCOUNT | {"concentration_risk": 2000 / 2840, "total_exposure": 2840.0},
        before=(SELL_HIGH,),
    ),
    *outages("risk.assessment", get(ASSESSMENT), WITHOUT, FAILED),
]

SURE = {
    "probability_buy": 0.7,
    "probability_sell": 0.1,
    "probability_hold": 0.2,
    "confidence": 0.8,
}


def score(**changes: object) -> Request:
    known = {
        "symbol": "BTC/USD",
        "probability_buy": 0.7,
        "probability_sell": 0.1,
        "probability_hold": 0.2,
        "confidence": 0.8,
    } | changes
    query = "&".join(f"{name}={value}" for name, value in known.items() if value is not None)
    return get(f"{SCORE}?{query}")


def scored(level: str, value: float, **odds: float) -> dict[str, Any]:
    return {
        "probability_data": SURE | odds,
        "risk_level": level,
        "risk_score": value,
        "symbol": "BTC/USD",
    }


SCORES = [
    Case("risk.score", "the example", score(), 200, scored("moderate", 0.44)),
    *(
        Case(
            "risk.score",
            f"{level} at confidence {confidence}",
            score(probability_buy=1, probability_sell=0, probability_hold=0, confidence=confidence),
            200,
            scored(
                level,
                1 - confidence,
                probability_buy=1,
                probability_sell=0,
                probability_hold=0,
                confidence=confidence,
            ),
        )
        for confidence, level in [
            (1, "very_low"),
            (0.81, "very_low"),
            (0.8, "low"),
            (0.6, "moderate"),
            (0.4, "high"),
            (0.2, "very_high"),
            (0, "very_high"),
        ]
    ),
    Case(
        "risk.score",
        "the larger probability counts, and the sum is about 1",
        score(probability_buy=0.1, probability_sell=0.895),
        400,
        {"error": "Probabilities must sum to 1.0"},
    ),
    Case(
        "risk.score",
        "a sum of 1.01 is close enough",
        score(probability_hold=0.21),
        200,
        scored("moderate", 0.44, probability_hold=0.21),
    ),
    *(
        Case(
            "risk.score",
            f"missing: {names}",
            score(**dict.fromkeys(names.split(", "))),
            400,
            {"error": f"Missing required parameters: {names}"},
        )
        for names in (
            "symbol, confidence",
            "probability_sell",
            "symbol, probability_buy, probability_sell, probability_hold, confidence",
        )
    ),
    Case(
        "risk.score",
        "empty is missing",
        score(symbol=""),
        400,
        {"error": "Missing required parameters: symbol"},
    ),
    *(
        Case(
            "risk.score",
            f"{name}={value}",
            score(**{name: value}),
            400,
            {"error": f"{name} must be between 0.0 and 1.0"},
        )
        for name, value in [
            ("confidence", "x"),
            ("confidence", 1.1),
            ("probability_hold", "nan"),
            ("probability_buy", -1),
        ]
    ),
    Case("risk.score", "asks no exchange", score(), 200, scored("moderate", 0.44), world=DOWN),
]

CASES = [*ASSESSMENTS, *SCORES]
