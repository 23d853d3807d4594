"""`banyan routes`: what both apps serve, and how far the migration is."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.flags import Json, Server, SettingsCommand, SettingsGroup, with_settings
from gateway.cli.output import fail
from gateway.cli.table import console, number, table, whole, words
from gateway.cli.text import marked
from gateway.words import Phase, Stack

if TYPE_CHECKING:
    from rich.table import Table

    from gateway.control.shown import RouteReport, RoutesReport, StackReport
    from gateway.settings import Settings

app = typer.Typer(invoke_without_command=True)


@app.callback(cls=SettingsGroup)
@with_settings
def routes(
    settings: "Settings",
    context: typer.Context,
    server: Server = None,
    json_: Json = False,
) -> None:
    """List what both apps serve: splits, traffic, last legacy hit, and what a client could notice."""
    from gateway.cli.client import client_of
    from gateway.cli.status import fetch

    if context.invoked_subcommand is not None:
        return
    report = fetch(client_of(settings, server, apps_first=True))
    if json_:
        typer.echo(report.model_dump_json(indent=2))
    else:
        _show(report)


@app.command(cls=SettingsCommand)
@with_settings
def export(
    settings: "Settings",
    stack: Annotated[str, typer.Argument(help="legacy or modern")],
    output: Annotated[Path | None, typer.Option(help="A file; default: standard output.")] = None,
) -> None:
    """Write what one app serves to a file, for a gateway that cannot import it."""
    from gateway.inventory import told_as
    from gateway.stacks.load import told_at

    if stack not in list(Stack):
        fail(f"{stack!r} is no stack: legacy or modern", 2)
    value = settings.legacy if stack == Stack.LEGACY else settings.modern
    if value is None:
        fail(f"which app? Name it with --{stack}", 2)
    told = told_at(f"BANYAN_{stack.upper()}", value)
    if told.served is None:
        fail(f"{value} does not tell what it serves: export where the app can be imported", 1)
    if output is None:
        typer.echo(told_as(told))
    else:
        output.write_text(f"{told_as(told)}\n")
        typer.echo(f"{output}: {len(told.served)} routes of {value}")


def _show(report: "RoutesReport") -> None:
    """A row per route, then what there is to know of each, then the sums."""
    shown = console()
    shown.print(_table(report.routes, datetime.now(UTC)))
    for row in report.routes:
        for line in _known(row):
            shown.print(f"{marked(row.route)}: {line}", soft_wrap=True)
    shown.print(_summary(report.routes, report.plan.phase), soft_wrap=True)
    shown.print(_kit(report.kit), soft_wrap=True)
    for problem in report.plan.refused:
        shown.print(f"[red]refused[/red] {marked(problem)}", soft_wrap=True)


def _table(rows: "list[RouteReport]", now: datetime) -> "Table":
    traffic = any(row.legacy.total + row.modern.total for row in rows)
    seen = ("legacy", "modern", "last legacy") if traffic else ()
    shown = table(words("route"), whole("served by"), *map(number, ("split", *seen)))
    for row in rows:
        split = "" if row.split is None else f"{row.split:g} %"
        counts = (str(row.legacy.total or ""), str(row.modern.total or ""), _ago(row.legacy, now))
        cells = (split, *counts) if traffic else (split,)
        shown.add_row(marked(row.route), row.served or "neither", *cells)
    return shown


def _known(row: "RouteReport") -> list[str]:
    lines = []
    if row.unexplained:
        s = "" if row.unexplained == 1 else "s"
        lines.append(f"[red]{row.unexplained} unexplained difference{s}[/red]: see `banyan parity`")
    for note in row.notes:
        mended = f" [dim]({note.mended} decides)[/dim]" if note.mended else ""
        colour = "dim" if note.mended else "yellow"
        lines.append(f"[{colour}]{note.kind}[/{colour}] {marked(note.text)}{mended}")
    return lines


def _ago(stack: "StackReport", now: datetime) -> str:
    if stack.last is None:
        return ""
    seconds = max(0, int(now.timestamp() - stack.last))
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def _kit(behaviours: list[str]) -> str:
    if behaviours:
        return f"modern has the kit: {', '.join(behaviours)}"
    return "modern has no kit: HEAD, OPTIONS, redirects and error pages are FastAPI's once the gateway goes"


def _summary(rows: "list[RouteReport]", phase: Phase) -> str:
    """The burn-down: what is left of legacy."""
    served = [row.served.value for row in rows if row.served is not None]
    parts = [f"{served.count(where)} {where}" for where in dict.fromkeys(served)]
    splits = [row.split for row in rows if row.split is not None]
    everything = {
        Phase.FULL: "modern answers everything",
        Phase.PARALLEL: "legacy answers everything",
    }
    moved = everything.get(phase) or f"{splits.count(100)} at 100 %, {splits.count(0)} at 0 %"
    legacy = sum(row.legacy.total for row in rows)
    requests = legacy + sum(row.modern.total for row in rows)
    traffic = f"legacy answered {legacy} of {requests} requests" if requests else "no traffic seen"
    return f"{len(served)} routes: {', '.join(parts)}; {moved}; {traffic}"
