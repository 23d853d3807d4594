"""The control plane's HTTP interface."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from anyio import to_thread
from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from gateway.control.plan import view
from gateway.control.report import RouteReport, report, unexplained, with_history
from gateway.control.scrape import registry
from gateway.control.traffic import TrafficLog
from gateway.listing import listing
from gateway.settings import Settings
from gateway.words import Phase


class Health(BaseModel):
    """The process answers."""

    status: str = "ok"


class Readiness(BaseModel):
    """Whether the data plane takes requests."""

    ready: bool
    workers: int  # that take requests


class PlanReport(BaseModel):
    """The plan in force; `refused` names what is wrong with the file's text, if it is not in force."""

    version: int  # of the last good plan on disk
    running: int | None  # of the worker furthest behind, by its metrics; null: none tells
    phase: Phase
    kill_switch: bool
    file: str
    refused: list[str]


class RoutesReport(BaseModel):
    """Everything `banyan status` shows."""

    plan: PlanReport
    workers: int
    kit: list[str] = []  # behaviours of the kit that modern has
    routes: list[RouteReport]


def create_control(settings: Settings) -> FastAPI:
    """The control plane over the data plane that runs with the same settings."""
    traffic = TrafficLog(settings.traffic_path)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await to_thread.run_sync(traffic.open)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(traffic.keep)
            yield
            tasks.cancel_scope.cancel()
        traffic.try_to_write()

    app = FastAPI(title="Banyan control plane", telemetry={"tracing": False}, lifespan=lifespan)

    @app.get("/health")
    def health() -> Health:
        return Health()

    @app.get("/ready", responses={503: {"model": Readiness}})
    def ready(response: Response) -> Readiness:
        workers = _workers()
        response.status_code = 200 if workers else 503
        return Readiness(ready=workers > 0, workers=workers)

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry()), media_type=CONTENT_TYPE_LATEST)

    @app.get("/api/v1/routes")
    def routes() -> RoutesReport:
        plan, samples = view(settings), list(registry().collect())
        return RoutesReport(
            plan=PlanReport(
                version=plan.table.version,
                running=_gauge("gateway_plan_version"),
                phase=plan.table.phase,
                kill_switch=plan.table.kill_switch,
                file=str(settings.plan),
                refused=[str(problem) for problem in plan.refusal.problems] if plan.refusal else [],
            ),
            workers=_workers(),
            kit=list(plan.inventory.kit),
            routes=with_history(
                report(plan.table, samples, listing(plan.inventory), unexplained(settings)),
                traffic.total(samples),
            ),
        )

    return app


def _workers() -> int:
    return _gauge("gateway_workers_ready") or 0


def _gauge(name: str) -> int | None:
    value = registry().get_sample_value(name)
    return None if value is None else int(value)
