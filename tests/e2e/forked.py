"""Control planes that are up in a tenth of a second, to be killed: `python -m tests.e2e.forked`.

For each line on standard input it forks `banyan control`, with all imports done, and prints its id. The
line's number is that of the write to the store before which the process kills itself; 0: none.
"""

import os
import signal
import sys
from typing import Any

import sqlalchemy as sa

import gateway.control.app as _preloaded  # what takes the time of a start
from gateway.cli.launch import launch_control
from gateway.settings import Settings

_WRITES = "INSERT", "UPDATE", "DELETE"


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that were killed
    for line in sys.stdin:
        child = os.fork()
        if not child:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _die_before(int(line))
            os._exit(launch_control(Settings(control_port=0)))
        print(child, flush=True)  # noqa: T201 (its only output)


def _die_before(write: int) -> None:
    """A commit after a write counts as one: there a step is complete, and not yet there."""
    left, dirty = write, False

    def wrote() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def executed(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        nonlocal dirty
        if statement.startswith(_WRITES):
            dirty = True
            wrote()

    def committed(_connection: Any) -> None:
        nonlocal dirty
        if dirty:
            dirty = False
            wrote()

    if write:
        sa.event.listen(sa.Engine, "before_cursor_execute", executed)
        sa.event.listen(sa.Engine, "commit", committed)


if __name__ == "__main__":
    assert _preloaded
    main()
