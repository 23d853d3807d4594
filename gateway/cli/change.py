"""The commands that change the plan: each prints what changed, who moves, and how to undo it."""

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli import complete
from gateway.cli.flags import Json, Server
from gateway.cli.output import fail, print_json
from gateway.cli.text import printable

if TYPE_CHECKING:
    from gateway.cli.client import Client
    from gateway.plan.switch import HostSwitch
    from gateway.settings import Settings

_SHOWN = 5  # routes named one by one

Why = Annotated[str, typer.Option("--reason", help="Why; it stands in history for ever.")]
Here = Annotated[
    bool,
    typer.Option("--here", help="This host alone, by a file in `var`: works without the store."),
]
Expect = Annotated[
    int | None,
    typer.Option("--expect", help="Refuse if another version is in force.", min=1),
]


def shift(  # noqa: PLR0913, PLR0917 (each is an argument or option of the command)
    settings: "Settings",
    route: Annotated[
        str,
        typer.Argument(help="As in the plan: 'GET /api/balances'.", autocompletion=complete.routes),
    ],
    percent: Annotated[str, typer.Argument(help="Percent of the clients for modern, 0 to 100.")],
    reason: Why,
    expect: Expect = None,
    server: Server = None,
    json_: Json = False,
) -> None:
    """Change a route's split: how many of its clients modern answers."""
    body = {"route": route, "modern": _number(percent), "reason": reason}
    _change(settings, server, "PATCH", "/plan/routes", body, expect, json_)


def phase(  # noqa: PLR0913, PLR0917 (each is an argument or option of the command)
    settings: "Settings",
    phase: Annotated[
        str, typer.Argument(help="parallel, gradual or full", autocompletion=complete.phases)
    ],
    reason: Why,
    expect: Expect = None,
    server: Server = None,
    json_: Json = False,
) -> None:
    """Move the migration to another phase."""
    body = {"phase": phase, "reason": reason}
    _change(settings, server, "PUT", "/plan/phase", body, expect, json_)


def kill(
    settings: "Settings",
    reason: Why,
    here: Here = False,
    server: Server = None,
    json_: Json = False,
) -> None:
    """Send everything to legacy, now; the splits stay in the plan for `resume`."""
    if here:
        _kill_here(settings, reason, server, json_)
        return
    body = {"on": True, "reason": reason}
    _change(settings, server, "PUT", "/plan/kill-switch", body, None, json_)


def resume(
    settings: "Settings",
    reason: Why,
    here: Here = False,
    server: Server = None,
    json_: Json = False,
) -> None:
    """Switch the kill switch off: the splits decide again."""
    if here:
        _resume_here(settings, server, json_)
        return
    body = {"on": False, "reason": reason}
    _change(settings, server, "PUT", "/plan/kill-switch", body, None, json_)


def rollback(  # noqa: PLR0913, PLR0917 (each is an argument or option of the command)
    settings: "Settings",
    reason: Why,
    version: Annotated[
        int | None, typer.Argument(help="Default: the one before the current.", min=1)
    ] = None,
    expect: Expect = None,
    server: Server = None,
    json_: Json = False,
) -> None:
    """Make an earlier version of the plan the newest again."""
    body = {"version": version, "reason": reason}
    _change(settings, server, "POST", "/plan/rollback", body, expect, json_)


def apply(  # noqa: PLR0913, PLR0917 (each is an argument or option of the command)
    settings: "Settings",
    file: Annotated[Path, typer.Argument(help="A plan; `-` reads standard input.")],
    reason: Why,
    expect: Expect = None,
    server: Server = None,
    json_: Json = False,
) -> None:
    """Replace the whole plan with a file's."""
    from gateway.cli.planfile import named_plan_text, naming

    client = _client(settings, server)
    if expect is None:
        expect = _version(client)
    body = {"document": named_plan_text(file), "reason": reason}
    with naming(file):
        answer = client.ask("PUT", "/plan", body=body, version=expect)
    _changed(answer, json_)


def _kill_here(settings: "Settings", reason: str, server: str | None, json_: bool) -> None:
    from gateway.cli.client import here

    _host_switch(settings, server).turn_on(f"by {here().actor}: {reason}")
    said = "this host's workers go to legacy within a second"
    _told_here(settings, f"{said}\nundo: banyan resume --here --reason '…'", True, json_)


