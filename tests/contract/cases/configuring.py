"""Sections 5.8 and 13: what changes the configuration, and what it refuses."""

from dataclasses import replace
from typing import Any

from tests.contract.case import JSON, Case, get
from tests.contract.cases.config import (
    AS_SHIPPED,
    GENERAL,
    GET,
    NONE_ENABLED,
    PROBABILITY,
    THRESHOLDS,
    WEIGHTS,
    update,
    weigh,
    weigh_probability,
)
from tests.drive import Request


def updated(*fields: str) -> dict[str, Any]:
    return {
        "message": "Configuration updated successfully",
        "success": True,
        "updated_fields": list(fields),
    }


def refused(*details: str) -> dict[str, Any]:
    return {"error": "Invalid configuration", "details": list(details)}


SYMBOL_SET = GENERAL | {"symbol": "ETH/USD"}
UPDATES = [
    Case(
        "config.update",
        "an upper-case name",
        update({"SYMBOL": "BTC/USD"}),
        200,
        b'{"message":"Configuration updated successfully","success":true,"updated_fields":["SYMBOL"]}\n',
    ),
    Case(
        "config.strategy",
        "the compact form is converted",
        get("/api/config/strategy/nope"),
        200,
        {"strategy_name": "nope", "parameters": SYMBOL_SET},
        before=(update({"SYMBOL": "ETHUSD"}),),
    ),
    Case(
        "config.update",
        "the top-level keys, in the order sent",
        update({"risk": {}, "EMA_FAST": 10, "notifications": {"smtp_port": None}}),
        200,
        updated("risk", "EMA_FAST", "notifications"),
    ),
    Case(
        "config.get",
        "sections are merged key by key",
        GET,
        200,
        AS_SHIPPED
        | {
            "enabled_strategies": ["ema_crossover", "fvg"],
            "risk_management": {
                "max_position_size": 0.25,
                "min_signal_confidence": 0.6,
                "probability_weight": 1,
            },
        },
        before=(
            update({"risk": {"max_position_size": 0.25}}),
            update(
                {
                    "risk": {"probability_weight": 1},
                    "portfolio_strategies": {"rsi": {"enabled": False}},
                }
            ),
        ),
    ),
    Case(
        "config.update",
        "both names, one value",
        update({"SYMBOL": "BTCUSD", "strategy": {"symbol": "BTC/USD"}}),
        200,
        updated("SYMBOL", "strategy"),
    ),
    Case(
        "config.update",
        "both names, two values",
        update({"SYMBOL": "BTC/USD", "strategy": {"symbol": "ETH/USD"}}),
        400,
        refused("SYMBOL and strategy.symbol differ"),
    ),
    Case(
        "config.update",
        "everything that is wrong, named as sent",
        update({"FOO": 1, "risk": {"max_leverage": 0.5}}),
        400,
        b'{"details":["Unknown field: FOO","risk.max_leverage must be at least 1"],'
        b'"error":"Invalid configuration"}\n',
    ),
    Case(
        "config.get",
        "a refused update changes nothing",
        GET,
        200,
        AS_SHIPPED,
        before=(update({"risk": {"max_position_size": 0.5, "max_leverage": 0}}),),
    ),
    *(
        Case("config.update", f"refused: {body}", update(body), 400, refused(detail))
        for body, detail in [
            ({"risk": 7}, "risk must be an object"),
            (
                {"risk": {"max_position_size": 0}},
                "risk.max_position_size must be above 0 and at most 1",
            ),
            (
                {"risk": {"max_open_positions": 1.5}},
                "risk.max_open_positions must be an integer of at least 1",
            ),
            (
                {"risk": {"stop_loss_percent": True}},
                "risk.stop_loss_percent must be between 0 and 100",
            ),
            (
                {"risk": {"stop_loss_percent": "2"}},
                "risk.stop_loss_percent must be between 0 and 100",
            ),
            ({"risk": {"max_daily_loss": None}}, "risk.max_daily_loss must be between 0 and 100"),
            ({"MAX_DAILY_LOSS": 101}, "MAX_DAILY_LOSS must be between 0 and 100"),
            ({"SYMBOL": ""}, "SYMBOL must be a non-empty string"),
            (
                {"TIMEFRAME": "7m"},
                "TIMEFRAME must be one of 1m, 5m, 15m, 30m, 1h, 3h, 4h, 6h, 12h, 1d, 1w",
            ),
            ({"EMAIL_NOTIFICATIONS": "yes"}, "EMAIL_NOTIFICATIONS must be a boolean"),
            (
                {"EMAIL_SMTP_PORT": 0},
                "EMAIL_SMTP_PORT must be an integer between 1 and 65535, or null",
            ),
            (
                {"portfolio_strategies": {"nope": {"weight": 1}}},
                "Unknown field: portfolio_strategies.nope",
            ),
            (
                {"portfolio_strategies": {"rsi": {"rsi_period": 1}}},
                "portfolio_strategies.rsi.rsi_period must be an integer between 2 and 500",
            ),
            (
                {"portfolio_strategies": {"rsi": {"oversold": 50, "overbought": 50}}},
                "portfolio_strategies.rsi.oversold must be less than portfolio_strategies.rsi.overbought",
            ),
            (
                {"portfolio_strategies": {name: {"enabled": False} for name in WEIGHTS}},
                NONE_ENABLED,
            ),
            (
                {"TRADING_START_HOUR": 10, "TRADING_END_HOUR": 10},
                "trading_window.start_hour must be less than trading_window.end_hour",
            ),
            (
                {"probability_settings": {"combination_method": "best"}},
                "probability_settings.combination_method must be one of weighted_average, majority_vote",
            ),
        ]
    ),
    Case("config.update", "no body", update({}), 400, {"error": "Missing JSON body"}),
    Case(
        "config.update",
        "not JSON",
        replace(update({}), body=b'{"SYMBOL":NaN}'),
        400,
        {"error": "Invalid JSON"},
    ),
    Case(
        "config.update",
        "not by its content type",
        Request("POST", "/api/config", {"Content-Type": "text/plain"}, b"{}"),
        415,
        {"error": "Content-Type must be application/json"},
    ),
    Case(
        "orders.create",
        "a limit of the configuration is in force for the next order",
        Request(
            "POST",
            "/api/orders",
            JSON,
            b'{"symbol":"TESTBTC/TESTUSD","order_type":"limit","side":"buy","amount":0.01,"price":39000}',
        ),
        400,
        {
            "error": "Order rejected by risk management",
            "details": ["Position size 3.90% exceeds maximum 1.00%"],
        },
        before=(update({"risk": {"max_position_size": 0.01}}),),
    ),
]

