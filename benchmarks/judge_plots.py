"""Draws docs/img/judging-*.svg from what `benchmarks.judge_sim` found.

python -m benchmarks.judge_plots [FOLDER]
"""

import argparse
import json
from collections.abc import Callable
from math import log10
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from benchmarks.judge_draws import SHIPPED, Cell
from benchmarks.judge_sim import CELLS, RESULTS
from benchmarks.plot_style import COLORS, INK, STYLE

FOLDER: Final = Path(__file__).parents[1] / "docs" / "img"
_JUDGE: Final = "judge, as shipped"
_COLORS: Final = {_JUDGE: "#0a6e4f", "z-test each minute": "#c4660f", "99 % threshold": "#7a5fa8"}
_NAMES: Final = {
    _JUDGE: "judge",
    "z-test each minute": "z-test, each minute",
    "99 % threshold": "fixed threshold of 99 %",
}
Rows = list[dict[str, Any]]
Tables = dict[str, Rows]


def false_rollbacks(axes: Axes, tables: Tables) -> None:
    cells = [cell for cell in CELLS if cell.legacy == cell.modern]
    axes.set_title("Equal stacks, one hour: how often a route is rolled back")
    for at, (method, color) in enumerate(_COLORS.items()):
        rows = [_row(tables["hour"], cell, method) for cell in cells]
        places = [group + 0.26 * (at - 1) for group in range(len(cells))]
        heights = [100 * row["found"] for row in rows]
        bars = axes.bar(places, heights, 0.24, color=color, label=_NAMES[method])
        axes.bar_label(bars, [f"{height:.3g} %" for height in heights], padding=2)
    axes.set_xticks(range(len(cells)), [_equal(cell) for cell in cells])
    axes.set_ylabel("rolled back, %")
    axes.set_ylim(0, 112)
    axes.yaxis.grid(visible=True)
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.16), ncols=3)


def until_rollback(axes: Axes, tables: Tables) -> None:
    cells = [cell for cell in CELLS if cell.modern >= 3 * cell.legacy]
    axes.set_title("A modern that is worse: requests until it is rolled back")
    for method, color in _COLORS.items():
        rows = [_row(tables["hour"], cell, method) for cell in cells]
        found = [row["requests"] for row in rows]
        axes.scatter(found, range(len(cells)), s=80, color=color, label=_NAMES[method], zorder=3)
        for at, requests in enumerate(found):
            above = (0, 9) if method == _JUDGE else (0, -19)
            axes.annotate(
                f"{requests:,.0f}", (requests, at), xytext=above, textcoords="offset points",
                ha="center", color=color, fontsize=11,
            )  # fmt: skip
    axes.set_yticks(range(len(cells)), [_rates(cell) for cell in cells])
    axes.set_xscale("log")
    axes.set_xlim(100, 50_000)
    axes.set_ylim(len(cells) - 0.4, -0.6)
    axes.xaxis.set_major_formatter(FuncFormatter(_thousands))
    axes.xaxis.grid(visible=True)
    axes.set_xlabel("requests to both stacks together, median (20 come in a second)")
    axes.legend(loc="upper left", bbox_to_anchor=(-0.2, -0.16), ncols=3)


def evidence(axes: Axes, tables: Tables) -> None:
    goal, equal = -log10(SHIPPED), 0
    axes.set_title(f"Evidence of single runs; at {1 / SHIPPED:g} the route is rolled back")
    axes.axhline(goal, color=INK, linewidth=1.5, linestyle=(0, (4, 3)))
    for row in tables["tracks"]:
        healthy = row["legacy"] == row["modern"]
        color = "#8c959f" if healthy else COLORS[equal % len(COLORS)]
        equal += not healthy
        minutes, line = _until(row["log10_e"], goal)
        axes.plot(minutes, line, color=color, linewidth=2, label=_line(row, healthy))
        if line[-1] == goal:
            axes.plot(minutes[-1], goal, "o", color=color, markersize=8)
    handles, labels = axes.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    axes.legend(
        unique.values(), unique.keys(), loc="upper left", bbox_to_anchor=(0, -0.16), ncols=2
    )
    axes.set_ylim(-3, 2.6)
    axes.set_xlim(0, 60)
    axes.set_yticks([-3, -2, -1, 0, 1, 2], ["0.001", "0.01", "0.1", "1", "10", "100"])
    axes.set_xlabel("minutes")
    axes.set_ylabel("E")
    axes.yaxis.grid(visible=True)


