"""Answers what legacy's rules say, where there is no legacy to do it.

A modern app with the kit is asked to say it in its own words: error pages, CORS headers and hooks are
its business. Any other one would route the request by its own rules, so Werkzeug's pages answer.
"""

from typing import Final
from urllib.parse import quote

from gateway.door.outcome import Outcome
from gateway.kit.compat.door import DECIDED, said
from gateway.messages import App, Receive, Scope, Send
from gateway.routing import RouteTable
from gateway.stacks.asgi import head_as_get

_PATH_SAFE: Final = "!$&'()*+,/:;=@"  # https://url.spec.whatwg.org/#url-path-segment-string


class Doorkeeper:
    """An ASGI app for requests that no route of the table is for."""

    def __init__(self, table: RouteTable, modern: App, *, kit: bool) -> None:
        self._table = table
        self._modern = modern
        self._kit = kit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        decided = self._outcome(scope)
        if decided is None:  # a view of legacy's that modern may have as well
            await self._modern(scope, receive, send)
            return
        told = _told(decided)
        if self._kit:
            await self._modern({**scope, DECIDED: told}, receive, send)
        else:
            await head_as_get(said(scope, told))(scope, receive, send)

    def _outcome(self, scope: Scope) -> Outcome | None:
        domain = self._table.domain(dict(scope["headers"]), scope["scheme"])
        return self._table.outcome(scope["method"], "/" + scope["path"].lstrip("/"), domain)


def _told(decided: Outcome) -> str:
    """As the kit reads it: a status, and the methods or the place to go to."""
    what = decided.location if "://" in decided.location else quote(decided.location, _PATH_SAFE)
    return f"{decided.status} {what or ', '.join(decided.allow)}".strip()
