"""Server-sent events of plan changes (the HTML standard's `text/event-stream`)."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Final

import anyio
from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import StreamingResponse

from gateway.control.auth import Auth, Viewer
from gateway.control.context import Control
from gateway.control.events import Subscription
from gateway.control.models import version_out
from gateway.control.problems import ApiProblem, responses
from gateway.control.tokens import Role
from gateway.errors import BanyanError

_QUIET: Final = 15.0  # seconds after which a comment keeps the connection alive through proxies
router = APIRouter(tags=["events"], responses=responses(401, 403, 503))


async def _subscription(
    _caller: Viewer,
    control: Control,
    last_event_id: Annotated[str | None, Header(max_length=32)] = None,
) -> AsyncIterator[Subscription]:
    """Ends with the answer, also where that has not begun."""
    if last_event_id is not None and not (last_event_id.isascii() and last_event_id.isdigit()):
        detail = "Last-Event-ID is a version's number, as the stream's `id` lines give it"
        raise ApiProblem(400, "bad_last_event_id", detail)
    subscription = await control.events.subscribe(int(last_event_id) if last_event_id else None)
    try:
        yield subscription
    finally:
        subscription.close()


@router.get(
    "/events",
    summary="Plan changes as they come",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}},
        **responses(400, 422),
    },
)
async def events(
    request: Request, subscription: Annotated[Subscription, Depends(_subscription)]
) -> StreamingResponse:
    """The plan in force, then each new version at once; `Last-Event-ID` brings what was missed."""
    auth: Auth = request.app.state.auth

    async def allowed() -> bool:
        try:
            await auth.allow(request.scope, Role.VIEWER)
        except (ApiProblem, BanyanError):
            return False
        return True

    return StreamingResponse(_told(subscription, allowed), media_type="text/event-stream")


async def _told(
    subscription: Subscription, allowed: Callable[[], Awaitable[bool]]
) -> AsyncIterator[str]:
    """Each version as an event, and a comment where there was none for a while.

    A token that is revoked meanwhile hears nothing more.
    """
    try:
        while True:
            version = await subscription.next(_QUIET)
            if not await allowed():
                return
            if version is None:
                yield ": quiet\n\n"
                continue
            data = version_out(version).model_dump_json()
            yield f"id: {version.version}\nevent: plan\ndata: {data}\n\n"
    except anyio.EndOfStream:
        return
