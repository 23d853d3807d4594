"""Endpoints of the backtests.

A run can be long and its result large: it ends with its client, and the answer is written in a thread.
"""

from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Request, Response

from fastapi_app.backtest.schemas import (
    AnalysisIn,
    BacktestOut,
    BestOut,
    EchoOut,
    OptimizeIn,
    RunIn,
    StoredBacktestOut,
    StrategiesOut,
)
from fastapi_app.dependencies import TradingServices, json_object
from fastapi_app.leaving import while_connected
from fastapi_app.openapi import refusals, request_body
from gateway.kit.compat import StrictJSONResponse
from shared_services.backtest.model import Backtest
from shared_services.backtest.reading import MISSING_FIELDS
from shared_services.jsonbody import JsonObject

router = APIRouter(prefix="/api", tags=["backtest"])

Body = Annotated[JsonObject, Depends(json_object(MISSING_FIELDS))]


@router.post("/backtest/run", response_model=BacktestOut, openapi_extra=request_body(RunIn))
async def run(body: Body, request: Request, services: TradingServices) -> Response:
    """Run a strategy over past prices."""
    result = await while_connected(request, partial(services.backtest.run, body))
    return await to_thread.run_sync(_answer, BacktestOut, result)


@router.post("/backtest/optimize", response_model=BestOut, openapi_extra=request_body(OptimizeIn))
async def optimize(body: Body, request: Request, services: TradingServices) -> BestOut:
    """Try every combination of parameters; the highest Sharpe ratio wins."""
    best = await while_connected(request, partial(services.backtest.optimize, body))
    return BestOut.of(best)


@router.post(
    "/v1/backtest/analysis", response_model=EchoOut, openapi_extra=request_body(AnalysisIn)
)
async def analysis(body: Body, services: TradingServices) -> EchoOut:
    """An echo of the results."""
    return EchoOut.of(await services.backtest.analysis(body))


@router.get("/backtest/strategies", response_model=StrategiesOut, response_model_exclude_none=True)
async def list_strategies() -> StrategiesOut:
    """The strategies, and what is enforced of their parameters."""
    return StrategiesOut.of_all()


@router.get("/backtest/results/{name}", response_model=StoredBacktestOut, responses=refusals(404))
async def get_result(
    name: Annotated[str, Path(description="The id of a run")], services: TradingServices
) -> Response:
    """A result of the last 24 hours."""
    return await to_thread.run_sync(
        _answer, StoredBacktestOut, await services.backtest.result(name)
    )


def _answer(model: type[BacktestOut], result: Backtest) -> Response:
    return StrictJSONResponse(model.of(result).model_dump(mode="json", exclude_none=True))
