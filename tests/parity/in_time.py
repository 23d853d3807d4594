"""Routes of the port for what no single answer shows: streams that are left, contexts, work afterwards."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from typing import Annotated, Any, Final

from fastapi import APIRouter, BackgroundTasks, Header, Response
from fastapi.responses import StreamingResponse

router = APIRouter()
_log: Final = logging.getLogger(__name__)
_ended: Final[list[int]] = []  # how far each stream came
_tenant: Final[ContextVar[str]] = ContextVar("tenant")


@router.get("/slowgen", response_model=None)
def slowgen(parts: int = 50, pause: float = 0.1) -> Response:
    """An async generator: it is cancelled where it waits, a sync one would run on."""

    async def generated() -> AsyncIterator[str]:
        n = 0
        try:
            for n in range(parts):
                yield f"{n}\n"
                await asyncio.sleep(pause)
        finally:
            _ended.append(n)

    return StreamingResponse(generated(), media_type="text/plain")


@router.get("/ended", response_model=None)
def ended() -> list[int]:
    return _ended


@router.get("/tenant", response_model=None)
async def tenant(x_tenant: Annotated[str, Header()]) -> dict[str, Any]:
    _tenant.set(x_tenant)
    await asyncio.sleep(0.05)
    return {"tenant": _tenant.get()}


@router.get("/later", response_model=None)
def later(tasks: BackgroundTasks) -> dict[str, Any]:
    tasks.add_task(logged, fails)
    return {"accepted": True}


def logged(work: Callable[[], None]) -> None:
    """What a handler leaves to a background task: its error would end the client's connection."""
    try:
        work()
    except Exception:
        _log.exception("background.failed")


def fails() -> None:
    raise ValueError("in the background")
