"""GET /api/health"""

from typing import Literal

from fastapi import APIRouter

from fastapi_app.schemas import Wire

router = APIRouter(prefix="/api/health", tags=["health"])


class Health(Wire):
    status: Literal["ok"] = "ok"


@router.get("", response_model=Health)
async def get_health() -> Health:
    """The process answers; nothing else is checked."""
    return Health()
