"""Section 5.6: fair value gaps."""

import json

from tests.contract.case import JSON, Case
from tests.drive import Request

FVG = "/api/indicators/fvg"


GAP = {"direction": "bullish", "gap_high": 120.0, "gap_low": 110.0, "index": 1, "size": 10.0}
FALLING = {"direction": "bearish", "gap_high": 80.0, "gap_low": 60.5, "index": 2, "size": 19.5}
HIGH, LOW = [110, 130, 135, 131], [90, 105, 120, 114]
COLUMNS = {"high": HIGH, "low": LOW}


def post(body: object) -> Request:
    return Request("POST", FVG, JSON, json.dumps(body).encode())


def fvg(data: object, **more: object) -> Request:
    return post({"data": data} | more)


def bad_fvg(error: str, body: object) -> Case:
    return Case("indicators.fvg", f"{error}: {body}", post(body), 400, {"error": error})


CASES = [
    Case(
        "indicators.fvg",
        "the example",
        fvg(COLUMNS),
        200,
        b'[{"direction":"bullish","gap_high":120.0,"gap_low":110.0,"index":1,"size":10.0}]\n',
    ),
    Case(
        "indicators.fvg",
        "rows, other columns",
        fvg([{"high": h, "low": v, "x": "?"} for h, v in zip(HIGH, LOW, strict=True)]),
        200,
        [GAP],
    ),
    Case(
        "indicators.fvg",
        "a bearish gap, exact",
        fvg({"high": [100, 90, 85, 60.5], "low": [90, 80, 55, 50]}),
        200,
        [
            {"direction": "bearish", "gap_high": 90.0, "gap_low": 85.0, "index": 1, "size": 5.0},
            FALLING | {"gap_high": 80.0},
        ],
    ),
    Case("indicators.fvg", "large enough", fvg(COLUMNS, min_gap_size=10), 200, [GAP]),
    Case("indicators.fvg", "too small", fvg(COLUMNS, min_gap_size=10.0000001), 200, b"[]\n"),
    Case("indicators.fvg", "the other way", fvg(COLUMNS, direction="bearish"), 200, []),
    Case("indicators.fvg", "its way", fvg(COLUMNS, direction="bullish"), 200, [GAP]),
    Case("indicators.fvg", "two bars", fvg({"high": [1, 2], "low": [1, 2]}), 200, []),
    Case("indicators.fvg", "no bars", fvg({"high": [], "low": []}), 200, []),
    Case(
        "indicators.fvg",
        "null is the default",
        fvg(COLUMNS, direction=None, min_gap_size=None),
        200,
        [GAP],
    ),
    bad_fvg("Missing 'data' field", {}),
    bad_fvg("Missing 'data' field", {"x": 1}),
    bad_fvg("Missing 'data' field", {"data": None}),
    bad_fvg("Invalid data format", {"data": 7}),
    bad_fvg("Invalid data format", {"data": [1]}),
    bad_fvg("Invalid data format", {"data": {"high": 1, "low": [1]}}),
    bad_fvg("Invalid data format", {"data": {"high": [1, 2], "low": [1]}}),
    bad_fvg("Invalid data format", {"data": {"high": ["1"], "low": [1]}}),
    bad_fvg("Invalid data format", {"data": [{"high": 1, "low": 1}, {"high": 2}]}),
    bad_fvg("Data must contain columns: ['high', 'low']", {"data": {"high": [1]}}),
    bad_fvg("Data must contain columns: ['high', 'low']", {"data": [{"close": 1}]}),
    bad_fvg("min_gap_size must be a number of at least 0", {"data": COLUMNS, "min_gap_size": -1}),
    bad_fvg("min_gap_size must be a number of at least 0", {"data": COLUMNS, "min_gap_size": "1"}),
    bad_fvg(
        "direction must be 'bullish', 'bearish' or 'both'", {"data": COLUMNS, "direction": "up"}
    ),
    bad_fvg("direction must be 'bullish', 'bearish' or 'both'", {"data": COLUMNS, "direction": 1}),
]
