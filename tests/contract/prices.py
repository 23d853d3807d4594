"""Price data of the contract: the example of 5.9, and the set V60 of section 3."""

from typing import Any, Final

HOUR: Final = 3_600_000
START: Final = 1_700_000_000_000

EIGHT: Final[dict[str, list[int]]] = {
    "timestamp": [START + hour * HOUR for hour in range(8)],
    "open": [40000, 40000, 39600, 39200, 38800, 39200, 39600, 40000],
    "high": [40020, 40020, 39620, 39220, 39220, 39620, 40020, 40020],
    "low": [39980, 39580, 39180, 38780, 38780, 39180, 39580, 39980],
    "close": [40000, 39600, 39200, 38800, 39200, 39600, 40000, 40000],
    "volume": [1] * 8,
}


def _v60() -> dict[str, list[int]]:
    close = [42900 - 100 * i if i < 30 else 40100 + 100 * (i - 30) for i in range(60)]
    opened = [close[0], *close[:-1]]
    pairs = list(zip(opened, close, strict=True))
    return {
        "timestamp": [START + hour * HOUR for hour in range(60)],
        "open": opened,
        "high": [max(pair) + 20 for pair in pairs],
        "low": [min(pair) - 20 for pair in pairs],
        "close": close,
        "volume": [1] * 60,
    }


V60: Final = _v60()


def rows(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """The same data, row by row."""
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


V60_ROWS: Final = rows(V60)
