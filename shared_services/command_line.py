"""What this process was told by whoever started its server, read before the server listens. Pure."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

EVERYWHERE: Final = "0.0.0.0"


class CommandLine:
    """The options of uvicorn, gunicorn and banyan; their variables count where an option is absent."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self._arguments = arguments
        self._environment = environment

    def addresses(self) -> list[str]:
        """None if it names none: every server then binds to the loopback address, or to a socket."""
        named = self._named(("--host", "--bind", "-b"), ("UVICORN_HOST", "BANYAN_HOST"))
        return [_host(value) for value in named if not value.startswith(("unix:", "fd://"))]

    def workers(self) -> int:
        variables = ("UVICORN_WORKERS", "BANYAN_WORKERS", "WEB_CONCURRENCY")
        named = self._named(("--workers", "-w"), variables)
        return int(named[-1]) if named and named[-1].isdecimal() else 1

    def _named(self, options: tuple[str, ...], variables: tuple[str, ...]) -> list[str]:
        gunicorn = shlex.split(self._environment.get("GUNICORN_CMD_ARGS", ""))
        return (
            list(_values(options, self._arguments))
            or list(_values(options, gunicorn))
            or [value for name in variables if (value := self._environment.get(name))]
        )


def _values(options: tuple[str, ...], arguments: Sequence[str]) -> Iterator[str]:
    """`--bind=x`, `--bind x`, `-b x` and `-bx`."""
    for place, argument in enumerate(arguments):
        option, equals, value = argument.partition("=")
        if equals and option in options:
            yield value
        elif argument in options:
            yield from arguments[place + 1 : place + 2]
        elif not argument.startswith("--") and argument[:2] in options:
            yield argument[2:]


def _host(value: str) -> str:
    """That of `host:port`, `[host]:port` or `host`; nothing before the colon is everywhere."""
    if value.startswith("["):
        return value[1:].partition("]")[0]
    host, _, rest = value.partition(":")
    return value if ":" in rest else host or EVERYWHERE
