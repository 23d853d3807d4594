"""Sections 5.8 and 13: the configuration. Quirks K10 and K11, bugs B2, B5, B6 and B26."""

import json
from typing import Any

from shared_services.config.tables import CONFIG_VERSIONS, ConfigVersionRow
from shared_services.storage import Transaction
from tests.contract.case import JSON, Case, get
from tests.contract.world import Shop, World, example
from tests.drive import Request
from tests.fakes import EXAMPLE_NOW

GET = get("/api/config")
SUMMARY = get("/api/config/summary")
STRATEGIES = get("/api/config/strategies")
RSI = get("/api/config/strategy/rsi")
PROBABILITY = get("/api/config/probability")
VALIDATE = get("/api/config/validate")
RELOAD = Request("POST", "/api/config/reload")

AS_SHIPPED: dict[str, Any] = {
    "config_file": "config.json",
    "config_valid": True,
    "enabled_strategies": ["ema_crossover", "rsi", "fvg"],
    "probability_framework": {
        "combination_method": "weighted_average",
        "dynamic_weights_enabled": True,
        "risk_threshold": 0.8,
    },
    "risk_management": {
        "max_position_size": 0.1,
        "min_signal_confidence": 0.6,
        "probability_weight": 0.5,
    },
    "total_strategy_count": 4,
    "validation_errors": [],
}
SHIPPED_BYTES = (
    b'{"config_file":"config.json","config_valid":true,"enabled_strategies":["ema_crossover","rsi",'
    b'"fvg"],"probability_framework":{"combination_method":"weighted_average",'
    b'"dynamic_weights_enabled":true,"risk_threshold":0.8},"risk_management":{"max_position_size":0.1,'
    b'"min_signal_confidence":0.6,"probability_weight":0.5},"total_strategy_count":4,'
    b'"validation_errors":[]}\n'
)
WEIGHTS = {
    "ema_crossover": (True, 0.6, 0.45),
    "rsi": (True, 0.5, 0.35),
    "fvg": (True, 0.5, 0.2),
    "sample": (False, 0.3, 0.0),
}
GENERAL: dict[str, Any] = {
    "atr_multiplier": 2,
    "ema_fast": 12,
    "ema_length": 20,
    "ema_slow": 26,
    "rsi_period": 14,
    "symbol": "BTC/USD",
    "timeframe": "1h",
    "volume_multiplier": 1.5,
}
THRESHOLDS = {
    "combination_method": "weighted_average",
    "confidence_threshold_buy": 0.7,
    "confidence_threshold_hold": 0.6,
    "confidence_threshold_sell": 0.7,
    "enable_dynamic_weights": True,
    "risk_score_threshold": 0.8,
}


def update(body: object) -> Request:
    return Request("POST", "/api/config", JSON, json.dumps(body).encode())


def weigh(name: str, body: object) -> Request:
    return Request("PUT", f"/api/config/strategy/{name}/weight", JSON, json.dumps(body).encode())


def weigh_probability(body: object) -> Request:
    return Request("PUT", "/api/config/probability", JSON, json.dumps(body).encode())


def strategies(**weights: float) -> dict[str, Any]:
    return {
        "enabled_strategies": 3,
        "strategy_weights": [
            {
                "enabled": enabled,
                "min_confidence": confidence,
                "strategy_name": name,
                "weight": weights.get(name, weight),
            }
            for name, (enabled, confidence, weight) in WEIGHTS.items()
        ],
        "total_strategies": 4,
    }


def stored(name: str, document: object) -> World:
    """The example, and a configuration that nobody has judged."""

    async def seed(shop: Shop) -> None:
        await example(shop)
        row = ConfigVersionRow(1, EXAMPLE_NOW, "file", json.dumps(document))
        await shop.store.transaction(_put, row)

    return World(name, seed)


def _put(tx: Transaction, row: ConfigVersionRow) -> None:
    tx.put(CONFIG_VERSIONS, row)


