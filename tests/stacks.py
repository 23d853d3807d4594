"""Fakes: a stack is a few lines, a clock is a class with a field, a plan is a text."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from flask import Flask, jsonify, request
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from gateway.app import Gateway
from gateway.exchange import Exchange
from gateway.settings import Settings

PLAN = "phase: {phase}\nroutes:\n  - {{route: GET /who, modern: {modern}}}\n"


def flask_app() -> Flask:
    """Serves `/who`, `/echo`, `/boom` and, alone, `/old`."""
    app = Flask("legacy")

    @app.get("/who")
    def who() -> Any:
        return jsonify(stack="legacy", headers=dict(request.headers))

    @app.post("/echo")
    def echo() -> Any:
        return jsonify(stack="legacy", length=len(request.get_data()))

    @app.get("/boom")
    def boom() -> Any:
        raise ValueError("legacy is broken")

    @app.get("/old")
    def old() -> Any:
        return jsonify(stack="legacy")

    return app


def starlette_app() -> Starlette:
    """Serves `/who`, `/echo`, `/boom` and, alone, `/new`."""

    async def who(request: Request) -> JSONResponse:
        headers = {name.title(): value for name, value in request.headers.items()}
        return JSONResponse({"stack": "modern", "headers": headers})

    async def echo(request: Request) -> JSONResponse:
        return JSONResponse({"stack": "modern", "length": len(await request.body())})

    async def boom(request: Request) -> JSONResponse:
        raise ValueError("modern is broken")

    async def new(request: Request) -> JSONResponse:
        return JSONResponse({"stack": "modern"})

    routes = [
        Route("/who", who),
        Route("/echo", echo, methods=["POST"]),
        Route("/boom", boom),
        Route("/new", new),
    ]
    return Starlette(routes=routes)


APP = flask_app()


def needy_factory(environment: str) -> Flask:
    """Cannot be called without an argument."""
    return flask_app()


def empty_factory() -> None:
    """Gives no app."""


async def async_factory() -> Flask:
    """Nobody awaits it."""
    return flask_app()


def settings(folder: Path, **changes: Any) -> Settings:
    """Settings that write below `folder` only and do not read the environment's stacks."""
    values = {"plan": folder / "traffic.yaml", "var": folder / "var", "access_log": ""}
    return Settings(**{**values, **changes})


@asynccontextmanager
async def gateway(
    folder: Path,
    plan: str,
    legacy: Callable[[], Any] | None = flask_app,
    modern: Callable[[], Any] | None = starlette_app,
    **changes: Any,
) -> AsyncIterator[Gateway]:
    """A running gateway over the plan's text."""
    chosen = settings(folder, **changes)
    chosen.plan.write_text(plan)
    app = Gateway(chosen, legacy, modern)
    async with app.running():
        yield app


class Recorder:
    """An observer that keeps what it sees."""

    def __init__(self) -> None:
        self.seen: list[Exchange] = []

    def observe(self, exchange: Exchange) -> None:
        self.seen.append(exchange)


class TestClock:
    """Seconds that pass when a test says so."""

    __test__ = False

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
