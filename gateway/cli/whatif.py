"""`banyan whatif`: who would move if a split were another; asked of the workers, or read from access logs."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BufferedReader
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from gateway.cli import complete
from gateway.cli.flags import Json, Server
from gateway.cli.output import fail, print_json
from gateway.cli.table import console, number, table, words
from gateway.cli.text import marked, printable

if TYPE_CHECKING:
    from rich.table import Table

    from gateway.cli.client import Client
    from gateway.cli.forecast import Forecast
    from gateway.settings import Settings

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def whatif(  # noqa: PLR0913, PLR0917 (each is an argument or option of the command)
    settings: "Settings",
    routes: Annotated[
        list[str],
        typer.Argument(
            default_factory=list,
            help="'GET /api/balances', or patterns as in the plan; default: all that both serve.",
            show_default=False,
            autocompletion=complete.routes,
        ),
    ],
    percent: Annotated[str, typer.Argument(help="Percent of the clients for modern, 0 to 100.")],
    log: Annotated[
        list[str],
        typer.Option(help="Read an access log, `.gz` too; `-`: standard input. May be repeated."),
    ] = [],
    since: Annotated[
        str | None, typer.Option(help="Of the logs, only from then on: `2h`, `2026-11-26T10:00`.")
    ] = None,
    server: Server = None,
    json_: Json = False,
) -> None:
    """Show which clients a split would move. Changes nothing."""
    from gateway.cli.client import client_of

    client = client_of(settings, server)
    if log:
        _from_logs(client, routes, percent, _Logs(log, _start(since)), json_=json_)
    elif since is not None:
        fail("--since is for --log: workers tell of the last half hour", 2)
    else:
        _from_workers(client, routes, percent, json_=json_)


@dataclass(frozen=True, slots=True)
class _Logs:
    files: Sequence[str]
    since: float  # seconds since 1970


def _from_workers(client: "Client", routes: Sequence[str], percent: str, *, json_: bool) -> None:
    asked = routes or _split_routes(client)
    if not asked:
        fail("no route that both stacks serve is known; name one", 1)
    answers = [_asked(client, route, percent) for route in asked]
    if json_:
        print_json(answers[0] if len(routes) == 1 else answers)
        return
    for route, answer in zip(asked, answers, strict=True):
        if not routes and answer["routes"] and not answer["clients"]:
            continue  # of all routes those that somebody asks are of interest
        for line in _answered(route, answer, percent):
            typer.echo(printable(line))
    typer.echo("nothing was changed; clients are those of the last 15 to 30 minutes")


def _asked(client: "Client", route: str, percent: str) -> dict[str, Any]:
    from gateway.cli.answers import Refused

    params = {"route": route, "modern": percent.rstrip("%")}
    try:
        answer: dict[str, Any] = client.ask("GET", "/whatif", params=params)
    except Refused as refused:
        if refused.problem.get("code") != "plan_refused":
            raise
        # of a plan that nobody wrote: its lines say nothing
        fail("; ".join(one["message"] for one in refused.problem["problems"]), 1)
    return answer


def _split_routes(client: "Client") -> list[str]:
    return [
        row["route"] for row in client.ask("GET", "/routes")["routes"] if row["split"] is not None
    ]


def _answered(route: str, answer: dict[str, Any], percent: str) -> Iterator[str]:
    from gateway.cli.change import moves

    if not answer["routes"]:
        yield f"{route}: nothing changes: it has {percent} %, or its phase or the kill switch decides"
    for one in answer["routes"]:
        yield f"{one['route']}  modern {one['before']:g} → {one['after']:g} %"
    for line in moves(answer):
        yield f"  {line}"


def _from_logs(
    client: "Client", routes: Sequence[str], percent: str, logs: _Logs, *, json_: bool
) -> None:
    from gateway.cli.forecast import forecast, in_force
    from gateway.cli.logfile import lines_of
    from gateway.whatif import read_log

    buckets = _buckets(percent)
    lines = chain.from_iterable(lines_of(file, _standard_input()) for file in logs.files)
    seen = read_log(lines, logs.since)
    found = forecast(seen, in_force(client), routes, buckets)
    if found.unknown:
        fail(f"{found.unknown[0]!r} is neither in the plan nor in the log{found.hint}", 1)
    if json_:
        print_json(found.document())
    else:
        _show(found)


def _buckets(percent: str) -> int:
    from pydantic import TypeAdapter, ValidationError

    from gateway.plan.numbers import Percent, buckets

    try:
        number: float | str = float(percent.strip().removesuffix("%"))
    except ValueError:
        number = percent
    try:
        return buckets(TypeAdapter(Percent).validate_python(number))
    except ValidationError as error:
        fail(error.errors()[0]["msg"].removeprefix("Value error, "), 2)


def _start(since: str | None) -> float:
    """`2h` before now, or a time; without a zone it is this machine's."""
    from time import time

    if since is None:
        return 0.0
    number, unit = since[:-1], since[-1:]
    if unit in _UNITS and number.replace(".", "", 1).isdecimal():
        return time() - float(number) * _UNITS[unit]
    try:
        return datetime.fromisoformat(since).astimezone().timestamp()
    except (ValueError, OverflowError):
        fail(f"--since {since!r} is no time: give 30m, 2h, 7d or 2026-11-26T10:00", 2)


def _standard_input() -> BufferedReader:
    return cast("BufferedReader", sys.stdin.buffer)


def _show(found: "Forecast") -> None:
    if found.rows:
        console().print(_table(found))
    for line in found.notes:
        typer.echo(printable(line))


def _table(found: "Forecast") -> "Table":
    """When a route was asked stands below its name: six columns fill a terminal."""
    titles = "modern %", "clients", "move", "requests", "theirs"
    shown = table(words("route"), *map(number, titles))
    for row in found.rows:
        asked = "" if row.first is None or row.last is None else _span(row.first, row.last)
        shown.add_row(
            f"{marked(row.route)}\n[dim]{asked or 'not in the log'}[/dim]",
            f"{row.before:g} → {row.after:g}",
            str(row.clients),
            str(row.moving),
            str(row.requests),
            f"{row.theirs} ({row.share:.0%})",
        )
    return shown


def _span(first: float, last: float) -> str:
    """Local time: `11-26 09:58 to 10:31`."""
    begin, end = (datetime.fromtimestamp(at).astimezone() for at in (first, last))
    until = f"{end:%H:%M}" if begin.date() == end.date() else f"{end:%m-%d %H:%M}"
    return f"{begin:%m-%d %H:%M} to {until}"