WRONG = stored(
    "wrong configuration",
    {
        "risk": {"max_position_size": 7, "max_leverage": 0, "max_open_positions": 9},
        "probability_settings": {"confidence_threshold_buy": "high"},
        "trading_window": {"start_hour": 20, "end_hour": 8},
        "nonsense": 1,
    },
)
WRONG_ERRORS = [
    "max_position_size must be between 0 and 1",
    "max_leverage must be >= 1",
    "confidence_threshold_buy must be between 0 and 1",
    "Unknown field: nonsense",
    "trading_window.start_hour must be less than trading_window.end_hour",
]
ALL_OFF = stored(
    "no strategy enabled",
    {"portfolio_strategies": {name: {"enabled": False} for name in WEIGHTS}},
)
NONE_ENABLED = "At least one strategy must be enabled"

CASES = [
    Case("config.get", "as shipped", GET, 200, SHIPPED_BYTES),
    Case("config.summary", "the same answer", SUMMARY, 200, SHIPPED_BYTES),
    Case("config.strategies", "as shipped", STRATEGIES, 200, strategies()),
    Case(
        "config.strategies",
        "weights are divided by their sum, disabled ones stay",
        STRATEGIES,
        200,
        strategies(ema_crossover=0.36, rsi=0.28, fvg=0.36, sample=0.4),
        before=(weigh("fvg", {"weight": 0.45}), weigh("sample", {"weight": 0.4})),
    ),
    Case(
        "config.strategy",
        "its own fields over the general ones",
        RSI,
        200,
        {
            "strategy_name": "rsi",
            "parameters": GENERAL
            | {"enabled": True, "min_confidence": 0.5, "overbought": 70, "oversold": 30}
            | {"weight": 0.35},
        },
    ),
    Case(
        "config.strategy",
        "an unknown name is the general section",
        get("/api/config/strategy/nope"),
        200,
        {"strategy_name": "nope", "parameters": GENERAL},
    ),
    Case(
        "config.probability.get",
        "as shipped",
        PROBABILITY,
        200,
        {
            "probability_settings": THRESHOLDS,
            "risk_config": {"min_signal_confidence": 0.6, "probability_weight": 0.5},
        },
    ),
    Case(
        "config.validate",
        "as shipped",
        VALIDATE,
        200,
        b'{"error_count":0,"errors":[],"valid":true}\n',
    ),
    Case(
        "config.validate",
        "everything that is wrong, in the order of the document",
        VALIDATE,
        200,
        {"error_count": 5, "errors": WRONG_ERRORS, "valid": False},
        world=WRONG,
    ),
    Case(
        "config.get",
        "what is wrong is told, and the shipped value is in force",
        GET,
        200,
        AS_SHIPPED | {"config_valid": False, "validation_errors": WRONG_ERRORS},
        world=WRONG,
    ),
    Case(
        "config.validate",
        "no strategy",
        VALIDATE,
        200,
        {"error_count": 1, "errors": [NONE_ENABLED], "valid": False},
        world=ALL_OFF,
    ),
    Case(
        "config.validate",
        "the sum of the weights",
        VALIDATE,
        200,
        {
            "error_count": 1,
            "errors": ["Strategy weights should sum to 1.0, got 1.25"],
            "valid": False,
        },
        before=(weigh("fvg", {"weight": 0.45}),),
    ),
    Case(
        "config.get",
        "only config.validate says that a sum is odd",
        GET,
        200,
        AS_SHIPPED,
        before=(weigh("fvg", {"weight": 0.45}),),
    ),
    Case(
        "config.reload",
        "no file, nothing changes",
        RELOAD,
        200,
        b'{"config_valid":true,"message":"Configuration reloaded successfully","validation_errors":[]}\n',
    ),
    Case(
        "config.reload",
        "tells what is wrong",
        RELOAD,
        200,
        {
            "config_valid": False,
            "message": "Configuration reloaded successfully",
            "validation_errors": WRONG_ERRORS,
        },
        world=WRONG,
    ),
]
