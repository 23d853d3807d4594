"""Sections 5.9 and 7: backtests. Quirks K17, K19 and K24, bugs B3, B5, B17 to B22."""

import json
from dataclasses import replace
from typing import Any

from tests.contract.case import JSON, Case, get
from tests.contract.prices import EIGHT, rows
from tests.contract.world import DOWN, NO_EXCHANGE
from tests.drive import Request

RUN, STRATEGIES = "/api/backtest/run", "/api/backtest/strategies"
EXAMPLE_PARAMETERS = {"rsi_period": 3, "oversold": 30, "overbought": 90}
MISSING = {"error": "Missing required fields"}


def post(path: str, body: object) -> Request:
    return Request("POST", path, JSON, json.dumps(body).encode())


def run(strategy: object = "rsi", data: object = EIGHT, **parameters: object) -> Request:
    return post(RUN, {"strategy": strategy, "data": data, "parameters": parameters})


RESULT: dict[str, Any] = {
    "equity_curve": {
        "2023-11-14 22:13:20": 10000.0,
        "2023-11-14 23:13:20": 10000.0,
        "2023-11-15 00:13:20": 10000.0,
        "2023-11-15 01:13:20": 9999.650174912544,
        "2023-11-15 02:13:20": 10006.863063313704,
        "2023-11-15 03:13:20": 10013.004837787292,
        "2023-11-15 04:13:20": 10013.004837787292,
        "2023-11-15 05:13:20": 10013.004837787292,
    },
    "id": "bt_557de61f58bfa3d8",
    "losing_trades": 0,
    "max_drawdown": 3.498250874563382e-05,
    "sharpe_ratio": 8.911471154926481,
    "total_pnl": 13.004837787291894,
    "total_trades": 1,
    "trade_history": [
        {
            "commission": 0.7140759517148643,
            "entry_price": 38819.4,
            "entry_time": "Wed, 15 Nov 2023 01:13:20 GMT",
            "exit_price": 39600.0,
            "exit_time": "Wed, 15 Nov 2023 03:13:20 GMT",
            "pnl": 13.004837787291894,
            "position": 0.01803222100290061,
            "slippage": 0.35703797585743213,
        }
    ],
    "win_rate": 1.0,
    "winning_trades": 1,
}
FLAT = {"timestamp": [1, 2], "close": [1, 1]}


def flat(**more: object) -> dict[str, Any]:
    """The answer to a run in which nothing happens, over two bars."""
    return {
        "equity_curve": {
            "1970-01-01 00:00:00.001000": 10000.0,
            "1970-01-01 00:00:00.002000": 10000.0,
        },
        "losing_trades": 0,
        "max_drawdown": 0.0,
        "sharpe_ratio": 0.0,
        "total_pnl": 0.0,
        "total_trades": 0,
        "trade_history": [],
        "win_rate": 0.0,
        "winning_trades": 0,
    } | more


def bad_data(text: str, data: object, strategy: str = "rsi") -> Case:
    name = f"{text}: {str(data)[:60]}"
    return Case("backtest.run", name, run(strategy, data), 400, {"error": text})


def columns(**changes: object) -> dict[str, object]:
    return {"timestamp": [1, 2, 3], "close": [1, 2, 3]} | changes


BAD_DATA = [
    bad_data("Invalid data format", "text"),
    bad_data("Invalid data format", 7),
    bad_data("Invalid data format", {"timestamp": [1], "close": 2}),
    bad_data("Invalid data format", [1, 2]),
    bad_data("Invalid data format", [{"timestamp": 1, "close": 1}, None]),
    bad_data("Missing data column: timestamp", {"close": [1, 2]}),
    bad_data("Missing data column: timestamp", {}),
    bad_data("Missing data column: close", {"timestamp": [1, 2]}),
    bad_data("Missing data column: high", columns(), "fvg"),
    bad_data("Missing data column: low", columns(high=[1, 2, 3]), "fvg"),
    bad_data("All data columns must have the same length", columns(close=[1, 2])),
    bad_data("All data columns must have the same length", columns(other=[1])),
    bad_data("Invalid number in column close at row 1", columns(close=[1, 0, 3])),
    bad_data("Invalid number in column close at row 2", columns(close=[1, 2, -3])),
    bad_data("Invalid number in column close at row 0", columns(close=["1", 2, 3])),
    bad_data("Invalid number in column close at row 0", columns(close=[True, 2, 3])),
    bad_data("Invalid number in column close at row 0", columns(close=[None, 2, 3])),
    bad_data("Invalid number in column volume at row 1", columns(volume=[0, -1, 0])),
    bad_data("Invalid number in column high at row 0", columns(high=[0, 1, 1])),
    bad_data("Invalid timestamp at row 0", columns(timestamp=["soon", 2, 3])),
    bad_data("Invalid timestamp at row 1", columns(timestamp=[1, 2.5, 3])),
    bad_data("Invalid timestamp at row 1", columns(timestamp=[1, True, 3])),
    bad_data("Invalid timestamp at row 2", columns(timestamp=[1, 2, 10**18])),
    bad_data("timestamp must be strictly increasing", columns(timestamp=[1, 3, 2])),
    bad_data("timestamp must be strictly increasing", columns(timestamp=[1, 1, 2])),
    bad_data("Data for backtest must contain at least 2 rows.", []),
    bad_data("Data for backtest must contain at least 2 rows.", {"timestamp": [1], "close": [1]}),
    bad_data("Invalid number in column open at row 1", [*rows(EIGHT)[:1], {"timestamp": 2e12}]),
    bad_data(
        "Too many data rows: at most 50000",
        {"timestamp": list(range(50_001)), "close": [1] * 50_001},
    ),
    bad_data("Insufficient data for RSI: need at least 15 data points, got 8", EIGHT),
    bad_data(
        "Insufficient data for EMA crossover: need at least 27 data points, got 8",
        EIGHT,
        "ema_crossover",
    ),
    bad_data(
        "Insufficient data for FVG: need at least 3 data points, got 2",
        FLAT | {"high": [1, 1], "low": [1, 1]},
        "fvg",
    ),
]


