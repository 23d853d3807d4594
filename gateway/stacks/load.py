"""From a setting to an app or an address. Only settings name them, never a plan or a request."""

import importlib
import inspect
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

import structlog

from gateway.endpoints import Told
from gateway.inventory import told_by
from gateway.stacks.address import ImportString, Spawned, StackNotFound, parse_address

_log = structlog.get_logger()
_WSGI, _ASGI = 2, 3  # arguments that an app of the kind needs


def load(setting: str, value: str) -> Any:
    """The app that `value` (`pkg.module:app`, or a factory without arguments) names.

    A value that names a stack outside this process (`address.py`) is given as its address. `setting` is
    the setting's name, for the message. Raises StackNotFound, also for whatever the app's own code
    raises: it is foreign code, and a running gateway may be loading it.
    """
    address = parse_address(setting, value)
    if not isinstance(address, ImportString):
        return address
    module_name, _, attribute = value.partition(":")
    app = _import(setting, module_name)
    for name in attribute.split("."):
        if not hasattr(app, name):
            near = get_close_matches(name, dir(app), 1)
            hint = f"; the nearest name is {near[0]!r}" if near else ""
            raise StackNotFound(f"{setting}: {module_name!r} has no {attribute!r}{hint}")
        app = getattr(app, name)
    if _takes(app) == 0 and not inspect.iscoroutinefunction(app):
        app = _foreign(setting, value, app)
    if _takes(app) not in {_WSGI, _ASGI}:
        raise StackNotFound(
            f"{setting}={value!r} is no app and no factory without arguments: an app takes "
            "(environ, start_response) or (scope, receive, send)"
        )
    return app


def is_asgi(app: Callable[..., Any]) -> bool:
    """An ASGI app takes (scope, receive, send), a WSGI app (environ, start_response)."""
    return _takes(app) == _ASGI


def told_at(setting: str, value: str) -> Told:
    """What the app tells that a setting names, imported here wherever it runs; a server elsewhere is silent.

    Raises StackNotFound.
    """
    address = parse_address(setting, value)
    return told_by(load(setting, address.value if isinstance(address, Spawned) else value))


def _import(setting: str, module_name: str) -> Any:
    return _foreign(setting, module_name, lambda: importlib.import_module(module_name))


def _foreign(setting: str, name: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except ModuleNotFoundError as error:
        raise StackNotFound(f"{setting}: cannot import {name!r}: {error}") from error
    except (Exception, SystemExit) as error:
        _log.exception("stack.load_failed", name=name)
        what = f"{type(error).__name__}: {error}"
        raise StackNotFound(f"{setting}: loading {name!r} raised {what}") from error


def _takes(app: Any) -> int | None:
    """How many arguments it needs; None for what cannot be called or does not tell, and classes."""
    if not callable(app) or inspect.isclass(app):
        return None
    try:
        parameters = inspect.signature(app).parameters.values()
    except (TypeError, ValueError):
        return None
    return sum(
        parameter.default is parameter.empty
        and parameter.kind in {parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD}
        for parameter in parameters
    )
