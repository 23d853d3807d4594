"""The endpoints that are asked as FastAPI's `def` endpoints, with the schemas of the app's own."""

from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from benchmarks.gain.classic import ClassicServices
from fastapi_app import live, market, orderbook, status, strategy
from fastapi_app.dependencies import JsonObject, Levels, json_object
from fastapi_app.live.router import Symbols
from fastapi_app.live.schemas import SnapshotOut
from fastapi_app.market.schemas import TickerOut
from fastapi_app.orderbook.schemas import MergedBookOut
from fastapi_app.status import Status
from fastapi_app.strategy.schemas import ZoneOut
from shared_services.backtest.reading import MISSING_DATA
from shared_services.exchange.model import Ticker
from shared_services.live.model import Snapshot
from shared_services.orderbook.model import MergedBook

_classic = APIRouter(prefix="/api")


async def _services(request: Request) -> ClassicServices:
    services: ClassicServices = request.state.services
    return services


Classic = Annotated[ClassicServices, Depends(_services)]


def use_classic(app: FastAPI) -> None:
    """Put these endpoints in the places of the app's own: finding a route costs in both the same."""
    families = (status.router, market.router, orderbook.router, live.router, strategy.indicators)
    own = {_key(route): route for route in _classic.routes}
    for family in families:
        routes = app.router.routes
        place = next(
            at for at, one in enumerate(routes) if getattr(one, "original_router", None) is family
        )
        changed = APIRouter()
        changed.routes = [own.pop(_key(route), route) for route in family.routes]
        app.include_router(changed)
        routes[place] = routes.pop()
    if own:
        raise LookupError(f"the app has no {', '.join(path for path, _ in own)}")


def _key(route: BaseRoute) -> tuple[str, frozenset[str]]:
    if not isinstance(route, APIRoute):
        raise TypeError(f"no endpoint: {route!r}")
    return route.path, frozenset(route.methods or ())


@_classic.get("/orderbook/{symbol}/aggregate", response_model=MergedBookOut)
def get_aggregate(symbol: str, limit: Levels, services: Classic) -> MergedBook:
    return services.orderbook.aggregate(symbol, limit)


@_classic.get("/market/ticker/{symbol}", response_model=TickerOut)
def get_ticker(symbol: str, services: Classic) -> Ticker:
    return services.market.ticker(symbol)


@_classic.get("/live-portfolio/snapshot", response_model=SnapshotOut)
def get_snapshot(symbols: Symbols, services: Classic) -> Snapshot:
    return services.live.snapshot(symbols)


@_classic.get("/status", response_model=Status, response_model_exclude_none=True)
def get_status(services: Classic) -> Status:
    return Status(balance=services.balances.totals())


@_classic.post("/indicators/fvg", response_model=list[ZoneOut])
def find_fair_value_gaps(
    body: Annotated[JsonObject, Depends(json_object(MISSING_DATA))], services: Classic
) -> list[ZoneOut]:
    return [ZoneOut.model_validate(one.told()) for one in services.backtest.zones(body)]
