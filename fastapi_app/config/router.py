"""Endpoints of the configuration."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from fastapi_app.config.schemas import (
    ConfigUpdate,
    NewWeightOut,
    ProbabilityOut,
    ProbabilityUpdate,
    ProbabilityUpdatedOut,
    ReloadedOut,
    StrategiesOut,
    StrategyOut,
    SummaryOut,
    UpdatedOut,
    ValidationOut,
    WeightUpdate,
)
from fastapi_app.dependencies import JsonObject, TradingServices, json_object
from fastapi_app.openapi import refusals, request_body
from shared_services.config.model import ProbabilityView, Summary
from shared_services.jsonbody import JsonObject as Json

router = APIRouter(prefix="/api/config", tags=["config"])

StrategyName = Annotated[str, Path(description="Of a strategy")]
_WeightBody = Annotated[Json, Depends(json_object("Weight value is required"))]
_ProbabilityBody = Annotated[Json, Depends(json_object("No data provided"))]


@router.get("", response_model=SummaryOut)
@router.get("/summary", response_model=SummaryOut)
async def get_config(services: TradingServices) -> Summary:
    """What is in force, and what is wrong in what is stored."""
    return await services.config.summary()


@router.post("", response_model=UpdatedOut, openapi_extra=request_body(ConfigUpdate))
async def update_config(body: JsonObject, services: TradingServices) -> dict[str, object]:
    """All or nothing; in force for the next request of both stacks."""
    return {"updated_fields": await services.config.update(body)}


@router.get("/strategies", response_model=StrategiesOut)
async def list_strategies(services: TradingServices) -> StrategiesOut:
    """The weights of the enabled strategies are divided by their sum."""
    return StrategiesOut.of(await services.config.strategies())


@router.get("/strategy/{name}", response_model=StrategyOut)
async def get_strategy(name: StrategyName, services: TradingServices) -> StrategyOut:
    """An unknown name is answered with the general section."""
    return StrategyOut.of(name, await services.config.strategy(name))


@router.put(
    "/strategy/{name}/weight",
    response_model=NewWeightOut,
    openapi_extra=request_body(WeightUpdate),
    responses=refusals(404),
)
async def set_weight(
    name: StrategyName, body: _WeightBody, services: TradingServices
) -> NewWeightOut:
    """Stores this weight only; the others stay."""
    return NewWeightOut.of(await services.config.set_weight(name, body))


@router.get("/probability", response_model=ProbabilityOut)
async def get_probability(services: TradingServices) -> ProbabilityView:
    """How signals are combined and judged."""
    return await services.config.probability()


@router.put(
    "/probability",
    response_model=ProbabilityUpdatedOut,
    openapi_extra=request_body(ProbabilityUpdate),
)
async def update_probability(
    body: _ProbabilityBody, services: TradingServices
) -> ProbabilityUpdatedOut:
    """Nothing is stored if one of the settings is wrong."""
    return ProbabilityUpdatedOut.of(await services.config.update_probability(body))


@router.get("/validate", response_model=ValidationOut)
async def validate_config(services: TradingServices) -> ValidationOut:
    """Everything that is wrong or odd in what is stored."""
    return ValidationOut.of(await services.config.problems())


@router.post("/reload", response_model=ReloadedOut)
async def reload_config(services: TradingServices) -> ReloadedOut:
    """Takes the file over if it has changed since it was last."""
    return ReloadedOut.of(await services.config.reload())
