"""Draws docs/img/async-gain-*.svg from what `benchmarks.async_gain --keep` has kept.

python -m benchmarks.gain.plots [FOLDER] [--png]
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from benchmarks.gain.endpoints import AGGREGATE, STATUS, Endpoint
from benchmarks.gain.rounds import (
    FASTAPI,
    FASTAPI_THREADS,
    FLASK_ASYNC,
    FLASK_THREADS,
    Rounds,
    Row,
    p99,
    rate,
)
from benchmarks.page import RESULTS
from benchmarks.plot_style import COLORS, STYLE
from benchmarks.servers import ROOT

FOLDER: Final = ROOT / "docs" / "img"
_ASYNC, _BLOCKING = COLORS[0], COLORS[2]
_LOOKS: Final[dict[str, dict[str, Any]]] = {  # a colour for the services, a line for the framework
    FASTAPI: {"color": _ASYNC, "marker": "o"},
    FLASK_ASYNC: {"color": _ASYNC, "marker": "^", "linestyle": (0, (4, 2)), "fillstyle": "none"},
    FASTAPI_THREADS: {"color": _BLOCKING, "marker": "o"},
    FLASK_THREADS: {
        "color": _BLOCKING, "marker": "^", "linestyle": (0, (4, 2)), "fillstyle": "none"
    },
}  # fmt: skip
_SECOND: Final = 1000  # ms


def draw(found: Rounds, folder: Path, kinds: tuple[str, ...] = ("svg",)) -> None:
    """Two files of two plots: an endpoint that waits for exchanges, and one that never does."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, label, figure in (
        ("throughput", "requests a second", rate),
        ("p99", "p99 of the latency", p99),
    ):
        with mpl.rc_context(STYLE):
            drawn = _figure(found, figure, label)
            for kind in kinds:
                path = folder / f"async-gain-{name}.{kind}"
                drawn.savefig(path, dpi=100, metadata={"Date": None} if kind == "svg" else None)
                print(path, path.stat().st_size)


def _figure(found: Rounds, figure: Callable[[Row], float], label: str) -> Figure:
    drawn = Figure(figsize=(8.4, 4.6), layout="constrained")
    left, right = drawn.subplots(1, 2, sharey=True)
    _lines(left, found, figure, AGGREGATE)
    _lines(right, found, figure, STATUS)
    calls = AGGREGATE.calls(found.venues)
    left.set_title(f"{calls} calls of {found.latency:g} ms to exchanges")
    right.set_title("A read of the store")
    left.set_ylabel(label)
    if figure is p99:
        left.yaxis.set_major_formatter(FuncFormatter(_duration))
    handles, labels = left.get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside lower center", ncols=len(_LOOKS))
    return drawn


def _lines(axes: Axes, found: Rounds, figure: Callable[[Row], float], asked: Endpoint) -> None:
    """Medians, and from the least to the most of all rounds as a band."""
    clients = found.clients(asked.name)
    for server, look in _LOOKS.items():
        rounds = [[figure(row) for row in found.of(server, asked.name, one)] for one in clients]
        least, most = map(min, rounds), map(max, rounds)
        axes.fill_between(
            clients, list(least), list(most), color=look["color"], alpha=0.15, linewidth=0
        )
        medians = [found.median(figure, server, asked.name, one) for one in clients]
        axes.plot(clients, medians, **look, linewidth=2, markersize=7, label=_plain(server))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(clients, [str(one) for one in clients])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(_thousands))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("clients, each with one request at a time")
    axes.grid(visible=True)


def _plain(server: str) -> str:
    return server.replace("`", "")


def _thousands(value: float, _at: int) -> str:
    return f"{value:,.0f}"


def _duration(milliseconds: float, _at: int) -> str:
    if milliseconds >= _SECOND:
        return f"{milliseconds / _SECOND:g} s"
    return f"{milliseconds:g} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--png", action="store_true", help="to look at, beside the SVG")
    options = parser.parse_args()
    raw = json.loads((RESULTS / "async-gain.json").read_text())["raw"]
    found = Rounds(**{**raw, "rows": [Row(**row) for row in raw["rows"]]})
    draw(found, options.folder, ("svg", "png") if options.png else ("svg",))


if __name__ == "__main__":
    main()
