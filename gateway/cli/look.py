"""The commands that look at what was changed: history, diff, export, audit, workers."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gateway.cli.change import changes
from gateway.cli.flags import Json, Server
from gateway.cli.output import fail, print_json
from gateway.cli.table import console, number, table, whole, words
from gateway.cli.text import marked, printable

if TYPE_CHECKING:
    from rich.table import Table

    from gateway.settings import Settings

NOTHING_YET: Final = (
    "there is no plan yet: `banyan up` writes the first one, `banyan apply FILE` takes yours"
)

Limit = Annotated[int, typer.Option("--limit", help="Lines.", min=1, max=500)]


def history(
    settings: "Settings", limit: Limit = 20, server: Server = None, json_: Json = False
) -> None:
    """Show who changed the plan, when and why; the newest first."""
    answer = _ask(settings, server, "/versions", {"limit": limit})
    if json_:
        print_json(answer)
        return
    rows = table(number("version"), whole("when"), words("who"), words("reason"))
    for one in answer["items"]:
        cells = marked(one["actor"]), marked(one["reason"])
        rows.add_row(str(one["version"]), when(one["at"]), *cells)
    _print(rows, "no version yet: `banyan up` or `banyan apply FILE` makes the first")


def diff(
    settings: "Settings",
    first: Annotated[
        int | None, typer.Argument(help="Default: the version before SECOND.", min=1)
    ] = None,
    second: Annotated[int | None, typer.Argument(help="Default: the newest.", min=1)] = None,
    server: Server = None,
    json_: Json = False,
) -> None:
    """Show what changed between two versions of the plan; by default with the last change."""
    version = second or _newest(settings, server)
    params = {} if first is None else {"before": first}
    answer = _ask(settings, server, f"/versions/{version}/diff", params)
    if json_:
        print_json(answer)
        return
    typer.echo(f"version {answer['before'] or 'nothing'} → {answer['after']}")
    for line in changes(answer["changes"]) or ["the same plan"]:
        typer.echo(f"  {line}")
    typer.echo("")
    for line in answer["text"].splitlines():
        typer.echo(printable(line))


def export(
    settings: "Settings",
    version: Annotated[int | None, typer.Option(help="Default: the newest.", min=1)] = None,
    output: Annotated[Path | None, typer.Option(help="A file; default: standard output.")] = None,
    server: Server = None,
    json_: Json = False,
) -> None:
    """Write a version of the plan as YAML, comments included: what `apply` takes."""
    path = "/plan" if version is None else f"/versions/{version}"
    answer = _ask(settings, server, path)
    if json_:
        print_json(answer)
    elif output is None:
        typer.echo(answer["document"], nl=not answer["document"].endswith("\n"))
    else:
        output.write_text(answer["document"], encoding="utf-8")
        typer.echo(f"{output}: version {answer['version']}")


def audit(
    settings: "Settings", limit: Limit = 20, server: Server = None, json_: Json = False
) -> None:
    """Show every change, token and refused attempt; the newest first."""
    answer = _ask(settings, server, "/audit", {"limit": limit})
    if json_:
        print_json(answer)
        return
    rows = table(whole("when"), words("who"), words("from"), words("what"))
    for one in answer["items"]:
        what = f"{one['action']} {one['subject']}".strip()
        made = f" → version {one['version']}" if one["version"] else ""
        why = f"\n[dim]{marked(one['reason'])}[/dim]" if one["reason"] else ""
        cells = (when(one["at"]), marked(one["actor"]), marked(one["origin"]))
        rows.add_row(*cells, marked(what + made) + why)
    _print(rows, "nothing has happened yet")


def workers(settings: "Settings", server: Server = None, json_: Json = False) -> None:
    """Show every worker of every host: its version, and what keeps it from another."""
    answer = _ask(settings, server, "/workers")
    if json_:
        print_json(answer)
        return
    titles = number("pid"), number("version"), whole("hears"), number("seen"), whole("since")
    rows = table(words("host"), *titles)
    for one in answer["items"]:
        version = str(one["version"]) if one["alive"] else "gone"
        behind = one["alive"] and one["version"] != answer["version"]
        rows.add_row(
            marked(one["host"]),
            str(one["pid"]),
            f"[red]{version}[/red]" if behind else version,
            "at once" if one["listening"] else "by looking",
            f"{one['age']:.0f} s ago",
            when(one["started"]),
        )
    _print(rows, "no worker has told anything: does `banyan up` or `serve` run?")
    typer.echo(on_version(answer))
    for problem in problems(answer):
        typer.echo(f"problem: {printable(problem)}")


def on_version(answer: dict[str, Any]) -> str:
    """`12 of 12 workers on version 41`."""
    alive = answer["alive"]
    return f"{answer['current']} of {alive} worker{'' if alive == 1 else 's'} on version {answer['version']}"


def problems(answer: dict[str, Any]) -> list[str]:
    """What the living workers say, each once; and hosts that do not share the secret."""
    told = [problem for one in answer["items"] if one["alive"] for problem in one["problems"]]
    if answer["secrets"] > 1:
        told.append("hosts have different secrets: set the same BANYAN_SECRET, or clients flip")
    return list(dict.fromkeys(told))


def when(at: float) -> str:
    """Local time, to the second."""
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _newest(settings: "Settings", server: str | None) -> int:
    found = _ask(settings, server, "/versions", {"limit": 1})["items"]
    if not found:
        fail(NOTHING_YET, 1)
    return int(found[0]["version"])


def _ask(
    settings: "Settings", server: str | None, path: str, params: dict[str, Any] | None = None
) -> Any:
    from gateway.cli.client import client_of

    return client_of(settings, server).ask("GET", path, params=params)


def _print(rows: "Table", otherwise: str) -> None:
    if rows.row_count:
        console().print(rows)
    else:
        typer.echo(otherwise)
