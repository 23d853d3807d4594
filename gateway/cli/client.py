"""How commands reach the admin API: over HTTP with a token, or the same app here, on the same store.

Without `--server` no control plane need run: the store is the truth, and who can read the settings may
change it.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from getpass import getuser
from socket import gethostname
from typing import TYPE_CHECKING, Any, Final, Protocol

import httpx
from pydantic import BaseModel

from gateway.cli.answers import SERVER, TOKEN, Refused, nobody, read
from gateway.errors import BanyanError
from gateway.messages import App, Receive, Scope, Send
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.control.auth import Caller
    from gateway.endpoints import Inventory
    from gateway.store.opening import Store

_TIMEOUT: Final = 30.0  # seconds
_MAKE_THE_SECRET: Final = frozenset({"/plan", "/plan/check", "/explain"})  # if there is none


class Client(Protocol):
    """Asks the admin API. Raises Refused and NoControlPlane."""

    @property
    def where(self) -> str:
        """For people."""

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        params: Mapping[str, Any] | None = None,
        version: int | None = None,
    ) -> Any: ...


def client_of(settings: Settings, server: str | None, *, apps_first: bool = False) -> Client:
    """The control plane that `--server` or BANYAN_SERVER names; else this machine's store.

    `apps_first`: what the stacks serve is asked from the apps that the settings name, if they do.
    """
    url = server or os.environ.get(SERVER)
    return Remote(url.rstrip("/")) if url else Local(settings, apps_first)


@dataclass(frozen=True, slots=True)
class Remote:
    """A control plane over HTTP."""

    where: str

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        params: Mapping[str, Any] | None = None,
        version: int | None = None,
    ) -> Any:
        headers = {"Authorization": f"Bearer {_token(self.where)}", **_precondition(version)}
        url = f"{self.where}/api/v1{path}"
        try:
            answer = httpx.request(
                method, url, headers=headers, params=params, timeout=_TIMEOUT, **_json(body)
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise nobody(error, self.where) from error
        return read(answer, self.where)


@dataclass(frozen=True, slots=True)
class Local:
    """The admin API in this process, over the store that the settings name."""

    settings: Settings
    apps_first: bool = False

    @property
    def where(self) -> str:
        from gateway.store.database import Database

        return Database(self.settings.store_url).shown

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        params: Mapping[str, Any] | None = None,
        version: int | None = None,
    ) -> Any:
        from anyio.from_thread import start_blocking_portal

        from gateway.store.opening import open_store

        self._prepare(method, path)
        failed: list[BanyanError] = []
        store = open_store(self.settings.store_url)

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(_Inside(self._app(store, failed), here()))
            async with httpx.AsyncClient(
                transport=transport, base_url="http://localhost"
            ) as client:
                return await client.request(
                    method,
                    f"/api/v1{path}",
                    params=params,
                    headers=_precondition(version),
                    **_json(body),
                )

        with closing(store), start_blocking_portal() as portal:
            answer = portal.call(send)
        if failed:  # what the settings name could not be asked: that is no answer of a plan's
            raise failed[0]
        return read(answer, self.where)

    def _prepare(self, method: str, path: str) -> None:
        """What the app logs is not what a command prints; and an OSError of the secret is told as it is."""
        import structlog

        if not structlog.is_configured():
            structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
        if self.settings.var.exists() or (method != "GET" and path in _MAKE_THE_SECRET):
            self.settings.secret_bytes()

    def _app(self, store: "Store", failed: list[BanyanError]) -> App:
        from gateway.cli.inventory import told_inventories
        from gateway.control.app import create_control

        def told() -> "Sequence[Inventory]":
            try:
                return told_inventories(self.settings, store, apps_first=self.apps_first)
            except BanyanError as error:
                failed.append(error)
                raise

        app: App = create_control(self.settings, store, told)
        return app


@dataclass(frozen=True, slots=True)
class _Inside:
    """Names the caller in the scope, where no request from the network can."""

    app: App
    caller: "Caller"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from gateway.control.auth import CALLER

        await self.app({**scope, CALLER: self.caller}, receive, send)


def here() -> "Caller":
    """Who sits at this machine; with sudo, who has typed it."""
    from gateway.control.auth import Caller
    from gateway.control.tokens import Role

    return Caller(os.environ.get("SUDO_USER") or _user(), Role.ADMIN, gethostname(), "cli")


def _user() -> str:
    try:
        return getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return str(os.getuid())


def _token(where: str) -> str:
    text = os.environ.get(TOKEN, "").strip()
    if not text:
        raise Refused(401, {"detail": f"{where} asks for a token: set {TOKEN} to yours"})
    if not (text.isascii() and text.isprintable()):
        detail = f"{TOKEN} holds letters that no token has: set it to the line that was shown"
        raise Refused(401, {"detail": detail})
    return text


def _precondition(version: int | None) -> dict[str, str]:
    return {} if version is None else {"If-Match": f'"{version}"'}


def _json(body: object) -> dict[str, Any]:
    if body is None:
        return {}
    if isinstance(body, BaseModel):
        return {"json": body.model_dump(mode="json", exclude_unset=True)}
    return {"json": body}
