"""The targets: each stack alone, the gateway at 0, 50 and 100 %, and in the phase `full`."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import anyio.to_thread
from fastapi import FastAPI
from flask import Flask
from starlette.types import ASGIApp

from fastapi_app import create_app as create_modern
from legacy_flask import create_app as create_legacy
from legacy_flask.blocking import Blocking
from shared_services.services import Services
from tests.contract.world import World
from tests.drive import Answer, AsgiTarget, Request, Target, WsgiTarget
from tests.stacks import gateway

Opening = Callable[[World, Path], AbstractAsyncContextManager[Target]]


@dataclass
class Stage:
    """Both apps, made once for each token: what is played on them changes with the world."""

    legacy: Flask
    modern: FastAPI
    world: World

    @staticmethod
    def of(world: World) -> "Stage":
        if world.token not in _STAGES:
            _STAGES[world.token] = _new_stage(world)
        stage = _STAGES[world.token]
        stage.world = world
        return stage


_STAGES: dict[str | None, Stage] = {}


def _new_stage(world: World) -> Stage:
    legacy = create_legacy(world.settings)
    legacy.logger.disabled = True

    def open_services() -> AbstractAsyncContextManager[Services]:
        return _STAGES[world.token].world.open()

    modern = create_modern(world.settings, open_services=open_services)
    return Stage(legacy, modern, world)


@asynccontextmanager
async def legacy(world: World, _folder: Path) -> AsyncIterator[Target]:
    app, blocking = Stage.of(world).legacy, Blocking(world.open)
    app.extensions["blocking"] = blocking
    try:
        yield WsgiTarget(app)
    finally:
        await anyio.to_thread.run_sync(blocking.close)


@asynccontextmanager
async def modern(world: World, _folder: Path) -> AsyncIterator[Target]:
    app = Stage.of(world).modern
    async with app.router.lifespan_context(app) as state:
        yield AsgiTarget(app, state or {})


@dataclass
class GatewayTarget:
    """Each request comes from another client, so that a split sends them to both stacks."""

    target: AsgiTarget
    sent: int = 0

    async def send(self, request: Request) -> Answer:
        self.sent += 1
        client = {"X-API-Key": f"{self.sent} {request.method} {request.target}"[:200]}
        headers = client | dict(request.headers)
        return await self.target.send(replace(request, headers=headers))


def through_the_gateway(plan: str) -> Opening:
    @asynccontextmanager
    async def opened(world: World, folder: Path) -> AsyncIterator[Target]:
        stage = Stage.of(world)
        stacks = (lambda: stage.legacy), (lambda: stage.modern)
        # What an app answers is asked for, also where the gateway would refuse or legacy would help out.
        given: dict[str, Any] = {"secret": "the same in every run", "line_limit": 1 << 20}
        async with gateway(folder, plan, *stacks, **given) as data_plane:
            yield GatewayTarget(AsgiTarget(cast("ASGIApp", data_plane)))

    return opened


TARGETS: dict[str, Opening] = {
    "legacy": legacy,
    "modern": modern,
    "gateway at 0 %": through_the_gateway(
        "phase: gradual\ndefaults: {modern: 0, failover: never}\n"
    ),
    "gateway at 50 %": through_the_gateway(
        "phase: gradual\ndefaults: {modern: 50, failover: never}\n"
    ),
    "gateway at 100 %": through_the_gateway(
        "phase: gradual\ndefaults: {modern: 100, failover: never}\n"
    ),
    "gateway without legacy": through_the_gateway("phase: full\n"),
}
