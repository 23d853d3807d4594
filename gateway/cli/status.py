"""`banyan status`: the control plane's report as a table."""

import httpx
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from gateway.cli.text import marked
from gateway.control.app import RoutesReport
from gateway.control.report import RouteReport, StackReport
from gateway.errors import BanyanError
from gateway.settings import Settings


class NoControlPlane(BanyanError):
    """Nobody answers where the control plane should be."""


def fetch(settings: Settings) -> RoutesReport:
    """Asks the control plane. Raises NoControlPlane."""
    host = settings.control_host
    url = f"http://{f'[{host}]' if ':' in host else host}:{settings.control_port}"
    try:
        answer = httpx.get(f"{url}/api/v1/routes", timeout=5.0).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        hint = "start one with `banyan up`, or say where it is with --control-host, --control-port"
        raise NoControlPlane(f"no control plane at {url} ({error}); {hint}") from error
    return RoutesReport.model_validate_json(answer.content)


def show(report: RoutesReport, console: Console) -> None:
    """A line about the plan, then each route with its split, legacy, and modern right below it."""
    plan, workers = report.plan, report.workers
    state = " · KILL SWITCH ON" if plan.kill_switch else ""
    serving = f"{workers} worker{'' if workers == 1 else 's'}"
    console.print(f"plan version {plan.version} · phase {plan.phase}{state} · {serving}")
    if plan.running is not None and plan.running != plan.version:
        console.print(
            f"[red]workers run version {plan.running}[/red]: see their log, and {plan.file}"
        )
    for problem in plan.refused:
        console.print(f"[red]refused[/red] {marked(f'{plan.file}: {problem}')}", highlight=False)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for title in ("route", "split", "requests", "errors", "rescued", "p50", "p95"):
        table.add_column(title, justify="left" if title == "route" else "right")
    for row in report.routes:
        if row.split is None and not row.legacy.requests + row.modern.requests:
            continue
        table.add_row(f"[bold]{marked(row.route)}[/bold]", _split(row))
        table.add_row("  legacy", "", *_cells(row.legacy, 0))
        table.add_row("  modern", "", *_cells(row.modern, row.rescued))
    console.print(table)


def _split(row: RouteReport) -> str:
    return "" if row.split is None else f"{row.split:g} %"


def _cells(stack: StackReport, rescued: int) -> list[str]:
    if stack.error_rate is None:
        return ["0", "", "", "", ""]
    rate = f"{stack.error_rate:.2%}"
    return [
        str(stack.requests),
        f"[red]{rate}[/red]" if stack.errors else rate,
        str(rescued) if rescued else "",
        _milliseconds(stack.p50),
        _milliseconds(stack.p95),
    ]


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.1f} ms"
