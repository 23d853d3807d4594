"""`/health`, `/ready` and `/metrics`: for orchestrators and Prometheus, which have no token."""

import structlog
from anyio import to_thread
from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from gateway.control.context import Context
from gateway.control.scrape import registry
from gateway.errors import BanyanError

_log = structlog.get_logger()


class Health(BaseModel):
    """The process answers."""

    status: str = "ok"


class Readiness(BaseModel):
    """Whether the data plane of this host takes requests."""

    ready: bool
    workers: int  # that take requests


class ControlReadiness(BaseModel):
    """Whether a control plane that stands alone can work."""

    ready: bool
    store: str  # `reachable` or `out of reach`
    leading: bool  # false: another control plane leads, or none can be agreed on


def create_probes() -> FastAPI:
    """The probes of a data plane that has no control plane beside it."""
    app = FastAPI(
        title="Banyan data plane", telemetry={"tracing": False}, docs_url=None, redoc_url=None
    )
    add_probes(app, None)
    return app


def add_probes(app: FastAPI, alone: Context | None) -> None:
    """`alone` is given where there is no data plane on this host."""

    @app.get("/health", tags=["probes"])
    def health() -> Health:
        """The process answers; restart it if it does not."""
        return Health()

    @app.get("/metrics", tags=["probes"], response_class=Response)
    def metrics() -> Response:
        """Prometheus' text format."""
        return Response(generate_latest(registry()), media_type=CONTENT_TYPE_LATEST)

    if alone is None:
        _add_data_plane_ready(app)
    else:
        _add_control_ready(app, alone)


def _add_data_plane_ready(app: FastAPI) -> None:
    @app.get("/ready", tags=["probes"], responses={503: {"model": Readiness}})
    def ready(response: Response) -> Readiness:
        """Whether workers take requests."""
        workers = int(registry().get_sample_value("gateway_workers_ready") or 0)
        response.status_code = 200 if workers else 503
        return Readiness(ready=workers > 0, workers=workers)


def _add_control_ready(app: FastAPI, context: Context) -> None:
    @app.get("/ready", tags=["probes"], responses={503: {"model": ControlReadiness}})
    async def ready(response: Response) -> ControlReadiness:
        """Whether the store can be reached; one that stands by is ready too."""
        why = "reachable"
        try:
            await to_thread.run_sync(context.store.versions.newest)
        except BanyanError as error:
            # Who asks has no token: the store's address is for the log.
            _log.warning("control.not_ready", error=str(error))
            why, response.status_code = "out of reach", 503
        return ControlReadiness(
            ready=response.status_code != 503, store=why, leading=context.leading()
        )
