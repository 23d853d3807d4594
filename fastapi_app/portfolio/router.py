"""Endpoints of the portfolio; none of them places an order."""

from fastapi import APIRouter

from fastapi_app.dependencies import JsonObject, TradingServices
from fastapi_app.openapi import request_body
from fastapi_app.portfolio.schemas import (
    ActionOut,
    ActionsOut,
    AllocateIn,
    AllocationsOut,
    PlanOut,
    RebalanceIn,
    SignalsIn,
    StatusOut,
)
from shared_services.portfolio.model import PortfolioStatus, RebalancingPlan
from shared_services.portfolio.reading import read_profile, read_signals, read_targets

router = APIRouter(prefix="/api/portfolio", tags=["portfolio"])


@router.get("/status", response_model=StatusOut)
async def get_status(services: TradingServices) -> PortfolioStatus:
    """What the account is made of, and its risk."""
    return await services.portfolio.status()


@router.post(
    "/process-signals",
    response_model=ActionsOut,
    response_model_exclude_none=True,
    openapi_extra=request_body(SignalsIn),
)
async def process_signals(body: JsonObject, services: TradingServices) -> ActionsOut:
    """Per symbol: combined, sized, with stop and target, and checked."""
    found = await services.portfolio.process_signals(read_signals(body))
    return ActionsOut(
        actions=[ActionOut.of(one) for one in found.actions],
        timestamp=found.timestamp,
    )


@router.post("/allocate", response_model=AllocationsOut, openapi_extra=request_body(AllocateIn))
async def allocate(body: JsonObject, services: TradingServices) -> AllocationsOut:
    """How much of the portfolio each buy deserves."""
    signals, profile = read_signals(body), read_profile(body)
    return AllocationsOut.of(await services.portfolio.allocate(signals, profile))


@router.post("/rebalance", response_model=PlanOut, openapi_extra=request_body(RebalanceIn))
async def rebalance(body: JsonObject, services: TradingServices) -> RebalancingPlan:
    """What brings each symbol to its share."""
    return await services.portfolio.rebalance(read_targets(body))
