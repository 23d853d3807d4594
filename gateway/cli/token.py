"""`banyan token`: make, list and revoke what the control plane is called with."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.flags import Json, Server, SettingsCommand, with_settings
from gateway.cli.look import when
from gateway.cli.output import fail, print_json
from gateway.cli.table import console, table, whole, words
from gateway.cli.text import marked

if TYPE_CHECKING:
    from gateway.settings import Settings

app = typer.Typer(no_args_is_help=True)


@app.command(cls=SettingsCommand)
@with_settings
def create(  # noqa: PLR0913, PLR0917 (each is an argument or option of the command)
    settings: "Settings",
    name: Annotated[str, typer.Argument(help="Whose: it stands in history as `api:<name>`.")],
    role: Annotated[str, typer.Option(help="viewer, operator or admin")] = "viewer",
    days: Annotated[
        float | None,
        typer.Option(help="Days until it expires; default: never.", min=0.001, max=3660),
    ] = None,
    server: Server = None,
    json_: Json = False,
) -> None:
    """Make a token and show it, this once."""
    body = {"name": name, "role": role, "ttl": None if days is None else days * 86_400}
    answer = _ask(settings, server, "POST", "/tokens", body)
    if json_:
        print_json(answer)
        return
    typer.echo(answer["token"])
    until = f"until {when(answer['expires'])}" if answer["expires"] else "until it is revoked"
    typer.echo(
        f"shown this once; {answer['role']}, valid {until}; "
        f"revoke: banyan token revoke {answer['id']}",
        err=True,
    )


@app.command("list", cls=SettingsCommand)
@with_settings
def list_(settings: "Settings", server: Server = None, json_: Json = False) -> None:
    """Show every token, without its secret."""
    answer = _ask(settings, server, "GET", "/tokens")
    if json_:
        print_json(answer)
        return
    made = whole("made"), words("by"), words("valid")
    rows = table(whole("id"), words("name"), whole("role"), *made)
    for one in answer:
        rows.add_row(
            one["id"],
            marked(one["name"]),
            one["role"],
            when(one["created"]),
            marked(one["created_by"]),
            _valid(one),
        )
    console().print(rows) if answer else typer.echo("no token yet: `banyan token create NAME`")


@app.command(cls=SettingsCommand)
@with_settings
def revoke(
    settings: "Settings",
    id_: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")],
    server: Server = None,
    json_: Json = False,
) -> None:
    """Make a token worthless, at once."""
    if not (id_.isascii() and id_.isalnum()):  # it becomes a part of a path
        fail(f"{id_!r} is no id of a token; `banyan token list` shows them", 1)
    _ask(settings, server, "DELETE", f"/tokens/{id_}")
    if json_:
        print_json({"id": id_, "revoked": True})
    else:
        typer.echo(f"{id_} opens nothing any more")


def _valid(token: dict[str, Any]) -> str:
    if token["revoked"]:
        return f"revoked {when(token['revoked'])}"
    # Without seconds: with them the table is wider than a terminal
    return f"until {when(token['expires'])[:-3]}" if token["expires"] else "until revoked"


def _ask(
    settings: "Settings", server: str | None, method: str, path: str, body: object = None
) -> Any:
    from gateway.cli.client import client_of

    return client_of(settings, server).ask(method, path, body=body)