def _resume_here(settings: "Settings", server: str | None, json_: bool) -> None:
    was_on = _host_switch(settings, server).turn_off()
    said = "the plan decides again on this host" if was_on else "it was not on"
    _told_here(settings, said, False, json_)


def _host_switch(settings: "Settings", server: str | None) -> "HostSwitch":
    from gateway.plan.switch import HostSwitch

    if server is not None:
        fail("--here is this host, --server another one: leave one of them out", 2)
    return HostSwitch(settings.kill_path)


def _told_here(settings: "Settings", said: str, on: bool, json_: bool) -> None:
    if json_:
        print_json({"file": str(settings.kill_path), "on": on})
    else:
        typer.echo(f"{settings.kill_path}: {said}")


def _change(  # noqa: PLR0913, PLR0917 (one door for all that change something)
    settings: "Settings",
    server: str | None,
    method: str,
    path: str,
    body: Mapping[str, object],
    expect: int | None,
    json_: bool,
) -> None:
    client = _client(settings, server)
    _changed(client.ask(method, path, body=body, version=expect), json_)


def _client(settings: "Settings", server: str | None) -> "Client":
    from gateway.cli.client import client_of

    return client_of(settings, server)


def _version(client: "Client") -> int:
    """Of the plan in force, 0 if there is none."""
    found = client.ask("GET", "/versions", params={"limit": 1})["items"]
    return int(found[0]["version"]) if found else 0


def _number(percent: str) -> object:
    """As a number where it is one: the API names what is wrong with any other text."""
    text = percent.strip().removesuffix("%")
    try:
        number = int(text) if text.isdecimal() else float(text)
    except ValueError:
        return percent
    return number if isfinite(number) else percent


def _changed(answer: dict[str, Any], json_: bool) -> None:
    if json_:
        print_json(answer)
        return
    if not answer["changed"]:
        typer.echo(f"nothing to change: version {answer['version']} says so already")
        return
    came = (
        f"version {answer['previous']} → {answer['version']}" if answer["previous"] else "version 1"
    )
    typer.echo(f"{came}, live within a second; by {printable(answer['actor'])}")
    for line in changes(answer["changes"]):
        typer.echo(f"  {line}")
    for line in moves(answer["moved"]):
        typer.echo(f"  {line}")
    if answer["undo"]:
        typer.echo(f"undo: {answer['undo']}")


def changes(found: list[dict[str, Any]]) -> list[str]:
    """`GET /api/balances  modern 0 → 25`, one line for each value."""
    width = max((len(one["place"]) for one in found), default=0)
    return [printable(f"{one['place']:<{width}}  {_value(one)}".rstrip()) for one in found]


def _value(change: dict[str, Any]) -> str:
    before, after = change["before"], change["after"]
    name = f"{change['field']} " if change["field"] else ""
    if before is None:
        return f"{name}{after} (new)"
    return f"{name}{before} → {after}" if after is not None else f"{name}{before} (removed)"


def moves(found: dict[str, Any]) -> list[str]:
    """Who moves: a line for each of the first routes, and one for all of them together."""
    routes = found["routes"]
    lines = [_move(one) for one in routes[:_SHOWN]]
    if len(routes) > 1:
        about = "" if found["exact"] else "about "
        more = f" ({len(routes) - _SHOWN} routes more)" if len(routes) > _SHOWN else ""
        lines.append(
            f"all together{more}: {about}{found['moved']} of {found['clients']} clients move"
        )
    return [printable(line) for line in lines]


def _move(one: dict[str, Any]) -> str:
    if not one["clients"]:
        return f"{one['route']}: no client was seen in the last half hour"
    about = "" if one["exact"] else "about "
    parts = [
        f"{one[key]} {'moves' if one[key] == 1 else 'move'} to {stack}"
        for key, stack in (("to_modern", "modern"), ("to_legacy", "legacy"))
        if one[key]
    ]
    who = " and ".join(parts) or "none moves"
    s = "" if one["clients"] == 1 else "s"
    return f"{one['route']}: of {about}{one['clients']} client{s} seen lately, {about}{who}"