def clumps(axes: Axes, tables: Tables) -> None:
    axes.set_title("Equal stacks, one hour; a failing client fails again after 2 s")
    kinds = ((False, "#a3324c", "each failure counts"), (True, "#0a6e4f", "once a minute"))
    for at, (once, color, label) in enumerate(kinds):
        rows = [row for row in tables["clumps"] if row["once"] is once and row["pause"] == 2]
        heights = [100 * row["found"] for row in rows]
        places = [group + 0.38 * (at - 0.5) for group in range(len(rows))]
        bars = axes.bar(places, heights, 0.35, color=color, label=label)
        axes.bar_label(bars, [f"{height:.3g} %" for height in heights], padding=2)
        times = [f"{row['clump']} in a row" if row["clump"] > 1 else "once" for row in rows]
        axes.set_xticks(range(len(rows)), times)
    axes.set_ylabel("rolled back, %")
    axes.set_ylim(0, 60)
    axes.yaxis.grid(visible=True)
    axes.legend(loc="upper left")


def needed(axes: Axes, tables: Tables) -> None:
    axes.set_title("Events that a proof of “not worse” takes, if the stacks are equal")
    margins = sorted({row["margin"] for row in tables["proofs"]})
    for margin, color in zip(margins, COLORS, strict=False):
        rows = [row for row in tables["proofs"] if row["margin"] == margin]
        places, heights = range(len(rows)), [row["said"] for row in rows]
        axes.plot(places, heights, "o-", color=color, linewidth=2, markersize=8)
        for place, height in zip(places, heights, strict=True):
            axes.annotate(
                f"{height:,.0f}", (place, height), xytext=(0, 9), textcoords="offset points",
                ha="center", color=color,
            )  # fmt: skip
        text = f"under {margin:g} times"
        axes.annotate(text, (len(rows) - 0.85, heights[-1]), va="center", color=color)
        axes.set_xticks(places, [f"{100 * row['share']:g} %" for row in rows])
    axes.set_yscale("log")
    axes.set_xlim(-0.3, len(rows) - 0.1)
    axes.set_ylim(8, 6000)
    axes.yaxis.set_major_formatter(FuncFormatter(_thousands))
    axes.yaxis.grid(visible=True)
    axes.set_xlabel("modern's share of the requests")
    axes.set_ylabel("errors of both stacks together, median")


PLOTS: Final[dict[str, Callable[[Axes, Tables], None]]] = {
    "false-rollbacks": false_rollbacks,
    "until-rollback": until_rollback,
    "evidence": evidence,
    "clumps": clumps,
    "needed": needed,
}


def _until(logs: list[float], goal: float) -> tuple[list[float], list[float]]:
    """Minutes and evidence up to where it suffices."""
    over = next((minute for minute, log in enumerate(logs) if log >= goal), None)
    if over is None:
        return [float(minute) for minute in range(len(logs))], logs
    before = logs[over - 1]
    crossing = over - 1 + (goal - before) / (logs[over] - before)
    return [*map(float, range(over)), crossing], [*logs[:over], goal]


def _row(rows: Rows, cell: Cell, method: str) -> dict[str, Any]:
    return next(
        row
        for row in rows
        if (row["share"], row["legacy"], row["modern"], row["method"])
        == (cell.share, cell.legacy, cell.modern, method)
    )


def _equal(cell: Cell) -> str:
    return f"{100 * cell.share:g} % to modern\nboth fail {100 * cell.legacy:g} %"


def _rates(cell: Cell) -> str:
    return f"{100 * cell.share:g} % to modern\n{100 * cell.legacy:g} → {100 * cell.modern:g} %"


def _line(row: dict[str, Any], healthy: bool) -> str:
    if healthy:
        return f"both fail {100 * row['legacy']:g} %, {100 * row['share']:g} % to modern"
    rates = f"{100 * row['legacy']:g} → {100 * row['modern']:g} %"
    return f"{rates}, {100 * row['share']:g} % to modern"


def _thousands(value: float, _at: int) -> str:
    return f"{value:,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--png", action="store_true", help="to look at, beside the SVG")
    options = parser.parse_args()
    document = json.loads(RESULTS.read_text())
    tables = {name: table["rows"] for name, table in document["tables"].items()}
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, draw in PLOTS.items():
        with mpl.rc_context(STYLE):
            figure = Figure(figsize=(8.4, 4.8), layout="constrained")
            draw(figure.add_subplot(), tables)
            path = options.folder / f"judging-{name}.svg"
            figure.savefig(path, metadata={"Date": None})
            if options.png:
                figure.savefig(path.with_suffix(".png"), dpi=100)
        print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
