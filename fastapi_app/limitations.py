"""GET /api/trading-limitations"""

from fastapi import APIRouter

from fastapi_app.dependencies import TradingServices
from fastapi_app.schemas import Wire
from shared_services.exchange.model import Limitations

router = APIRouter(prefix="/api/trading-limitations", tags=["limitations"])


class LimitationsOut(Wire):
    is_paper_trading: bool
    limitations: list[str]
    margin_trading_available: bool
    supported_order_types: list[str]


@router.get("", response_model=LimitationsOut)
async def get_limitations(services: TradingServices) -> Limitations:
    """What the exchange cannot do; never fails."""
    return await services.exchange.limitations()
