"""`banyan status`: the plan, the workers, and both stacks side by side on every route."""

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.flags import Json, Server
from gateway.cli.look import on_version, problems
from gateway.cli.output import print_json
from gateway.cli.table import console, number, table, words
from gateway.cli.text import marked

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gateway.cli.client import Client
    from gateway.control.shown import RouteReport, RoutesReport, StackReport
    from gateway.settings import Settings


def status(
    settings: "Settings",
    watch: Annotated[bool, typer.Option("--watch", help="Show it anew until Ctrl-C.")] = False,
    interval: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.2)] = 2.0,
    server: Server = None,
    json_: Json = False,
) -> None:
    """Show the plan, the workers, and both stacks side by side on every route that is asked."""
    from rich.console import Group

    from gateway.cli.client import client_of

    client = client_of(settings, server)
    if json_:
        print_json(client.ask("GET", "/routes"))
    elif watch:
        _watch(client, interval)
    else:
        console().print(Group(*_screen(client)))


def fetch(client: "Client") -> "RoutesReport":
    """Raises Refused and NoControlPlane."""
    from gateway.control.shown import RoutesReport

    return RoutesReport.model_validate(client.ask("GET", "/routes"))


def _watch(client: "Client", interval: float) -> None:
    """On the terminal's other screen, so that what stood there comes back at the end."""
    from rich.console import Group
    from rich.live import Live

    from gateway.errors import BanyanError

    with (
        suppress(KeyboardInterrupt),
        Live(console=console(), screen=True, auto_refresh=False) as live,
    ):
        while True:
            try:
                shown = Group(*_screen(client))
            except BanyanError as error:  # it may come back
                shown = Group(f"[red]{marked(str(error))}[/red]")
            live.update(shown, refresh=True)
            time.sleep(interval)


def _screen(client: "Client") -> Iterator["RenderableType"]:
    yield f"[dim]{marked(client.where)}[/dim]"
    yield from screen(fetch(client), client.ask("GET", "/workers"))


def screen(report: "RoutesReport", workers: dict[str, Any]) -> Iterator["RenderableType"]:
    """The plan, what is wrong, and a table: each route that is asked, legacy, and modern below it."""
    yield _plan(report, workers)
    for problem in problems(workers):
        yield f"[red]problem[/red] {marked(problem)}"
    for row in report.routes:
        yield from _judged(row)
    yield from _table(report)


def _judged(row: "RouteReport") -> Iterator[str]:
    """What the judge or a breaker does to a route, and what a person may do about it."""
    route = marked(row.route)
    if row.latch:
        yield f"[red]rolled back[/red] {marked(row.latch)}; once mended: banyan ack '{route}'"
    if row.ramp:
        yield f"[bold]ramp[/bold] {route} {marked(row.ramp)}"
    if row.breakers:
        count, why = len(row.breakers), next(iter(row.breakers.values()))
        workers = "1 worker" if count == 1 else f"{count} workers"
        yield f"[red]breaker[/red] {route} on {workers}, {marked(why)}"


def _plan(report: "RoutesReport", workers: dict[str, Any]) -> str:
    plan = report.plan
    if plan.version == 0:
        return "no plan yet · " + on_version(workers)
    state = " · [bold red]KILL SWITCH ON[/bold red]" if plan.kill_switch else ""
    who = f"by {marked(plan.actor)}: {marked(plan.reason)}" if plan.actor else ""
    behind = workers["alive"] != workers["current"]
    running = f"[red]{on_version(workers)}[/red]" if behind else on_version(workers)
    return f"plan version {plan.version} · phase {plan.phase}{state} · {running}\n[dim]{who}[/dim]"


def _table(report: "RoutesReport") -> Iterator["RenderableType"]:
    """Routes that have traffic or could have; the rest as a number."""
    shown = [row for row in report.routes if row.split or _asked(row)]
    quiet = sum(row.split == 0 and not _asked(row) for row in report.routes)
    rescued = any(row.rescued for row in shown)
    titles = ["split", "requests", "errors", *(["rescued"] if rescued else []), "p50", "p95"]
    rows = table(words("route"), *map(number, titles))
    for row in shown:
        rows.add_row(f"[bold]{marked(row.route)}[/bold]", _split(row))
        if _asked(row):
            rows.add_row("  legacy", "", *_cells(row.legacy, 0 if rescued else None))
            rows.add_row("  modern", "", *_cells(row.modern, row.rescued if rescued else None))
    if shown:
        yield rows
    if quiet:
        more = "more " if shown else ""
        s = "" if quiet == 1 else "s"
        yield f"[dim]{quiet} {more}route{s} at 0 % without a request; `banyan routes` lists all[/dim]"


def _asked(row: "RouteReport") -> int:
    return row.legacy.requests + row.modern.requests


def _split(row: "RouteReport") -> str:
    return "" if row.split is None else f"{row.split:g} %"


def _cells(stack: "StackReport", rescued: int | None) -> list[str]:
    """`rescued` is None where no route has any."""
    told = [] if rescued is None else [str(rescued or "")]
    if stack.error_rate is None:
        return ["0"]
    rate = f"{stack.error_rate:.2%}"
    return [
        str(stack.requests),
        f"[red]{rate}[/red]" if stack.errors else rate,
        *told,
        _milliseconds(stack.p50),
        _milliseconds(stack.p95),
    ]


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.1f} ms"
