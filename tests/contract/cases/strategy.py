"""Section 5.10: what strategies say. Quirks K18 and K20, bugs B14, B21 and B22."""

import json
from typing import Any

from tests.contract.case import JSON, Case, get
from tests.contract.cases.indicators import GAP
from tests.contract.prices import V60_ROWS
from tests.contract.world import DOWN
from tests.drive import Request

ANALYZE, AVAILABLE = "/api/strategy/analyze", "/api/strategy/available"
NOW = "2023-11-14T22:13:20"
VERSION = "probability_based_v1.0"
HOLD = {"probability_buy": 0.2, "probability_hold": 0.6, "probability_sell": 0.2}
SELL = {"probability_buy": 0.1, "probability_hold": 0.2, "probability_sell": 0.7}
BUY = {"probability_buy": 0.7, "probability_hold": 0.2, "probability_sell": 0.1}


def post(path: str, body: object) -> Request:
    return Request("POST", path, JSON, json.dumps(body).encode())


def analyze(strategies: object, data: object = V60_ROWS, **more: object) -> Request:
    known = {"symbol": "BTC/USD", "data": data, "strategies": strategies}
    return post(ANALYZE, known | more)


RSI = {
    "action": "sell",
    "confidence": 0.7,
    "metadata": SELL | {"rsi": 89.17421247979898, "symbol": "BTC/USD", "timeframe": "1h"},
    "position_size": 1.0,
}
EMA = {
    "action": "hold",
    "confidence": 0.0,
    "metadata": HOLD
    | {"ema_fast": 42457.326097103374, "ema_slow": 41998.4433313745, "gap": 458.88276572887116},
    "position_size": 0.0,
}
NO_ZONE = {"action": "hold", "confidence": 0.0, "metadata": HOLD, "position_size": 0.0}
COMBINED: dict[str, Any] = {
    "action": "sell",
    "combined_confidence": 0.7,
    "metadata": {
        "combination_method": "weighted_average",
        "current_price": 43000.0,
        "strategies_used": ["rsi"],
        "symbol": "BTC/USD",
        "timestamp": NOW,
        "total_weight": 0.35,
    },
    "probabilities": {"buy": 0.1, "hold": 0.2, "sell": 0.7},
    "risk_score": 0.51,
}


def nothing(reason: str) -> dict[str, Any]:
    return {
        "action": "hold",
        "combined_confidence": 0.0,
        "metadata": {"reason": reason, "timestamp": NOW},
        "probabilities": {"buy": 0.2, "hold": 0.6, "sell": 0.2},
        "risk_score": 1.0,
    }


SUMMARY = {
    "enabled_strategies": 3,
    "portfolio_risk": {
        "overall_risk_score": 0.0,
        "recommendations": ["No open positions"],
        "risk_level": "none",
    },
    "strategy_weights": {
        "ema_crossover": {"enabled": True, "min_confidence": 0.6, "weight": 0.45},
        "fvg": {"enabled": True, "min_confidence": 0.5, "weight": 0.2},
        "rsi": {"enabled": True, "min_confidence": 0.5, "weight": 0.35},
        "sample": {"enabled": False, "min_confidence": 0.3, "weight": 0.0},
    },
    "summary_timestamp": NOW,
    "total_strategies": 4,
}


def analysed(
    signals: dict[str, Any], combined: dict[str, Any], valid: int | None = None, **more: object
) -> dict[str, Any]:
    return {
        "analysis_timestamp": NOW,
        "combined_signal": combined,
        "current_price": 43000.0,
        "individual_signals": signals,
        "portfolio_summary": SUMMARY,
        "strategies_analyzed": len(signals),
        "symbol": "BTC/USD",
        "timeframe": "1h",
        "valid_signals": len(signals) if valid is None else valid,
    } | more


def failed(text: str) -> dict[str, Any]:
    return {"action": "hold", "confidence": 0.0, "error": text}


def bad_analysis(error: str, body: object) -> Case:
    name = f"{error}: {str(body)[-60:]}"
    return Case("strategy.analyze", name, post(ANALYZE, body), 400, {"error": error})


