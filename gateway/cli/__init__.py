"""The `banyan` command. Exit codes: 0 done, 1 refused or not found, 2 usage or settings."""

import sys
from pathlib import Path

from gateway.errors import BanyanError


def main() -> None:
    """The console script."""
    from gateway.cli.commands import app

    # As gunicorn, uvicorn and flask do: `pkg.module:app` is looked for in the current folder too.
    sys.path.insert(0, str(Path.cwd()))
    try:
        app()
    except BanyanError as error:
        sys.stderr.write(f"banyan: {error}\n")
        sys.exit(error.exit_code)
    except OSError as error:  # a folder or a file that the settings name
        sys.stderr.write(f"banyan: {error}\n")
        sys.exit(2)
