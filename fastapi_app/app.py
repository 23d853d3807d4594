"""The application factory."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import Depends, FastAPI

from fastapi_app import (
    backtest,
    balances,
    bot,
    config,
    errors,
    health,
    limitations,
    live,
    market,
    market_socket,
    monitoring,
    orderbook,
    orders,
    portfolio,
    positions,
    risk,
    status,
    strategy,
)
from fastapi_app.auth import token_required
from fastapi_app.openapi import describe
from fastapi_app.schemas import Error
from gateway.kit.compat import Behaviour, Cors, flask_compatible
from shared_services import services
from shared_services.services import Services
from shared_services.settings import TradingSettings


def create_app(
    settings: TradingSettings | None = None,
    *,
    open_services: Callable[[], AbstractAsyncContextManager[Services]] | None = None,
) -> FastAPI:
    """The FastAPI app; by default with settings from the environment and services of its own."""
    settings = TradingSettings() if settings is None else settings
    app = FastAPI(
        title="Trading API",
        lifespan=_lifespan(open_services or (lambda: services.open_services(settings))),
        # "default" also keeps FastAPI from announcing a 422, which no client ever sees.
        responses={"default": {"model": Error, "description": "Any error"}},
    )
    # The schemas write dates and numbers themselves, and no answer of this API was ever NaN.
    own = {Behaviour.TYPES, Behaviour.TEXTS, Behaviour.DOCS}
    flask_compatible(app, without=own, allow_nan=False, cors=Cors())
    errors.init_app(app)
    app.openapi = describe(app)  # type: ignore[method-assign]
    app.include_router(health.router)
    guards = [Depends(token_required(settings))] if settings.api_token else []
    for family in (
        status,
        balances,
        positions,
        orders,
        limitations,
        bot,
        config,
        live,
        market,
        orderbook,
        monitoring,
        backtest,
        portfolio,
        risk,
        strategy,
    ):
        app.include_router(family.router, dependencies=guards)
    app.include_router(strategy.indicators, dependencies=guards)
    app.include_router(market_socket.router)
    return app


def _lifespan(
    open_services: Callable[[], AbstractAsyncContextManager[Services]],
) -> Callable[[FastAPI], AbstractAsyncContextManager[dict[str, Services]]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, Services]]:
        async with open_services() as opened:
            yield {"services": opened}

    return lifespan
