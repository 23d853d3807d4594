"""Which stack would answer a request, and why."""

from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from gateway.control.auth import Viewer
from gateway.control.context import Context, Control
from gateway.control.problems import responses
from gateway.explain import Question, explained
from gateway.plan.document import parse
from gateway.words import Reason, Stack

router = APIRouter(prefix="/explain", tags=["explain"], responses=responses(401, 403, 503))
_Text = Annotated[str, Field(max_length=8192)]


class Asked(BaseModel):
    """A request that somebody wonders about; nothing is sent anywhere."""

    model_config = ConfigDict(extra="forbid")

    method: Annotated[str, Field(pattern=r"^[A-Za-z]{1,32}$", examples=["GET"])]
    path: Annotated[_Text, Field(examples=["/api/balances"])]
    headers: Annotated[
        list[tuple[_Text, _Text]], Field(max_length=100, examples=[[["X-API-Key", "alice"]]])
    ] = []
    client: Annotated[str, Field(max_length=64, examples=["192.0.2.7"])] = "127.0.0.1"
    document: Annotated[
        str | None,
        Field(
            max_length=1 << 20,
            description="A plan; default: the one in force.",
            examples=["phase: gradual\n"],
        ),
    ] = None


class FrontDoor(BaseModel):
    """What legacy's rules say where no route is reached."""

    status: int
    location: str
    allow: list[str]


class Explained(BaseModel):
    """The decision and every step up to it."""

    route: str | None
    front_door: FrontDoor | None
    plan_version: int  # 0: of the plan that was sent
    unit: str
    cohort: str | None
    bucket: int
    steps: dict[Reason, str]
    stack: Stack
    reason: Reason


@router.post("", responses=responses(409, 422), summary="Why a request goes where it goes")
async def explain(body: Asked, _caller: Viewer, control: Control) -> Explained:
    """Decides as the hot path does, by the same code."""
    if body.document is not None:
        return await control.sampled(partial(_explained, control, body))
    return await to_thread.run_sync(_explained, control, body)


def _explained(control: Context, asked: Asked) -> Explained:
    version, text = 0, asked.document
    if text is None:
        current = control.desk.in_force()
        version, text = current.version, current.document
    headers = [
        (_bytes(name).strip().lower(), _bytes(value).strip()) for name, value in asked.headers
    ]
    question = Question(asked.method.upper(), asked.path, headers, asked.client)
    inventory = control.inventories()[0]
    trace = explained(control.settings, inventory, parse(text), version, question)
    return Explained.model_validate(trace.as_json())


def _bytes(text: str) -> bytes:
    return text.encode(errors="replace")
