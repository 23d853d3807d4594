"""History: versions, and what differs between two."""

from difflib import unified_diff
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Path, Query

from gateway.control.auth import Viewer
from gateway.control.context import Context, Control
from gateway.control.models import DiffOut, Page, VersionOut, VersionText, changes_out, version_out
from gateway.control.pages import Cursor, Limit, page, position
from gateway.control.problems import responses
from gateway.plan.diff import changes
from gateway.plan.document import PlanRefused, parse
from gateway.plan.model import Plan
from gateway.store.versions import Version

router = APIRouter(prefix="/versions", tags=["versions"], responses=responses(401, 403, 503))
Number = Annotated[int, Path(ge=1, le=1 << 31, examples=[1])]


@router.get("", responses=responses(400, 422), summary="History")
async def history(
    _caller: Viewer, control: Control, limit: Limit = 50, cursor: Cursor = None
) -> Page[VersionOut]:
    """Every version, the newest first."""
    before = position(cursor)
    found = await to_thread.run_sync(control.store.versions.history, limit + 1, before)
    return page(found, limit, lambda one: one.version, version_out)


@router.get("/{version}", responses=responses(404, 422), summary="One version")
async def read(version: Number, _caller: Viewer, control: Control) -> VersionText:
    """One version, with its text."""
    found = await to_thread.run_sync(control.store.versions.get, version)
    return VersionText(**version_out(found).model_dump(), document=found.document)


@router.get("/{version}/diff", responses=responses(404, 422), summary="What a version changed")
async def diff(
    version: Number,
    _caller: Viewer,
    control: Control,
    before: Annotated[
        int | None, Query(ge=1, le=1 << 31, description="Default: the version before it.")
    ] = None,
) -> DiffOut:
    """What changed from `before` to this version."""
    return await to_thread.run_sync(_diff, control, before, version)


def _diff(control: Context, before: int | None, version: int) -> DiffOut:
    versions = control.store.versions
    after = versions.get(version)
    if before is None:
        before = next((one.version for one in versions.history(1, version)), None)
    earlier = None if before is None else versions.get(before)
    plan = _plan(after)
    return DiffOut(
        before=earlier.version if earlier else None,
        after=version,
        changes=changes_out(changes(_plan(earlier), plan)) if plan else [],
        text=_unified(earlier, after),
    )


def _unified(before: Version | None, after: Version) -> str:
    old = before.document.splitlines(keepends=True) if before else []
    name = f"version {before.version}" if before else "nothing"
    lines = unified_diff(
        old, after.document.splitlines(keepends=True), name, f"version {after.version}"
    )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def _plan(version: Version | None) -> Plan | None:
    try:
        return None if version is None else parse(version.document).plan
    except PlanRefused:  # other code has written it
        return None
