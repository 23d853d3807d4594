"""Tables as commands print them: columns two spaces apart, no frame, no line longer than the terminal."""

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Column, Table

_ENDLESS: Final = 10_000  # characters


def table(*columns: "Column") -> "Table":
    """Cells that do not fit are continued below, never cut."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    return Table(*columns, box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))


def words(title: str) -> "Column":
    """A column that may be broken."""
    from rich.table import Column

    return Column(title, overflow="fold")


def whole(title: str) -> "Column":
    """A column that is never broken."""
    from rich.table import Column

    return Column(title, no_wrap=True)


def number(title: str) -> "Column":
    """A column whose cells end below each other."""
    from rich.table import Column

    return Column(title, no_wrap=True, justify="right")


def console() -> "Console":
    """As wide as the terminal; a file or a pipe gets every row on one line, unless COLUMNS says less."""
    from rich.console import Console

    shown = Console(highlight=False)
    if not shown.is_terminal and not os.environ.get("COLUMNS"):
        return Console(highlight=False, width=_ENDLESS)
    return shown