def bad_parameters(detail: str, strategy: str = "rsi", **parameters: object) -> Case:
    return Case(
        "backtest.run",
        f"refused: {parameters}",
        run(strategy, **parameters),
        400,
        {"error": "Invalid parameters", "details": [detail]},
    )


RUNS = [
    Case("backtest.run", "the example", run(**EXAMPLE_PARAMETERS), 200, RESULT),
    Case("backtest.run", "rows", run("rsi", rows(EIGHT), **EXAMPLE_PARAMETERS), 200, RESULT),
    Case(
        "backtest.run",
        "needs no exchange",
        run(**EXAMPLE_PARAMETERS),
        200,
        RESULT,
        world=NO_EXCHANGE,
    ),
    Case(
        "backtest.run",
        "the same request in another form has the same id",
        post(
            RUN,
            {
                "parameters": {
                    "overbought": 90.0,
                    "oversold": 30.0,
                    "rsi_period": 3.0,
                    "commission": 0.0010,
                    "initial_capital": None,
                    "unknown": "ignored",
                },
                "data": {
                    name: [
                        f"2023-11-{14 + (22 + i) // 24:02} {(22 + i) % 24:02}:13:20"
                        for i in range(8)
                    ]
                    if name == "timestamp"
                    else [float(value) for value in column]
                    for name, column in EIGHT.items()
                },
                "strategy": "rsi",
            },
        ),
        200,
        RESULT,
    ),
    Case(
        "backtest.run",
        "two bars and no signal; a fraction of a second in the curve",
        run("sample", FLAT),
        200,
        flat(id="bt_a5bdcf337f685b49"),
    ),
    *BAD_DATA,
    *(
        Case("backtest.run", f"missing: {body}", post(RUN, body), 400, MISSING)
        for body in (
            {},
            {"strategy": "rsi"},
            {"data": EIGHT},
            {"strategy": None, "data": EIGHT},
            {"strategy": "rsi", "data": None},
        )
    ),
    *(
        Case(
            "backtest.run",
            f"unknown strategy {name}",
            run(name),
            400,
            {"error": f"Unknown strategy: {name}"},
        )
        for name in ("nope", "", 5, "RSI")
    ),
    Case(
        "backtest.run",
        "parameters are no object",
        post(RUN, {"strategy": "rsi", "data": EIGHT, "parameters": [1]}),
        400,
        {"error": "Invalid parameters", "details": ["parameters must be an object"]},
    ),
    bad_parameters("rsi_period must be an integer between 2 and 500", rsi_period=1),
    bad_parameters("rsi_period must be an integer between 2 and 500", rsi_period=3.5),
    bad_parameters("rsi_period must be an integer between 2 and 500", rsi_period="3"),
    bad_parameters("overbought must be between 50 and 100", overbought=True),
    bad_parameters("oversold must be less than overbought", oversold=50, overbought=50),
    bad_parameters("fast_period must be less than slow_period", "ema_crossover", fast_period=26),
    bad_parameters(
        "slow_period must be an integer between 2 and 500", "ema_crossover", slow_period=0
    ),
    bad_parameters(
        "ema_fast must be an integer between 1 and 500",
        "ema_crossover",
        ema_fast=501,
        fast_period=3,
    ),
    bad_parameters(
        "direction must be one of bullish, bearish, both", "ema_crossover", direction="up"
    ),
    bad_parameters("min_gap must be at least 0", "ema_crossover", min_gap=-1),
    bad_parameters("position_size must be between 0 and 1", position_size=1.5),
    bad_parameters("initial_capital must be above 0", initial_capital=0),
    bad_parameters("commission must be at least 0 and less than 1", commission=1),
    bad_parameters("slippage must be at least 0 and less than 1", slippage=-0.1),
    bad_parameters("risk_params must be an object", risk_params=7),
    bad_parameters(
        "risk_params.max_position_size must be above 0 and at most 1",
        risk_params={"max_position_size": 0},
    ),
    bad_parameters(
        "risk_params.stop_loss_pct must be above 0 and less than 1",
        risk_params={"stop_loss_pct": 1},
    ),
    bad_parameters(
        "risk_params.take_profit_pct must be above 0", risk_params={"take_profit_pct": 0}
    ),
    Case(
        "backtest.run",
        "everything that is wrong",
        run("rsi", initial_capital=-1, rsi_period=0, oversold=99),
        400,
        {
            "error": "Invalid parameters",
            "details": [
                "initial_capital must be above 0",
                "rsi_period must be an integer between 2 and 500",
                "oversold must be between 0 and 50",
            ],
        },
    ),
    Case(
        "backtest.run",
        "figures beyond all doubles",
        run(
            "rsi",
            {"timestamp": [1, 2, 3, 4], "close": [3e-150, 2e-150, 1e-150, 1e150]},
            rsi_period=2,
            initial_capital=1e300,
        ),
        400,
        {"error": "Price data out of range: the result is not finite"},
    ),
    Case(
        "backtest.run",
        "not JSON",
        replace(run(), body=b'{"strategy":"rsi","data":Infinity}'),
        400,
        {"error": "Invalid JSON"},
    ),
]

