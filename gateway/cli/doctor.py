"""`banyan doctor`: what is wrong on this host, and what to do about it. It changes nothing."""

import json
import os
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import typer

from gateway.cli.flags import Json
from gateway.cli.text import marked, printable

if TYPE_CHECKING:
    from gateway.doctor.model import Level, Line
    from gateway.settings import Settings

_COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}


def doctor(settings: "Settings", json_: Json = False) -> None:
    """Check everything a start needs here, and say what to do: 0 without errors, 1 with."""
    from gateway.cli.answers import SERVER, TOKEN
    from gateway.doctor.case import Surroundings
    from gateway.doctor.examination import examine
    from gateway.doctor.model import Level
    from gateway.logs import configure_logs

    configure_logs()  # to standard error: what is printed may be read by a program
    around = Surroundings(os.environ.copy(), frozenset({SERVER, TOKEN}))
    lines = examine(settings, around)
    errors, warnings = _count(lines, Level.ERROR), _count(lines, Level.WARNING)
    if json_:
        typer.echo(_as_json(lines, errors, warnings))
    else:
        _show(lines)
        typer.echo(_sum(errors, warnings, len(lines)))
    raise typer.Exit(1 if errors else 0)


def _count(lines: "Sequence[Line]", level: "Level") -> int:
    return sum(line.finding.level is level for line in lines)


def _as_json(lines: "Sequence[Line]", errors: int, warnings: int) -> str:
    checks = [
        {
            "topic": line.topic.value,
            "level": line.finding.level.value,
            "found": line.finding.found,
            "do": line.finding.do,
        }
        for line in lines
    ]
    found = {"ok": errors == 0, "errors": errors, "warnings": warnings, "checks": checks}
    return json.dumps(found, indent=2)


def _show(lines: "Sequence[Line]") -> None:
    """Grouped by topic; what is to be done stands below what was found."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    for topic, group in groupby(lines, lambda line: line.topic):
        console.print(f"[bold]{topic}[/bold]")
        table = Table.grid(padding=(0, 1))
        table.add_column(width=1)
        table.add_column(width=7, no_wrap=True)
        table.add_column(overflow="fold")
        for line in group:
            level, found, do = line.finding.level, line.finding.found, line.finding.do
            table.add_row("", f"[{_COLOURS[level]}]{level}[/]", marked(found))
            if do:
                table.add_row("", "", f"[dim]→[/dim] {marked(do)}")
        console.print(table)


def _sum(errors: int, warnings: int, checked: int) -> str:
    if not errors and not warnings:
        return f"all {checked} checks are ok"
    parts = [
        f"{count} {name}{'' if count == 1 else 's'}"
        for count, name in ((errors, "error"), (warnings, "warning"))
        if count
    ]
    return printable(f"{' and '.join(parts)}; {checked - errors - warnings} ok")
