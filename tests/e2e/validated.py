"""The legacy app of a test behind wsgiref's validator, which holds server and app to PEP 3333.

`BANYAN_LEGACY=tests.e2e.validated:app`, or `gunicorn 'tests.e2e.validated:app()'`; the app itself is named
by VALIDATED. What the validator finds is an AssertionError on standard error, where `started` looks.
`validated` makes both settings.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any, BinaryIO, Final, cast
from wsgiref.validate import validator

WSGIApp = Callable[[dict[str, Any], Any], Iterable[bytes]]

NAMED_BY: Final = "VALIDATED"
FACTORY: Final = f"{__name__}:app"


def app() -> "Validated":
    """The app that VALIDATED names, else the trading system's."""
    module, _, name = os.environ.get(NAMED_BY, "legacy_flask.wsgi:app").partition(":")
    return Validated(getattr(import_module(module), name))


def validated(environ: dict[str, str]) -> dict[str, str]:
    """The same settings of a process, but with its legacy app behind the validator."""
    process, named_so, name = environ["BANYAN_LEGACY"].rpartition("process:")
    return {**environ, NAMED_BY: name, "BANYAN_LEGACY": f"{process}{named_so}{FACTORY}"}


class Validated:
    """Between two servers' eyes the app: its `url_map` and `extensions` are looked for by both."""

    def __init__(self, inner: WSGIApp) -> None:
        self._inner = inner
        self._validated = cast("WSGIApp", validator(cast("Any", _reading(inner))))

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return self._validated(environ, start_response)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def _reading(inner: WSGIApp) -> WSGIApp:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["wsgi.input"] = _Input(environ["wsgi.input"])
        return inner(environ, start_response)

    return app


class _Input:
    """A file that may be read without a size.

    Werkzeug does so where the input says that it ends by itself (`wsgi.input_terminated`, which PEP 3333
    does not know); the validator wants a size with every call, and forgets it in its own `__iter__`.
    """

    def __init__(self, checked: BinaryIO) -> None:
        self._checked = checked

    def read(self, size: int = -1) -> bytes:
        return self._checked.read(size)

    def readline(self, size: int = -1) -> bytes:
        return self._checked.readline(size)

    def readlines(self, hint: int = -1) -> list[bytes]:
        return self._checked.readlines(hint)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")