FVG_ENTRY: dict[str, Any] = {
    "description": "Fair Value Gap detection with probability analysis",
    "id": "fvg",
    "min_bars": 3,
    "name": "Fair Value Gap Strategy",
    "parameters": {
        "direction": {"default": "both", "type": "str", "values": ["bullish", "bearish", "both"]},
        "lookback": {"default": 3, "max": 500, "min": 1, "type": "int"},
        "min_gap_size": {"default": 0.0, "min": 0.0, "type": "float"},
        "position_size": {"default": 1.0, "max": 1.0, "min": 0.0, "type": "float"},
    },
}
RESULT_PATH = "/api/backtest/results/bt_557de61f58bfa3d8"
RESULTS = [
    Case(
        "backtest.result",
        "what was run, and when",
        get(RESULT_PATH),
        200,
        RESULT | {"strategy": "rsi", "created_at": "2023-11-14T22:13:20"},
        before=(run(**EXAMPLE_PARAMETERS),),
    ),
    Case("backtest.result", "never run", get(RESULT_PATH), 404, {"error": "Backtest not found"}),
    Case(
        "backtest.result",
        "any other name",
        get("/api/backtest/results/%F0%9F%8C%B3"),
        404,
        {"error": "Backtest not found"},
        world=DOWN,
    ),
    Case("backtest.result", "an id is no path of its own", get("/api/backtest/bt_1"), 404),
    Case(
        "backtest.strategies",
        "four, with what is enforced",
        get(STRATEGIES),
        200,
        {
            "strategies": [
                {
                    "description": "Exponential Moving Average crossover signals with probability analysis",
                    "id": "ema_crossover",
                    "min_bars": 27,
                    "name": "EMA Crossover Strategy",
                    "parameters": {
                        "fast_period": {"default": 12, "max": 500, "min": 1, "type": "int"},
                        "slow_period": {"default": 26, "max": 500, "min": 2, "type": "int"},
                        "lookback": {"default": 3, "max": 500, "min": 1, "type": "int"},
                        "min_gap": {"min": 0.0, "type": "float"},
                        "direction": FVG_ENTRY["parameters"]["direction"],
                        "buy_threshold": {"default": 0.0, "type": "float"},
                        "sell_threshold": {"default": 0.0, "type": "float"},
                        "position_size": {"default": 1.0, "max": 1.0, "min": 0.0, "type": "float"},
                    },
                },
                {
                    "description": "Relative Strength Index strategy with probability analysis",
                    "id": "rsi",
                    "min_bars": 15,
                    "name": "RSI Strategy",
                    "parameters": {
                        "rsi_period": {"default": 14, "max": 500, "min": 2, "type": "int"},
                        "overbought": {"default": 70, "max": 100.0, "min": 50.0, "type": "float"},
                        "oversold": {"default": 30, "max": 50.0, "min": 0.0, "type": "float"},
                        "position_size": {"default": 1.0, "max": 1.0, "min": 0.0, "type": "float"},
                    },
                },
                FVG_ENTRY,
                {
                    "description": "Template strategy demonstrating probability framework",
                    "id": "sample",
                    "min_bars": 1,
                    "name": "Sample Strategy",
                    "parameters": {
                        "indicator_value": {"default": 0.0, "type": "float"},
                        "buy_threshold": {"default": 1.0, "type": "float"},
                        "sell_threshold": {"default": -1.0, "type": "float"},
                        "position_size": {"default": 1.0, "max": 1.0, "min": 0.0, "type": "float"},
                    },
                },
            ],
            "total_strategies": 4,
        },
    ),
]

CASES = [*RUNS, *RESULTS]
