"""The audit: every change, every token, every refused attempt."""

from anyio import to_thread
from fastapi import APIRouter

from gateway.control.auth import Viewer
from gateway.control.context import Control
from gateway.control.models import AuditLine, Page
from gateway.control.pages import Cursor, Limit, page, position
from gateway.control.problems import responses
from gateway.store.audit import Line

router = APIRouter(prefix="/audit", tags=["audit"], responses=responses(401, 403, 503))


@router.get("", responses=responses(400, 422), summary="Audit")
async def lines(
    _caller: Viewer, control: Control, limit: Limit = 50, cursor: Cursor = None
) -> Page[AuditLine]:
    """Who did what, when, from where and why; the newest first. Before and after: the version's diff."""
    found = await to_thread.run_sync(control.store.audit.lines, limit + 1, position(cursor))
    return page(found, limit, lambda one: one.id, _shown)


def _shown(line: Line) -> AuditLine:
    return AuditLine(
        id=line.id,
        at=line.at,
        actor=line.actor,
        origin=line.origin,
        action=line.action,
        subject=line.subject,
        reason=line.reason,
        version=line.version,
    )
