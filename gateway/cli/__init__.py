"""The `banyan` command. Exit codes: 0 done, 1 refused or not found, 2 usage or settings."""

import errno
import sys
from pathlib import Path
from typing import Final

from gateway import collector
from gateway.errors import BanyanError

_IN_THE_WAY: Final = "something that is no folder is in the way: move it, or name another place"
_NEXT: Final = {
    errno.ENOENT: "make its folder first",
    errno.EEXIST: _IN_THE_WAY,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EISDIR: "name a file in it",
    errno.ENOSPC: "make room on its disk",
}


def main() -> None:
    """The console script."""
    collector.put_off()
    from gateway.cli.commands import app

    # As gunicorn, uvicorn and flask do: `pkg.module:app` is looked for in the current folder too.
    sys.path.insert(0, str(Path.cwd()))
    try:
        app()
    except BanyanError as error:
        sys.stderr.write(f"banyan: {error}\n")
        sys.exit(error.exit_code)
    except OSError as error:  # a folder or a file that the settings or an option name
        sys.stderr.write(f"banyan: {_said(error)}\n")
        sys.exit(2)


def _said(error: OSError) -> str:
    if error.filename is None:
        return str(error)
    step = _NEXT.get(error.errno or 0, "is it the right place, and may this user write there?")
    return f"{error.filename}: {error.strerror}; {step}"
