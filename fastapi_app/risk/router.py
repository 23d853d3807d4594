"""Endpoints of risk."""

from typing import Annotated

from fastapi import APIRouter, Depends

from fastapi_app.dependencies import JsonObject, TradingServices
from fastapi_app.openapi import request_body
from fastapi_app.risk.schemas import AccountRiskOut, ScoreOut, ValidateOrderIn, ValidationOut
from gateway.kit.compat import first_query
from shared_services.risk.model import AccountRisk, Odds
from shared_services.risk.reading import read_order, read_score

router = APIRouter(prefix="/api/risk", tags=["risk"])


def _query(name: str, description: str) -> object:
    return Depends(first_query(name, description))


_Text = str | None
SymbolText = Annotated[_Text, _query("symbol", "Unified symbol, `BTC/USD`")]
BuyText = Annotated[_Text, _query("probability_buy", "0..1")]
SellText = Annotated[_Text, _query("probability_sell", "0..1")]
HoldText = Annotated[_Text, _query("probability_hold", "0..1; the three sum to 1")]
ConfidenceText = Annotated[_Text, _query("confidence", "0..1")]


async def _odds(buy: BuyText, sell: SellText, hold: HoldText) -> dict[str, str | None]:
    return {"probability_buy": buy, "probability_sell": sell, "probability_hold": hold}


async def _asked(
    symbol: SymbolText,
    odds: Annotated[dict[str, str | None], Depends(_odds)],
    confidence: ConfidenceText,
) -> tuple[str, Odds]:
    return read_score({"symbol": symbol, **odds, "confidence": confidence})


@router.get("/assessment", response_model=AccountRiskOut)
async def get_assessment(services: TradingServices) -> AccountRisk:
    """The risk of the account as the exchange reports it now."""
    return await services.risk.assess()


@router.post(
    "/validate/order",
    response_model=ValidationOut,
    response_model_exclude_none=True,
    openapi_extra=request_body(ValidateOrderIn),
)
async def validate_order(body: JsonObject, services: TradingServices) -> ValidationOut:
    """What the rules say to an order; 200 for both outcomes, nothing is sent."""
    return ValidationOut.of(await services.risk.validate(*read_order(body)))


@router.get("/score", response_model=ScoreOut)
async def get_score(
    asked: Annotated[tuple[str, Odds], Depends(_asked)], services: TradingServices
) -> ScoreOut:
    """1 - confidence x the larger of the two probabilities."""
    return ScoreOut.of(await services.risk.score(*asked))
