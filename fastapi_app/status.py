"""GET /api/status"""

from typing import Literal

from fastapi import APIRouter

from fastapi_app.dependencies import TradingServices
from fastapi_app.schemas import Absent, Number, Wire

router = APIRouter(prefix="/api/status", tags=["status"])


class Status(Wire):
    status: Literal["running"] = "running"
    balance: dict[str, Number] | Absent = None


@router.get("", response_model=Status, response_model_exclude_none=True)
async def get_status(services: TradingServices) -> Status:
    """The API runs; balances are absent if they cannot be read."""
    return Status(balance=await services.balances.totals())
