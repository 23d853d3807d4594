"""Every setting is a flag: `--control-port 9001` is BANYAN_CONTROL_PORT=9001 for this command.

A command has some fifty of them, and there are thirty commands: they are made for the one that runs,
when it asks for its options. The list of all commands needs neither them nor pydantic.
"""

import functools
import inspect
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
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


class SettingsCommand(TyperCommand):
    """A command that takes one option per setting, beside its own."""

    def get_params(self, ctx: Any) -> list[Any]:
        return [*super().get_params(ctx), *_options()]


class SettingsGroup(TyperGroup):
    """Likewise a command that has others below it."""

    def get_params(self, ctx: Any) -> list[Any]:
        return [*super().get_params(ctx), *_options()]


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command, whose first parameter is `settings`, what environment and options say.

    It is registered as a SettingsCommand. Wrong values end with exit code 2 and name the setting.
    """
    parameters = list(inspect.signature(command).parameters.values())[1:]

    @functools.wraps(command)
    def wrapped(**given: Any) -> None:
        from pydantic import ValidationError

        settings = read_settings()
        try:
            command(settings, **given)
        except (LookupError, TypeError, ValidationError) as error:
            from gateway.cli.answers import SERVER, OtherVersion

            where = given.get("server") or os.environ.get(SERVER)
            if not where:
                raise  # our own mistake
            raise OtherVersion(where, _missed(error)) from error

    wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
    wrapped.__annotations__ = {one.name: one.annotation for one in parameters}
    return wrapped


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"BANYAN_{name.upper()}"


def read_settings() -> "Settings":
    """The settings of this process; exits with 2 and every wrong one named."""
    from pydantic import ValidationError

    from gateway.settings import Settings

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
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return f"no {error}" if isinstance(error, LookupError) else str(error)


@functools.cache
def _options() -> list[Any]:
    """An option for each setting, as typer makes them of a function's parameters."""
    from gateway.settings import Settings

    def settings(**_given: None) -> None: ...

    fields = Settings.model_fields.items()
    parameters = [_option(name, field) for name, field in fields if name not in _HIDDEN]
    settings.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
    app = typer.Typer(add_completion=False)
    app.command()(settings)
    return typer.main.get_command(app).params


def _option(name: str, field: "FieldInfo") -> inspect.Parameter:
    kind = next((kind for kind in _KINDS if field.annotation is kind), str)
    option = typer.Option(
        help=f"{field.description} [{variable(name)}]",
        show_default=False,
        rich_help_panel="Settings",
        callback=_export,
        expose_value=False,
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, option],
    )


def _export(option: typer.CallbackParam, value: object) -> None:
    """An option wins over the environment, and worker processes read the same settings."""
    if value is not None:
        os.environ[variable(str(option.name))] = str(value)
