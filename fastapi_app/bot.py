"""/api/bot-status and /api/bot"""

from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from fastapi_app.dependencies import TradingServices
from fastapi_app.openapi import refusals
from fastapi_app.schemas import Absent, IsoO, Wire
from shared_services.bot.model import BotReply, BotState, BotStatus

router = APIRouter(prefix="/api", tags=["bot"])


class BotStatusOut(Wire):
    """The stamps are null before the first change and the first cycle."""

    status: Literal[BotState.RUNNING, BotState.STOPPED]
    thread_alive: bool = Field(description="A worker exists in one of the processes")
    cycle_count: int = Field(description="Since the start")
    uptime: float = Field(description="Seconds since the start; 0 when stopped")
    last_update: IsoO | None
    last_cycle_time: IsoO | None
    error: str | Absent = Field(
        default=None,
        description="Why the bot ended, until the next start",
        exclude_if=lambda error: error is None,
    )


class BotReplyOut(Wire):
    message: str
    status: BotState
    success: bool


@router.get("/bot-status", response_model=BotStatusOut)
async def get_status(services: TradingServices) -> BotStatus:
    """The one bot of both stacks."""
    return await services.bot.status()


@router.post("/bot/start", response_model=BotReplyOut, responses=refusals(400, model=BotReplyOut))
async def start_bot(services: TradingServices) -> BotReply:
    """Refused if it runs in any process, or if no exchange is configured."""
    return await services.bot.start()


@router.post("/bot/stop", response_model=BotReplyOut)
async def stop_bot(services: TradingServices) -> BotReply:
    """200 for both outcomes, as always."""
    return await services.bot.stop()
