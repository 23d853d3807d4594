"""The admin API in this process, called by somebody with a role, without a token or a network."""

import json
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.control.app import create_control
from gateway.control.auth import CALLER, Caller
from gateway.control.tokens import Role
from gateway.settings import Settings
from tests.drive import Answer, AsgiTarget, Request


@dataclass(frozen=True)
class As:
    """Names the caller in the scope, as the commands do."""

    app: ASGIApp
    role: Role = Role.ADMIN

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = Caller("ann", self.role, "127.0.0.1")
        await self.app({**scope, CALLER: caller}, receive, send)


async def ask(
    settings: Settings,
    path: str,
    method: str = "GET",
    body: object = None,
    *,
    role: Role = Role.ADMIN,
    version: int | None = None,
) -> Answer:
    """One request to a control plane over the settings' store."""
    headers = {"host": "localhost"}
    if version is not None:
        headers["if-match"] = f'"{version}"'
    data = b""
    if body is not None:
        headers["content-type"], data = "application/json", json.dumps(body).encode()
    target = AsgiTarget(As(create_control(settings), role))
    return await target.send(Request(method, path, headers, data))


async def told(settings: Settings, path: str, method: str = "GET", body: object = None) -> Any:
    """The JSON of a request that must succeed."""
    answer = await ask(settings, f"/api/v1{path}", method, body)
    assert answer.status in {200, 201}, answer.body
    return answer.json()
