"""How plots of this project look: SVG with a white ground, legible on a dark page too, the same each time."""

from typing import Any, Final

INK: Final = "#24292f"
GRID: Final = "#d0d7de"
COLORS: Final = ("#0a6e4f", "#1f6fb5", "#c4660f", "#7a5fa8", "#a3324c")
STYLE: Final[Any] = {
    "figure.facecolor": "white", "axes.facecolor": "white", "savefig.facecolor": "white",
    "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "font.size": 12,
    "axes.titlesize": 14, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.titlepad": 12, "axes.edgecolor": INK, "axes.labelcolor": INK, "text.color": INK,
    "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False,
    "axes.spines.right": False, "axes.axisbelow": True, "grid.color": GRID,
    "svg.fonttype": "none", "svg.hashsalt": "banyan", "legend.frameon": False,
}  # fmt: skip
