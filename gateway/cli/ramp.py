"""`banyan ramp`: a split that rises by itself, on proof or on somebody's word."""

from math import isfinite
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.evidence import Route, Why
from gateway.cli.flags import Json, Server, SettingsCommand, with_settings
from gateway.cli.output import print_json
from gateway.cli.table import console, number, table, whole, words
from gateway.cli.text import marked, printable

if TYPE_CHECKING:
    from gateway.settings import Settings

app = typer.Typer(no_args_is_help=True)
Steps = Annotated[
    str | None, typer.Option(help="Percentages, as in 1,5,25,100; default: the plan's.")
]


@app.command(cls=SettingsCommand)
@with_settings
def start(  # noqa: PLR0913, PLR0917 (each is an argument or option of the command)
    settings: "Settings",
    route: Route,
    reason: Why,
    steps: Steps = None,
    hold: Annotated[str | None, typer.Option(help="On each step at least, as in 30m.")] = None,
    minimum: Annotated[
        int | None, typer.Option(help="Requests to modern on each step.", min=1)
    ] = None,
    margin: Annotated[
        str | None, typer.Option(help="Proof needed: less than so many times as bad, as in 2.")
    ] = None,
    approve: Annotated[
        str | None, typer.Option(help="Steps that a person must let begin, as in 50,100.")
    ] = None,
    server: Server = None,
    json_: Json = False,
) -> None:
    """Let a route's split rise by itself, by the plan's `ramp` or by these options."""
    given = {
        "steps": _percentages(steps),
        "hold": hold,
        "minimum": minimum,
        "margin": None if margin is None else _number(margin),
        "approve": _percentages(approve),
    }
    body = {name: value for name, value in given.items() if value is not None}
    _act(settings, server, "", {**body, "route": route, "reason": reason}, json_)


@app.command(cls=SettingsCommand)
@with_settings
def status(settings: "Settings", server: Server = None, json_: Json = False) -> None:
    """Show every ramp: where it stands, and what it waits for."""
    answer = _ask(settings, server, "GET", "/ramps")
    if json_:
        print_json(answer)
        return
    rows = table(words("route"), whole("state"), number("step"), number("next"), words("why"))
    for one in answer:
        after = one["following"]
        rows.add_row(
            marked(one["route"]),
            one["state"],
            f"{one['split']:g} %",
            "" if after is None else f"{after:g} %",
            marked(one["why"] or "not looked at yet"),
        )
    console().print(rows) if answer else typer.echo("no ramp yet: `banyan ramp start ROUTE`")


@app.command(cls=SettingsCommand)
@with_settings
def advance(  # noqa: PLR0913, PLR0917 (each is an argument or option of the command)
    settings: "Settings",
    route: Route,
    reason: Why,
    to: Annotated[str | None, typer.Option(help="One of its steps; default: the next.")] = None,
    server: Server = None,
    json_: Json = False,
) -> None:
    """Take the next step now, or jump to a later one."""
    body = {"route": route, "reason": reason, **({} if to is None else {"to": _number(to)})}
    _act(settings, server, "/advance", body, json_)


def _act_command(name: str, help_: str) -> None:
    """A command that says which ramp, and why, and nothing else."""

    def command(
        settings: "Settings", route: Route, reason: Why, server: Server = None, json_: Json = False
    ) -> None:
        _act(settings, server, f"/{name}", {"route": route, "reason": reason}, json_)

    app.command(name, cls=SettingsCommand, help=help_)(with_settings(command))


def _percentages(text: str | None) -> list[object] | None:
    return None if text is None else [_number(part) for part in text.split(",")]


def _number(text: str) -> object:
    """As a number where it is one: the API names what is wrong with any other text."""
    bare = text.strip().removesuffix("%")
    try:
        number = int(bare) if bare.isdecimal() else float(bare)
    except ValueError:
        return text
    return number if isfinite(number) else text


def _act(
    settings: "Settings", server: str | None, path: str, body: dict[str, Any], json_: bool
) -> None:
    answer = _ask(settings, server, "POST", f"/ramps{path}", body)
    if json_:
        print_json(answer)
        return
    typer.echo(f"{printable(answer['route'])}: {printable(_stands(answer))}")
    if answer["why"]:
        typer.echo(f"  {printable(answer['why'])}")


def _stands(ramp: dict[str, Any]) -> str:
    """`running at 5 %, next 25 %, approved by cli:ann`."""
    where, after = f"{ramp['state']} at {ramp['split']:g} %", ramp["following"]
    if ramp["state"] not in {"running", "paused"}:
        return where
    if after is None:
        return f"{where}, its last step"
    who = ramp["approved"].get(f"{after:g}")
    return f"{where}, next {after:g} %" + (f", approved by {who}" if who else "")


def _ask(
    settings: "Settings", server: str | None, method: str, path: str, body: object = None
) -> Any:
    from gateway.cli.client import client_of

    return client_of(settings, server).ask(method, path, body=body)


for _name, _help in (
    ("pause", "Take no further step until it is resumed; the guard goes on watching."),
    ("resume", "Go on where it was paused."),
    (
        "approve",
        "Let the next step begin without a proof; its time and its requests it still needs.",
    ),
    ("abort", "End it: the split stays where it is, and is shifted by hand from now on."),
):
    _act_command(_name, _help)
