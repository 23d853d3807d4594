"""The commands; each a thin call of what it names. Heavy imports stay inside, `--help` is quick."""

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli import change, explain, look, ramp, token
from gateway.cli.doctor import doctor
from gateway.cli.evidence import ack, evidence
from gateway.cli.flags import Json, SettingsCommand, with_settings
from gateway.cli.output import fail, print_json
from gateway.cli.parity import parity
from gateway.cli.routes import app as routes
from gateway.cli.status import status
from gateway.cli.whatif import whatif

if TYPE_CHECKING:
    from gateway.settings import Settings

app = typer.Typer(
    name="banyan",
    help="An ASGI strangler-fig gateway between a Flask app and a FastAPI app.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

_RUN, _CHANGE, _LOOK, _ASK = "Run", "Change the plan", "See what is", "Ask what would be"
_LET_IN, _JUDGE = "Let others in", "Judge modern"


@app.command(cls=SettingsCommand, rich_help_panel=_RUN)
@with_settings
def up(settings: "Settings") -> None:
    """Run gateway and control plane on this machine; the first start writes the traffic plan."""
    from gateway.cli.launch import launch

    raise typer.Exit(launch(settings, control=True))


@app.command(cls=SettingsCommand, rich_help_panel=_RUN)
@with_settings
def serve(settings: "Settings") -> None:
    """Run the data plane only."""
    from gateway.cli.launch import launch

    raise typer.Exit(launch(settings, control=False))


@app.command(cls=SettingsCommand, rich_help_panel=_RUN)
@with_settings
def control(settings: "Settings") -> None:
    """Run a control plane only; of several on one store, one leads and the others stand by."""
    from gateway.cli.launch import launch_control

    raise typer.Exit(launch_control(settings))


for panel, commands in (
    (
        _CHANGE,
        (change.shift, change.phase, change.kill, change.resume, change.rollback, change.apply),
    ),
    (_JUDGE, (evidence, ack)),
    (_LOOK, (status, look.workers, look.history, look.diff, look.export, look.audit)),
    (_ASK, (explain.validate, explain.explain, whatif, doctor)),
):
    for command in commands:
        app.command(cls=SettingsCommand, rich_help_panel=panel)(with_settings(command))
app.add_typer(routes, name="routes", rich_help_panel=_LOOK)
app.command(cls=SettingsCommand, rich_help_panel=_ASK)(with_settings(parity))
app.add_typer(
    ramp.app,
    name="ramp",
    help="Let a route's split rise by itself, on proof or on your word.",
    rich_help_panel=_JUDGE,
)
app.add_typer(
    token.app,
    name="token",
    help="Make, list and revoke tokens of the control plane.",
    rich_help_panel=_LET_IN,
)


@app.command(rich_help_panel=_ASK)
def schema() -> None:
    """Print the JSON schema of the traffic plan: editors complete and check the file with it."""
    from gateway.plan.schema import plan_schema

    print_json(plan_schema())


@app.command(cls=SettingsCommand, rich_help_panel=_CHANGE)
@with_settings
def override(
    settings: "Settings",
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
