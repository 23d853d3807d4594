"""GET /api/balances"""

from fastapi import APIRouter
from pydantic import Field

from fastapi_app.dependencies import TradingServices
from fastapi_app.schemas import Number, Wire
from shared_services.exchange.model import Balance

router = APIRouter(prefix="/api/balances", tags=["balances"])


class BalanceOut(Wire):
    currency: str
    available: Number
    total_balance: Number = Field(validation_alias="total")


@router.get("", response_model=list[BalanceOut])
async def list_balances(services: TradingServices) -> list[Balance]:
    """Currencies that the account holds, in the exchange's order."""
    return await services.balances.list()