NONE_LEFT, NO_SIGNALS = "No valid signals after filtering", "No strategy signals provided"
BAR = {"open": 1, "high": 1, "low": 1, "close": 1}
CASES = [
    Case(
        "strategy.analyze",
        "V60",
        analyze(
            {
                "ema_crossover": {"fast_period": 12, "slow_period": 26},
                "rsi": {},
                "fvg": {"lookback": 3},
            }
        ),
        200,
        analysed({"ema_crossover": EMA, "rsi": RSI, "fvg": NO_ZONE}, COMBINED),
    ),
    Case(
        "strategy.analyze",
        "needs no exchange",
        analyze({"rsi": {}}),
        200,
        analysed({"rsi": RSI}, COMBINED),
        world=DOWN,
    ),
    Case("strategy.analyze", "no strategies", analyze({}), 200, analysed({}, nothing(NO_SIGNALS))),
    Case(
        "strategy.analyze",
        "unknown ones are skipped",
        analyze({"nope": {}}),
        200,
        analysed({}, nothing(NO_SIGNALS)),
    ),
    Case(
        "strategy.analyze",
        "null is the default",
        analyze(None, symbol=None, timeframe=None),
        200,
        analysed({}, nothing(NO_SIGNALS), symbol="UNKNOWN"),
    ),
    Case(
        "strategy.analyze",
        "none is sure enough",
        analyze({"ema_crossover": {}}),
        200,
        analysed({"ema_crossover": EMA}, nothing(NONE_LEFT)),
    ),
    Case(
        "strategy.analyze",
        "one that cannot run is told in its place",
        analyze(
            {
                "rsi": {"rsi_period": 60},
                "ema_crossover": {"fast_period": 26},
                "fvg": {"lookback": 0},
            }
        ),
        200,
        analysed(
            {
                "rsi": failed("Insufficient data: need at least 61 data points, got 60"),
                "ema_crossover": failed("fast_period must be less than slow_period"),
                "fvg": failed("lookback must be an integer between 1 and 500"),
            },
            nothing(NO_SIGNALS),
            valid=0,
        ),
    ),
    Case(
        "strategy.analyze",
        "an alias wins, and a whole number may be written as a fraction",
        analyze(
            {"ema_crossover": {"ema_fast": 3.0, "fast_period": 12, "ema_slow": 5, "lookback": 30}}
        ),
        200,
        analysed(
            {
                "ema_crossover": {
                    "action": "buy",
                    "confidence": 0.0023363997494025355,
                    "metadata": BUY
                    | {
                        "ema_fast": 42900.000000186265,
                        "ema_slow": 42800.00208603802,
                        "gap": 99.99791414824722,
                    },
                    "position_size": 1.0,
                }
            },
            nothing(NONE_LEFT),
        ),
    ),
    Case(
        "strategy.analyze",
        "sample always holds, its probabilities may lean",
        analyze({"sample": {"indicator_value": 2, "position_size": 0.5}}),
        200,
        analysed(
            {
                "sample": {
                    "action": "hold",
                    "confidence": 0.2,
                    "metadata": BUY
                    | {"indicator_value": 2.0, "info": "Sample strategy always holds"},
                    "position_size": 0.5,
                }
            },
            nothing(NONE_LEFT),
        ),
    ),
    Case(
        "strategy.analyze",
        "a zone that the price is in",
        analyze(
            {"fvg": {}},
            [
                BAR | {"high": 110, "low": 90, "close": 105},
                BAR | {"high": 130, "low": 105, "close": 128},
                BAR | {"high": 135, "low": 120, "close": 130},
                BAR | {"high": 131, "low": 114, "close": 115},
            ],
            symbol="X",
            timeframe="5m",
        ),
        200,
        analysed(
            {
                "fvg": {
                    "action": "buy",
                    "confidence": 0.7,
                    "metadata": BUY | {"fvg_zone": GAP},
                    "position_size": 1.0,
                }
            },
            {
                "action": "buy",
                "combined_confidence": 0.7,
                "metadata": {
                    "combination_method": "weighted_average",
                    "current_price": 115.0,
                    "strategies_used": ["fvg"],
                    "symbol": "X",
                    "timestamp": NOW,
                    "total_weight": 0.2,
                },
                "probabilities": {"buy": 0.7, "hold": 0.2, "sell": 0.1},
                "risk_score": 0.51,
            },
            current_price=115.0,
            symbol="X",
            timeframe="5m",
        ),
    ),
    bad_analysis("No JSON data provided", {}),
    bad_analysis("No price data provided", {"symbol": "X"}),
    bad_analysis("No price data provided", {"data": []}),
    bad_analysis("Invalid data format", {"data": "text"}),
    bad_analysis("Invalid data format", {"data": {"open": [1]}}),
    bad_analysis("Invalid data format", {"data": [1, 2]}),
    bad_analysis(
        "Data must contain columns: ['open', 'high', 'low', 'close']", {"data": [{"open": 1}]}
    ),
    bad_analysis("Invalid number in column low at row 1", {"data": [BAR, BAR | {"low": 0}]}),
    bad_analysis("Invalid number in column high at row 0", {"data": [BAR | {"high": "1"}]}),
    bad_analysis("Invalid number in column high at row 1", {"data": [BAR, {"open": 1}]}),
    bad_analysis("Too many data rows: at most 50000", {"data": [BAR] * 50_001}),
    bad_analysis(
        "strategies must be an object of parameter objects", {"data": [BAR], "strategies": [1]}
    ),
    bad_analysis(
        "strategies must be an object of parameter objects",
        {"data": [BAR], "strategies": {"rsi": 1}},
    ),
    bad_analysis("symbol must be a string", {"data": [BAR], "symbol": 7}),
    Case(
        "strategy.available",
        "hints for forms",
        get(AVAILABLE),
        200,
        {
            "framework_version": VERSION,
            "strategies": {
                "ema_crossover": {
                    "description": "Exponential Moving Average crossover signals with probability analysis",
                    "name": "EMA Crossover Strategy",
                    "parameters": {
                        "buy_threshold": {
                            "default": 0.0,
                            "description": "Threshold for buy signals",
                            "type": "float",
                        },
                        "fast_period": {"default": 12, "max": 50, "min": 5, "type": "int"},
                        "position_size": {"default": 1.0, "max": 1.0, "min": 0.1, "type": "float"},
                        "sell_threshold": {
                            "default": 0.0,
                            "description": "Threshold for sell signals",
                            "type": "float",
                        },
                        "slow_period": {"default": 26, "max": 100, "min": 10, "type": "int"},
                    },
                },
                "fvg": {
                    "description": "Fair Value Gap detection with probability analysis",
                    "name": "Fair Value Gap Strategy",
                    "parameters": {
                        "lookback": {"default": 3, "max": 10, "min": 1, "type": "int"},
                        "position_size": {"default": 1.0, "max": 1.0, "min": 0.1, "type": "float"},
                    },
                },
                "rsi": {
                    "description": "Relative Strength Index strategy with probability analysis",
                    "name": "RSI Strategy",
                    "parameters": {
                        "overbought": {"default": 70, "max": 90, "min": 50, "type": "float"},
                        "oversold": {"default": 30, "max": 50, "min": 10, "type": "float"},
                        "position_size": {"default": 1.0, "max": 1.0, "min": 0.1, "type": "float"},
                        "rsi_period": {"default": 14, "max": 50, "min": 5, "type": "int"},
                    },
                },
                "sample": {
                    "description": "Template strategy demonstrating probability framework",
                    "name": "Sample Strategy",
                    "parameters": {
                        "buy_threshold": {"default": 1.0, "type": "float"},
                        "indicator_value": {"default": 0.0, "type": "float"},
                        "position_size": {"default": 1.0, "max": 1.0, "min": 0.1, "type": "float"},
                        "sell_threshold": {"default": -1.0, "type": "float"},
                    },
                },
            },
            "total_strategies": 4,
        },
    ),
]
