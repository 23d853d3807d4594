"""One admin API over a store of its own, for two apps that share `/who` and `/echo`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from gateway.control.app import create_control
from gateway.control.context import Context
from gateway.control.tokens import Role
from gateway.endpoints import Endpoint, Inventory
from gateway.settings import Settings
from gateway.store.audit import Act
from gateway.store.opening import Store, open_store
from gateway.store.versions import Proposal, Version
from tests.controlling import As
from tests.drive import Answer, AsgiTarget, Request
from tests.stacks import settings

PLAN = """\
# the first one
phase: gradual
routes:
  - {route: GET /who, modern: 25}  # a canary
"""
SECOND = PLAN.replace("25", "50")
BOTH = (Endpoint("GET", "/who"), Endpoint("POST", "/echo"))
INVENTORY = Inventory((*BOTH, Endpoint("GET", "/old")), (*BOTH, Endpoint("GET", "/new")))
WHY = "the canary is clean"
REASON = {"reason": WHY}


@dataclass
class Api:
    """Calls the admin API as `ann`, with a role; the apps may change what they serve.

    Without an inventory, the workers tell it.
    """

    settings: Settings
    store: Store
    inventory: Inventory | None = INVENTORY

    def __post_init__(self) -> None:
        told = None if self.inventory is None else self._inventories
        self.app: FastAPI = create_control(self.settings, self.store, told)

    def _inventories(self) -> list[Inventory]:
        assert self.inventory is not None
        return [self.inventory]

    @property
    def context(self) -> Context:
        found: Context = self.app.state.context
        return found

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        role: Role | None = Role.ADMIN,
        **headers: str,
    ) -> Answer:
        """Without a role, nobody is named: a token in `headers` has to do it."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        data = b""
        if body is not None:
            sent["content-type"], data = "application/json", json.dumps(body).encode()
        target = self.app if role is None else As(self.app, role)
        request = Request(method, f"/api/v1{path}", {"host": "localhost", **sent}, data)
        return await AsgiTarget(target).send(request)

    async def told(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """The JSON of a request that must succeed."""
        answer = await self.ask(method, path, body, role=Role.ADMIN, **headers)
        assert answer.status in {200, 201, 204}, answer
        return answer.json() if answer.body else None

    async def refused(
        self,
        method: str,
        path: str,
        body: object = None,
        role: Role = Role.ADMIN,
        **headers: str,
    ) -> tuple[int, str]:
        """Status and code of a request that must fail, and change nothing."""
        before = self.store.versions.newest()
        answer = await self.ask(method, path, body, role=role, **headers)
        assert answer.header("content-type") == "application/problem+json", answer
        assert self.store.versions.newest() == before
        return answer.status, answer.json()["code"]

    def apply(self, text: str) -> Version:
        """As another process does it."""
        act = Act("cli:bob", "laptop", "plan.apply", "traffic.yaml", WHY)
        return self.store.versions.apply(self.store.versions.newest(), Proposal(text, act))

    def shift(self, modern: float) -> dict[str, Any]:
        """The body of a change."""
        return {"route": "GET /who", "modern": modern, "reason": WHY}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """With one version of a plan."""
    with opened_api(tmp_path) as with_plan:
        with_plan.apply(PLAN)
        yield with_plan


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Api]:
    """Without any."""
    with opened_api(tmp_path) as without:
        yield without


@contextmanager
def opened_api(folder: Path) -> Iterator[Api]:
    chosen = settings(folder)
    store = open_store(chosen.store_url)
    try:
        yield Api(chosen, store)
    finally:
        store.close()
