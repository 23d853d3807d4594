"""How a command says what it has found, to programs, and that it could not."""

import json
from typing import NoReturn

import typer


def print_json(document: object) -> None:
    """What `--json` prints."""
    typer.echo(json.dumps(document, indent=2))


def fail(message: str, code: int) -> NoReturn:
    """Ends the command with one line on standard error."""
    typer.echo(f"banyan: {message}", err=True)
    raise typer.Exit(code)
