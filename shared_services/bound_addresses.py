"""Where this process was told to listen; asked at the entry, before a server does. Pure."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

_OPTIONS: Final = ("--host", "--bind", "-b")  # of uvicorn, banyan and gunicorn
_VARIABLES: Final = ("UVICORN_HOST", "BANYAN_HOST")
EVERYWHERE: Final = "0.0.0.0"


def bound_addresses(arguments: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """The addresses in a server's command line, or else in its variables; none if it names none.

    Every server we support then binds to the loopback address. Unix sockets are left out.
    """
    gunicorn = shlex.split(environment.get("GUNICORN_CMD_ARGS", ""))
    named = list(_values(arguments)) or list(_values(gunicorn))
    named = named or [environment[name] for name in _VARIABLES if environment.get(name)]
    return [_address(value) for value in named if not value.startswith(("unix:", "fd://"))]


def _values(arguments: Sequence[str]) -> Iterator[str]:
    """`--bind=x`, `--bind x`, `-b x` and `-bx`."""
    for place, argument in enumerate(arguments):
        option, equals, value = argument.partition("=")
        if equals and option in _OPTIONS:
            yield value
        elif argument in _OPTIONS:
            yield from arguments[place + 1 : place + 2]
        elif argument.startswith("-b"):
            yield argument[2:]


def _address(value: str) -> str:
    """The host of `host:port`, `[host]:port` or `host`; nothing before the colon is everywhere."""
    if value.startswith("["):
        return value[1:].partition("]")[0]
    host, colon, _ = value.partition(":")
    return value if ":" in value.removeprefix(f"{host}{colon}") else host or EVERYWHERE
