"""The apps that are compared: the same endpoints over the same exchange, in four ways.

Factories for servers, which find the world in their environment: `uvicorn --factory
benchmarks.gain.apps:fastapi_async`, `gunicorn 'benchmarks.gain.apps:flask_threads()'`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from typing import TypeVar, cast

from fastapi import FastAPI
from flask import Flask

import fastapi_app.app
import legacy_flask.app
from benchmarks.gain.classic_api import use_classic
from benchmarks.gain.wiring import World, async_services, classic_services
from legacy_flask.blocking import Blocking
from shared_services.services import Services

T = TypeVar("T")


def fastapi_async(world: World | None = None) -> FastAPI:
    """The trading system's own app."""
    world = world or World.of_environment()
    return fastapi_app.app.create_app(world.settings, open_services=lambda: async_services(world))


def flask_async(world: World | None = None) -> Flask:
    """The Flask app as it is now: its views call the asynchronous services through the portal."""
    world = world or World.of_environment()
    return legacy_flask.app.create_app(world.settings, Blocking(lambda: async_services(world)))


def fastapi_threads(world: World | None = None) -> FastAPI:
    """The same app, but the endpoints that are asked are `def` and their services block."""
    world = world or World.of_environment()

    @asynccontextmanager
    async def opened() -> AsyncIterator[Services]:
        with classic_services(world) as services:
            yield cast("Services", services)

    app = fastapi_app.app.create_app(world.settings, open_services=opened)
    use_classic(app)
    return app


def flask_threads(world: World | None = None) -> Flask:
    """The same views as in `flask_async`, but the services that they call block."""
    world = world or World.of_environment()
    app = legacy_flask.app.create_app(world.settings)
    app.extensions["blocking"] = InThread(world)
    return app


class InThread:
    """Stands in for `legacy_flask.blocking.Blocking` over services that need no loop."""

    def __init__(self, world: World) -> None:
        stack = ExitStack()
        self._services = stack.enter_context(classic_services(world))
        self.close = stack.close

    def call(self, work: Callable[[Services], Awaitable[T]]) -> T:
        return cast("T", work(cast("Services", self._services)))
