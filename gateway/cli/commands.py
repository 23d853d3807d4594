"""The commands; each a thin call of what it names. Heavy imports stay inside, `--help` is quick."""

import json
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from gateway.cli.flags import with_settings
from gateway.cli.parity import parity
from gateway.cli.routes import app as routes
from gateway.settings import Settings

app = typer.Typer(
    name="banyan",
    help="An ASGI strangler-fig gateway between a Flask app and a FastAPI app.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
@with_settings
def up(settings: Settings) -> None:
    """Run gateway and control plane on this machine; the first start writes the traffic plan."""
    from gateway.cli.launch import launch

    raise typer.Exit(launch(settings, control=True))


@app.command()
@with_settings
def serve(settings: Settings) -> None:
    """Run the data plane only."""
    from gateway.cli.launch import launch

    raise typer.Exit(launch(settings, control=False))


@app.command()
@with_settings
def validate(
    settings: Settings, file: Annotated[Path, typer.Argument()], json_: Json = False
) -> None:
    """Check a traffic plan against what the stacks serve; 0 accepted, 1 refused."""
    from gateway.cli.explain import check

    problems, summary = check(settings, file)
    if json_:
        print_json({"accepted": not problems, "problems": problems})
    else:
        typer.echo("\n".join(problems) if problems else summary, err=bool(problems))
    raise typer.Exit(1 if problems else 0)


@app.command()
@with_settings
def explain(  # noqa: PLR0913, PLR0917 (each is an argument or option of the command)
    settings: Settings,
    method: Annotated[str, typer.Argument(help="GET, POST, …")],
    path: Annotated[str, typer.Argument(help="The path of the request.")],
    header: Annotated[list[str], typer.Option(help="`Name: value`; may be repeated.")] = [],
    client: Annotated[str, typer.Option(help="The client's address.")] = "127.0.0.1",
    json_: Json = False,
) -> None:
    """Say which stack would answer a request, and why: the decision of the hot path, step by step."""
    from gateway.cli.explain import explained

    trace = explained(settings, method, path, header, client)
    if json_:
        print_json(trace.as_json())
    else:
        typer.echo(trace.as_text())


@app.command()
@with_settings
def status(settings: Settings, json_: Json = False) -> None:
    """Show both stacks side by side on every route: split, requests, error rate, p50, p95."""
    from rich.console import Console

    from gateway.cli.status import fetch, show

    report = fetch(settings)
    if json_:
        typer.echo(report.model_dump_json(indent=2))
    else:
        show(report, Console())


@app.command()
@with_settings
def override(
    settings: Settings,
    stack: Annotated[str, typer.Argument(help="legacy or modern")],
    ttl: Annotated[int, typer.Option(help="Seconds until it expires.", min=1)] = 3600,
    json_: Json = False,
) -> None:
    """Print a signed header that sends a request to one stack, whatever the split says."""
    from time import time

    from gateway.override import Overrides
    from gateway.words import Stack

    if stack not in list(Stack):
        fail(f"{stack!r} is no stack: legacy or modern", 2)
    expires = int(time()) + ttl
    signed = Overrides(settings.secret_bytes()).sign(Stack(stack), expires)
    if json_:
        print_json({"header": "X-Banyan-Stack", "value": signed, "expires": expires})
    else:
        typer.echo(f"X-Banyan-Stack: {signed}")


app.command()(with_settings(parity))
app.add_typer(routes, name="routes")


def print_json(document: object) -> None:
    typer.echo(json.dumps(document, indent=2))


def fail(message: str, code: int) -> NoReturn:
    """Ends the command with one line on standard error."""
    typer.echo(f"banyan: {message}", err=True)
    raise typer.Exit(code)