SETTINGS = [
    Case(
        "config.weight",
        "one weight",
        weigh("rsi", {"weight": 0.35}),
        200,
        b'{"message":"Updated rsi weight to 0.35","new_weight":0.35,"strategy_name":"rsi"}\n',
    ),
    *(
        Case("config.weight", error, weigh(name, body), status, {"error": error})
        for name, body, status, error in [
            ("nope", {"weight": 0.5}, 404, "Unknown strategy: nope"),
            ("rsi", {"wait": 0.5}, 400, "Weight value is required"),
            ("rsi", {"weight": "0.5"}, 400, "Weight must be a number"),
            ("rsi", {"weight": 1.01}, 400, "Weight must be between 0.0 and 1.0"),
        ]
    ),
    Case(
        "config.weight",
        "null is no weight",
        weigh("rsi", {"weight": None}),
        400,
        {"error": "Weight value is required"},
    ),
    Case(
        "config.weight",
        "no body",
        weigh("rsi", {}),
        400,
        {"error": "Weight value is required"},
    ),
    Case(
        "config.weight",
        "a truth is no number",
        weigh("rsi", {"weight": True}),
        400,
        {"error": "Weight must be a number"},
    ),
    Case(
        "config.weight",
        "below zero",
        weigh("rsi", {"weight": -1}),
        400,
        {"error": "Weight must be between 0.0 and 1.0"},
    ),
    Case(
        "config.probability.update",
        "one setting",
        weigh_probability({"probability_settings": {"confidence_threshold_buy": 0.7}}),
        200,
        b'{"message":"Probability settings updated successfully",'
        b'"updated_settings":{"confidence_threshold_buy":0.7}}\n',
    ),
    Case(
        "config.probability.get",
        "after a change",
        PROBABILITY,
        200,
        {
            "probability_settings": THRESHOLDS
            | {"combination_method": "majority_vote", "risk_score_threshold": 1},
            "risk_config": {"min_signal_confidence": 0.6, "probability_weight": 0.5},
        },
        before=(
            weigh_probability(
                {
                    "probability_settings": {
                        "risk_score_threshold": 1,
                        "combination_method": "majority_vote",
                    }
                }
            ),
        ),
    ),
    *(
        Case(
            "config.probability.update",
            f"{error}: {body}",
            weigh_probability(body),
            400,
            {"error": error},
        )
        for body, error in [
            ({}, "No data provided"),
            ({"x": 1}, "probability_settings field is required"),
            ({"probability_settings": 1}, "probability_settings field is required"),
            (
                {
                    "probability_settings": {
                        "risk_score_threshold": 2,
                        "confidence_threshold_sell": -1,
                    }
                },
                "confidence_threshold_sell must be between 0.0 and 1.0",
            ),
            (
                {"probability_settings": {"confidence_threshold_hold": "0.5"}},
                "confidence_threshold_hold must be between 0.0 and 1.0",
            ),
            (
                {"probability_settings": {"risk_score_threshold": True}},
                "risk_score_threshold must be between 0.0 and 1.0",
            ),
            (
                {"probability_settings": {"combination_method": "best", "foo": 1}},
                "combination_method must be 'weighted_average' or 'majority_vote'",
            ),
            (
                {"probability_settings": {"enable_dynamic_weights": 1}},
                "enable_dynamic_weights must be a boolean",
            ),
            ({"probability_settings": {"foo": 1}}, "Unknown probability setting: foo"),
        ]
    ),
    Case(
        "config.probability.get",
        "a refused change changes nothing",
        PROBABILITY,
        200,
        {
            "probability_settings": THRESHOLDS,
            "risk_config": {"min_signal_confidence": 0.6, "probability_weight": 0.5},
        },
        before=(
            weigh_probability({"probability_settings": {"risk_score_threshold": 1, "foo": 1}}),
        ),
    ),
]

CASES = [*UPDATES, *SETTINGS]
