"""Section 5.9: optimising, and the echo. Quirk K21, bugs B5 and B20."""

from dataclasses import replace

from tests.contract.case import Case
from tests.contract.cases.backtest import MISSING, columns, post
from tests.contract.prices import EIGHT
from tests.drive import Request

OPTIMIZE, ANALYSIS = "/api/backtest/optimize", "/api/v1/backtest/analysis"
BEST = {
    "max_drawdown": 3.498250874563382e-05,
    "sharpe_ratio": 8.911471154926481,
    "total_pnl": 13.004837787291894,
    "win_rate": 1.0,
}


def optimize(grid: object, data: object = EIGHT, **parameters: object) -> Request:
    body = {"strategy": "rsi", "data": data, "param_grid": grid, "parameters": parameters}
    return post(OPTIMIZE, body)


OPTIMIZATIONS = [
    Case(
        "backtest.optimize",
        "the example",
        optimize({"rsi_period": [2, 3], "oversold": [20, 30]}, overbought=90),
        200,
        {"parameters": {"oversold": 20, "rsi_period": 3}, "performance": BEST},
    ),
    Case(
        "backtest.optimize",
        "the first on a tie, values as sent",
        optimize({"rsi_period": [3.0, 3], "oversold": [30]}, overbought=90),
        200,
        {"parameters": {"oversold": 30, "rsi_period": 3.0}, "performance": BEST},
    ),
    Case(
        "backtest.optimize",
        "combinations that are invalid or need more bars are skipped",
        optimize({"rsi_period": ["3", 1, 400, None, 3], "oversold": [30, 95]}, overbought=90),
        200,
        {"parameters": {"oversold": 30, "rsi_period": 3}, "performance": BEST},
    ),
    *(
        Case("backtest.optimize", f"refused: {text} {grid}", optimize(grid), 400, {"error": text})
        for grid, text in [
            ({}, "param_grid must map parameter names to non-empty lists"),
            ([1], "param_grid must map parameter names to non-empty lists"),
            ({"rsi_period": 3}, "param_grid must map parameter names to non-empty lists"),
            ({"rsi_period": []}, "param_grid must map parameter names to non-empty lists"),
            ({"nope": [1]}, "param_grid must map parameter names to non-empty lists"),
            ({"rsi_period": [400]}, "No valid parameter combination"),
            ({"rsi_period": [0, 1, "2"]}, "No valid parameter combination"),
        ]
    ),
    Case(
        "backtest.optimize",
        "a grid of a million",
        optimize({name: list(range(100)) for name in ("rsi_period", "oversold", "overbought")}),
        400,
        {"error": "Too many parameter combinations: at most 1000"},
    ),
    Case("backtest.optimize", "no grid", optimize(None), 400, MISSING),
    Case("backtest.optimize", "nothing", post(OPTIMIZE, {}), 400, MISSING),
    Case(
        "backtest.optimize",
        "an unknown strategy",
        post(OPTIMIZE, {"strategy": "x", "data": EIGHT, "param_grid": {"a": [1]}}),
        400,
        {"error": "Unknown strategy: x"},
    ),
    Case(
        "backtest.optimize",
        "fixed parameters that are wrong",
        optimize({"rsi_period": [3]}, overbought=1),
        400,
        {"error": "Invalid parameters", "details": ["overbought must be between 50 and 100"]},
    ),
    Case(
        "backtest.optimize",
        "data that is wrong",
        optimize({"rsi_period": [3]}, columns(close=[1, 2, 0])),
        400,
        {"error": "Invalid number in column close at row 2"},
    ),
]


def analysis(**changes: object) -> Request:
    known = {"strategy": "rsi", "data": {"timestamp": [1]}, "results": {"total_trades": 1}}
    return post(ANALYSIS, {key: one for key, one in (known | changes).items() if one is not None})


ECHOED: list[object] = ["text", 0, False, [1.5, [None, {"a": "ü"}]], {}]
ECHO = {"analysis_timestamp": "2023-11-14T22:13:20", "strategy": "rsi"}
ECHOES = [
    Case(
        "backtest.analysis",
        "an echo",
        analysis(),
        200,
        b'{"analysis_timestamp":"2023-11-14T22:13:20","results":{"total_trades":1},"strategy":"rsi"}\n',
    ),
    *(
        Case(
            "backtest.analysis",
            f"echo of {value}",
            analysis(results=value),
            200,
            ECHO | {"results": value},
        )
        for value in ECHOED
    ),
    Case(
        "backtest.analysis",
        "no rows",
        analysis(data=[]),
        200,
        ECHO | {"results": {"total_trades": 1}},
    ),
    *(
        Case("backtest.analysis", f"without {name}", analysis(**{name: None}), 400, MISSING)
        for name in ("strategy", "data", "results")
    ),
    Case(
        "backtest.analysis",
        "an unknown strategy",
        analysis(strategy="x"),
        400,
        {"error": "Unknown strategy: x"},
    ),
    *(
        Case(
            "backtest.analysis",
            f"data: {detail} {data}",
            analysis(data=data),
            400,
            {"error": "Backtest analysis failed", "details": detail},
        )
        for data, detail in [
            (7, "Invalid data format"),
            ({"close": [1]}, "Missing data column: timestamp"),
            ({"timestamp": ["x"]}, "Invalid timestamp at row 0"),
            ({"timestamp": [2, 1]}, "timestamp must be strictly increasing"),
        ]
    ),
    Case(
        "backtest.analysis",
        "a number that no answer can hold",
        replace(analysis(), body=b'{"strategy":"rsi","data":[],"results":[1e400]}'),
        400,
        {"error": "Backtest analysis failed", "details": "results must hold finite numbers only"},
    ),
]

CASES = [*OPTIMIZATIONS, *ECHOES]
