"""Where the session is saved if hooks outside of its middleware may still change it.

Flask runs `after_request` first and saves the session then. A layer that runs such hooks puts a
Later into the scope; the middleware inside hands it what would write the cookie. Goes with the hooks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import Scope

from gateway.kit.session.data import SessionData

_SCOPE_KEY: Final = "gateway.kit.session.late"


@dataclass(slots=True)
class Later:
    """The session of a request, and what adds its cookie to the headers of the answer, once."""

    session: SessionData | None = None
    save: Callable[[MutableHeaders], None] | None = None


def save_later(scope: Scope) -> Later:
    """Announce it; copies of the scope share what is returned."""
    later = Later()
    scope[_SCOPE_KEY] = later
    return later


def later_of(scope: Scope) -> Later | None:
    """None if the middleware has to save at the start of the answer."""
    later: Later | None = scope.get(_SCOPE_KEY)
    return later
