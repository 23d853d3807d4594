"""Endpoints of monitoring."""

from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Depends

from fastapi_app.dependencies import TradingServices
from fastapi_app.monitoring.schemas import AlertsOut, CacheOut, NonceOut, PerformanceOut
from fastapi_app.openapi import refusals
from gateway.kit.compat import first_query
from shared_services.monitoring.alerts import Level
from shared_services.monitoring.model import NonceFigures, Performance
from shared_services.monitoring.reading import read_hours, read_level

router = APIRouter(prefix="/api/monitoring", tags=["monitoring"])

_LevelText = Annotated[
    str | None, Depends(first_query("level", f"One of {', '.join(Level)}; all without one"))
]
_HoursText = Annotated[
    str | None, Depends(first_query("hours", "How far back, up to 168; 24 without one"))
]


async def _level(level: _LevelText) -> Level | None:
    return read_level(level)


async def _hours(hours: _HoursText) -> Decimal:
    return read_hours(hours)


@router.get("/nonce", response_model=NonceOut, response_model_exclude_none=True)
async def get_nonce(services: TradingServices) -> NonceFigures:
    """Nonces of all processes; the paper exchange uses none."""
    return await services.monitoring.nonce()


@router.get("/cache", response_model=CacheOut)
async def get_cache(services: TradingServices) -> CacheOut:
    """What is kept of the account, and how often it was found."""
    return CacheOut.of(await services.monitoring.cache())


@router.get("/performance", response_model=PerformanceOut, response_model_exclude_none=True)
async def get_performance(services: TradingServices) -> Performance:
    """What closed trades made of the account."""
    return await services.monitoring.performance()


@router.get("/alerts", response_model=AlertsOut, responses=refusals(400))
async def list_alerts(
    level: Annotated[Level | None, Depends(_level)],
    hours: Annotated[Decimal, Depends(_hours)],
    services: TradingServices,
) -> AlertsOut:
    """The newest first, at most 1000."""
    return AlertsOut.of(await services.monitoring.alerts(level, hours))
