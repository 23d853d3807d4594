"""`banyan parity`: both apps asked the same generated questions, and a verdict on each route."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.table import console, number, table, whole, words
from gateway.cli.text import marked
from gateway.shadow.difference import Kind

if TYPE_CHECKING:
    from rich.table import Table

    from gateway.parity.model import Finding, Report
    from gateway.settings import Settings


def parity(  # noqa: PLR0913, PLR0917 (each is an argument or option of the command)
    settings: "Settings",
    routes: Annotated[
        list[str] | None, typer.Argument(help="Routes or patterns; default: all.")
    ] = None,
    budget: Annotated[int, typer.Option(min=1, help="Requests per route.")] = 60,
    fresh: Annotated[
        list[str],
        typer.Option(
            help="NAME=VALUE for the stacks' environment, `{folder}` a new empty folder for each; says "
            "that they may be written to. May be repeated."
        ),
    ] = [],
    examples: Annotated[Path | None, typer.Option(help="YAML: ids, tokens, bodies.")] = None,
    rules: Annotated[
        Path | None, typer.Option(help="What is accepted; default: parity.yaml beside the plan.")
    ] = None,
    accept: Annotated[str | None, typer.Option(help="Accept what stands on a route.")] = None,
    path: Annotated[str | None, typer.Option(help="With --accept: at this path only.")] = None,
    class_: Annotated[
        Kind | None, typer.Option("--class", help="With --accept: of this class only.")
    ] = None,
    reason: Annotated[str, typer.Option(help="With --accept: why.")] = "",
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="With --accept: the last day; default: in 90 days."
        ),
    ] = None,
    values: Annotated[bool, typer.Option("--values", help="Keep values, not only types.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ask both apps the same questions and compare the answers: 0 nothing is unexplained, 1 something is."""
    from gateway.parity import command
    from gateway.parity.accept import Selector
    from gateway.parity.model import Verdict
    from gateway.parity.rules import read_rules

    file, today = rules or settings.plan.with_name("parity.yaml"), datetime.now(UTC).date()
    if accept is not None:
        signature = command.signature(reason, until.date() if until else None, today)
        for rule in command.accepted(settings, file, Selector(accept, path, class_), signature):
            typer.echo(f"{file}: {rule}")
        return
    asked = command.wanted(settings, routes or [], budget, fresh, examples)
    report, complaints = command.probed(asked, read_rules(file), values=values)
    _print(report, complaints, json_=json_)
    verdicts = {one.verdict for one in report.routes.values()}
    raise typer.Exit(1 if Verdict.UNEXPLAINED in verdicts else 0)


def _print(report: "Report", complaints: list[str], *, json_: bool) -> None:
    if json_:
        from pydantic import TypeAdapter

        from gateway.parity.model import Report

        document = TypeAdapter(Report).dump_python(report, mode="json")
        typer.echo(json.dumps({**document, "rules": complaints}, indent=2))
    else:
        _show(report, complaints, datetime.now(UTC).date())


def _show(report: "Report", complaints: list[str], today: date) -> None:
    """A line per route, then each difference that stands, then what is wrong with the rules."""
    shown = console()
    shown.print(_table(report, today))
    for one in report.routes.values():
        for finding in one.standing(today):
            shown.print(_line(one.route, finding), soft_wrap=True)
    for complaint in complaints:
        shown.print(f"[yellow]rule[/] {marked(complaint)}", soft_wrap=True)
    shown.print(_summary(report), soft_wrap=True)


def _table(report: "Report", today: date) -> "Table":
    titles = "probes", "open", "explained"
    shown = table(words("route"), whole("verdict"), *map(number, titles))
    for one in report.routes.values():
        standing = len(one.standing(today))
        explained = len(one.findings) - standing
        counts = (str(one.probes or ""), str(standing or ""), str(explained or ""))
        note = f"\n[dim]{marked(one.note)}[/]" if one.note else ""
        shown.add_row(f"{marked(one.route)}{note}", one.verdict, *counts)
    return shown


def _line(route: str, finding: "Finding") -> str:
    values = f"expected {finding.expected}, got {finding.got}"
    where = f"{finding.count} probes, first {finding.probe}"
    text = marked(f"{finding.path}  {finding.kind}: {values}; {where}")
    return f"[red]{marked(route)}[/]  {text}"


def _summary(report: "Report") -> str:
    from gateway.parity.model import Verdict

    verdicts = [one.verdict for one in report.routes.values()]
    counts = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in Verdict)
    probes = sum(one.probes for one in report.routes.values())
    s = "" if len(verdicts) == 1 else "s"
    return f"{len(verdicts)} route{s}: {counts}; {probes} probes to each stack"
