"""GET /api/positions"""

from fastapi import APIRouter

from fastapi_app.dependencies import TradingServices
from fastapi_app.schemas import Number, Wire
from shared_services.positions.model import Position

router = APIRouter(prefix="/api/positions", tags=["positions"])


class PositionOut(Wire):
    id: str
    symbol: str
    side: str
    amount: Number
    contracts: Number
    entry_price: Number
    mark_price: Number
    pnl: Number
    pnl_percentage: Number
    notional: Number
    collateral: Number
    maintenance_margin: Number
    margin_mode: str
    position_type: str
    leverage: Number
    timestamp: int


@router.get("", response_model=list[PositionOut])
async def list_positions(services: TradingServices) -> list[Position]:
    """Margin positions, then holdings labelled margin, then spot holdings."""
    return await services.positions.list()
