"""What was found out about the two stacks."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.doctor.case import Case
from gateway.doctor.model import Finding, ok, warning
from gateway.words import Stack


def check_stacks(case: Case) -> Iterator[Finding]:
    """Each is named, and can be loaded or reached."""
    for stack in Stack:
        yield from case.stacks[stack].result().findings


def check_debug(case: Case) -> Iterator[Finding]:
    """No debugger in the apps that are loaded, and no way in beside them."""
    yield from _control_sockets(case.around.environ)
    loaded = [case.stacks[stack].result() for stack in Stack]
    found = [finding for one in loaded for finding in one.debug]
    asked = any(one.told is not None and one.told.served for one in loaded)
    yield from found or ([ok("no debugger in the apps")] if asked else [ok("no app to look into")])


def _control_sockets(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Where gunicorn 27 opens one unless it is told not to: the same for all of a user's instances."""
    runtime, home = environ.get("XDG_RUNTIME_DIR"), environ.get("HOME")
    places = [
        runtime and Path(runtime, "gunicorn.ctl"),
        home and Path(home, ".gunicorn/gunicorn.ctl"),
    ]
    for place in places:
        if place and place.is_socket():
            yield warning(
                f"a gunicorn has its control socket at {place}: the next one of this user takes it over",
                "start it with --no-control-socket, as the project's gunicorn.conf.py says",
            )
