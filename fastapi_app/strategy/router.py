"""Endpoints of strategies and indicators."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from fastapi_app.dependencies import TradingServices, json_object
from fastapi_app.leaving import while_connected
from fastapi_app.openapi import request_body
from fastapi_app.strategy.schemas import (
    AnalysisOut,
    AnalyzeIn,
    AvailableOut,
    FvgIn,
    PositionsAssessmentOut,
    PositionsIn,
    SimulateIn,
    SimulationOut,
    ZoneOut,
)
from shared_services.backtest.model import Simulation
from shared_services.backtest.reading import MISSING_DATA, NO_DATA, NO_STRATEGY
from shared_services.jsonbody import JsonObject
from shared_services.risk.reading import read_positions

router = APIRouter(prefix="/api/strategy", tags=["strategy"])
indicators = APIRouter(prefix="/api/indicators", tags=["indicators"])


@router.post(
    "/analyze",
    response_model=AnalysisOut,
    response_model_exclude_none=True,
    openapi_extra=request_body(AnalyzeIn),
)
async def analyze(
    body: Annotated[JsonObject, Depends(json_object(NO_DATA))], services: TradingServices
) -> AnalysisOut:
    """What the strategies say about prices, each by itself and combined."""
    return AnalysisOut.of(await services.backtest.analyze(body))


@router.get("/available", response_model=AvailableOut, response_model_exclude_none=True)
async def list_available() -> AvailableOut:
    """What forms need to know; the bounds are hints."""
    return AvailableOut.of_all()


@router.post("/backtest", response_model=SimulationOut, openapi_extra=request_body(SimulateIn))
async def simulate(
    body: Annotated[JsonObject, Depends(json_object(NO_STRATEGY))],
    request: Request,
    services: TradingServices,
) -> Simulation:
    """The short simulation over a rolling window, long only and without costs."""
    return await while_connected(request, partial(services.backtest.simulate, body))


@router.post(
    "/portfolio-risk",
    response_model=PositionsAssessmentOut,
    response_model_exclude_none=True,
    openapi_extra=request_body(PositionsIn),
)
async def assess_positions(
    body: Annotated[JsonObject, Depends(json_object(may_be_empty=True))], services: TradingServices
) -> PositionsAssessmentOut:
    """The risk of given positions; an empty object means none."""
    return PositionsAssessmentOut.of(await services.risk.assess_positions(read_positions(body)))


@indicators.post("/fvg", response_model=list[ZoneOut], openapi_extra=request_body(FvgIn))
async def find_fair_value_gaps(
    body: Annotated[JsonObject, Depends(json_object(MISSING_DATA))], services: TradingServices
) -> list[ZoneOut]:
    """Zones between bars that have no price in common."""
    return [ZoneOut.model_validate(one.told()) for one in await services.backtest.zones(body)]
