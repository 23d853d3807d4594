"""Every setting is a flag: `--control-port 9001` is BANYAN_CONTROL_PORT=9001 for this command."""

import functools
import inspect
import os
from collections.abc import Callable
from typing import Annotated, Any, Final

import typer
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from gateway.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Server = Annotated[
    str | None,
    typer.Option(
        "--server",
        help="URL of a control plane, with the token in BANYAN_TOKEN; default: this machine's store. "
        "[BANYAN_SERVER]",
        show_default=False,
    ),
]

# A secret on a command line is in everybody's process list; a webhook's URL often holds one
_HIDDEN: Final = frozenset({"secret", "webhook", "webhook_secret"})
_KINDS: Final = (bool, int, float)


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command, whose first parameter is `settings`, one option per setting.

    Options win over the environment. What is given is exported, so that worker processes read the
    same settings. Wrong values end with exit code 2 and name the setting.
    """
    parameters = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    names = [name for name in Settings.model_fields if name not in _HIDDEN]
    options = [_option(name, Settings.model_fields[name]) for name in names]

    @functools.wraps(command)
    def wrapped(**given: Any) -> None:
        for name in names:
            value = given.pop(name)
            if value is not None:
                os.environ[variable(name)] = str(value)
        settings = read_settings()
        try:
            command(settings, **given)
        except (LookupError, TypeError, ValidationError) as error:
            from gateway.cli.answers import SERVER, OtherVersion

            where = given.get("server") or os.environ.get(SERVER)
            if not where:
                raise  # our own mistake
            raise OtherVersion(where, _missed(error)) from error

    wrapped.__signature__ = inspect.Signature([*parameters, *options])  # type: ignore[attr-defined]
    return wrapped


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"{Settings.model_config['env_prefix']}{name.upper()}"


def read_settings() -> Settings:
    """The settings of this process; exits with 2 and every wrong one named."""
    try:
        return Settings()
    except ValidationError as error:
        for details in error.errors():
            field = str(details["loc"][0])
            shown = "" if field in _HIDDEN else f"={details['input']!r}"
            typer.echo(f"banyan: {variable(field)}{shown}: {details['msg']}", err=True)
        raise typer.Exit(2) from error


def _missed(error: Exception) -> str:
    """What an answer lacks, or has that we do not know."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return f"no {error}" if isinstance(error, LookupError) else str(error)


def _option(name: str, field: FieldInfo) -> inspect.Parameter:
    kind = next((kind for kind in _KINDS if field.annotation is kind), str)
    option = typer.Option(
        help=f"{field.description} [{variable(name)}]",
        show_default=False,
        rich_help_panel="Settings",
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, option],
    )
