"""Sections 5.12 and 6.2: what the rules say to an order that nobody sends."""

import json
from typing import Any

from tests.contract.case import JSON, Case
from tests.contract.cases.assessing import FAILED, SURE, WITHOUT
from tests.contract.outage import outages
from tests.contract.world import CROWDED, DOWN, EMPTY, LOSING
from tests.drive import Request

VALIDATE = "/api/risk/validate/order"
MARKET = {"symbol": "TESTBTC/TESTUSD", "order_type": "market", "side": "buy", "amount": 0.05}


def validate(order: object, **more: object) -> Request:
    return Request("POST", VALIDATE, JSON, json.dumps({"order_data": order} | more).encode())


def checked(value: float, *errors: str, **more: object) -> dict[str, Any]:
    return {
        "errors": list(errors),
        "risk_assessment": {
            "daily_pnl": -1.9,
            "daily_pnl_pct": -0.00019,
            "portfolio_value": 10000.0,
            "position_count": 1,
            "position_size_pct": value / 10000,
            "position_value": value,
        }
        | more,
        "valid": not errors,
    }


def unsure(**changes: float) -> dict[str, float]:
    return SURE | changes


CASES = [
    Case(
        "risk.validate",
        "too large",
        validate(MARKET),
        200,
        checked(2000.0, "Position size 20.00% exceeds maximum 10.00%"),
    ),
    Case(
        "risk.validate",
        "small enough",
        validate(MARKET | {"amount": "0.025"}),
        200,
        checked(1000.0),
    ),
    Case(
        "risk.validate",
        "`type` is another name of `order_type`",
        validate(
            {
                "symbol": "TESTBTC/TESTUSD",
                "type": "limit",
                "side": "buy",
                "amount": 0.01,
                "price": 30000,
            }
        ),
        200,
        checked(300.0),
    ),
    Case(
        "risk.validate",
        "closing is always allowed",
        validate(MARKET | {"side": "sell"}),
        200,
        checked(0.0),
    ),
    Case(
        "risk.validate",
        "turning a position round adds the rest",
        validate(MARKET | {"side": "sell", "amount": 0.1}),
        200,
        checked(2000.0, "Position size 20.00% exceeds maximum 10.00%"),
    ),
    Case(
        "risk.validate",
        "leverage",
        validate(MARKET | {"amount": 0.01, "leverage": 5}),
        200,
        checked(400.0, "Leverage 5.0x exceeds maximum 3.0x"),
    ),
    Case(
        "risk.validate",
        "a sure signal",
        validate(MARKET | {"amount": 0.01}, probability_data=SURE),
        200,
        checked(400.0, risk_score=0.44),
    ),
    Case(
        "risk.validate",
        "at every limit of a signal",
        validate(
            MARKET | {"amount": 0.01},
            probability_data={
                "probability_buy": 0.5,
                "probability_sell": 0.3,
                "probability_hold": 0.2,
                "confidence": 0.6,
            },
        ),
        200,
        checked(400.0, risk_score=0.7),
    ),
    Case(
        "risk.validate",
        "all that is wrong, in its order",
        validate(
            MARKET,
            probability_data={
                "probability_buy": 0.2,
                "probability_sell": 0.2,
                "probability_hold": 0.6,
                "confidence": 0.3,
            },
        ),
        200,
        checked(
            2000.0,
            "Position size 20.00% exceeds maximum 10.00%",
            "Signal confidence 30.00% below minimum 60.00%",
            "Low probability for buy action: 20.00%",
            "High risk score: 94.00% (probability analysis)",
            risk_score=0.94,
        ),
    ),
    Case(
        "risk.validate",
        "a day of losses",
        validate(MARKET | {"amount": 0.01}),
        200,
        {
            "errors": ["Daily loss limit exceeded"],
            "risk_assessment": {
                "daily_pnl": -504.5,
                "daily_pnl_pct": -504.5 / 9495.5,
                "portfolio_value": 9495.5,
                "position_count": 0,
                "position_size_pct": 400 / 9495.5,
                "position_value": 400.0,
            },
            "valid": False,
        },
        world=LOSING,
    ),
    Case(
        "risk.validate",
        "as many positions as are allowed",
        validate({"symbol": "ETH/USD", "order_type": "market", "side": "buy", "amount": 0.1}),
        200,
        checked(200.0, "Maximum number of open positions (5) exceeded", position_count=5),
        world=CROWDED,
    ),
    Case(
        "risk.validate",
        "an account of nothing",
        validate(MARKET),
        200,
        {
            "errors": ["Portfolio value is zero"],
            "risk_assessment": {
                "daily_pnl": 0.0,
                "daily_pnl_pct": 0.0,
                "portfolio_value": 0.0,
                "position_count": 0,
                "position_size_pct": 0.0,
                "position_value": 2000.0,
            },
            "valid": False,
        },
        world=EMPTY,
    ),
    *(
        Case(
            "risk.validate",
            f"without an order: {body}",
            Request("POST", VALIDATE, JSON, json.dumps(body).encode()),
            400,
            {"error": "Missing required field: order_data"},
        )
        for body in ({"x": 1}, {"order_data": None}, {"order_data": [1]}, {"order_data": "x"})
    ),
    Case(
        "risk.validate",
        "no body",
        Request("POST", VALIDATE, JSON, b"{}"),
        400,
        {"error": "Missing JSON body"},
    ),
    Case(
        "risk.validate",
        "an order that is none",
        validate({"symbol": "", "order_type": "stop", "side": "buy"}),
        400,
        {
            "error": "Invalid order data",
            "details": [
                "Missing required field: amount",
                "Symbol must be a string",
                "Order type must be 'market' or 'limit'",
            ],
        },
        world=DOWN,
    ),
    Case(
        "risk.validate",
        "an unknown symbol",
        validate(MARKET | {"symbol": "FOO/USD"}),
        400,
        {"error": "Invalid order data", "details": ["Unknown symbol: FOO/USD"]},
    ),
    *(
        Case(
            "risk.validate",
            f"odds: {error}",
            validate(MARKET, probability_data=odds),
            400,
            {"error": error},
        )
        for odds, error in [
            (
                {},
                "Missing required parameters: probability_buy, probability_sell, probability_hold, confidence",
            ),
            (
                {"probability_buy": 1, "probability_sell": 0, "probability_hold": 0},
                "Missing required parameters: confidence",
            ),
            (unsure(confidence=1.5), "confidence must be between 0.0 and 1.0"),
            (unsure(probability_buy=-0.1), "probability_buy must be between 0.0 and 1.0"),
            (unsure(probability_buy=0.8), "Probabilities must sum to 1.0"),
            ([1], "probability_data must be an object"),
        ]
    ),
    *outages("risk.validate", validate(MARKET), WITHOUT, FAILED),
]
