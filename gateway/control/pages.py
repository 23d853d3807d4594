"""Pages of what only grows: a cursor names the last item seen, so that new ones shift nothing."""

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Final, TypeVar

from fastapi import Query

from gateway.control.models import Page
from gateway.control.problems import ApiProblem

_CURSOR: Final = re.compile(r"b([0-9]{1,15})")

S = TypeVar("S")
T = TypeVar("T")

Cursor = Annotated[str | None, Query(max_length=32, description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=500, description="Items of a page.")]


def position(cursor: str | None) -> int | None:
    """Where a page begins. Raises ApiProblem 400 for a cursor that is none of ours."""
    if cursor is None:
        return None
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        detail = "not a cursor: take `next` of the page before, or leave it out for the first page"
        raise ApiProblem(400, "bad_cursor", detail)
    return int(found[1])


def page(
    found: Sequence[S], limit: int, key: Callable[[S], int], show: Callable[[S], T]
) -> Page[T]:
    """A page of `limit` items, of the `limit` + 1 that were asked for."""
    items = found[:limit]
    more = f"b{key(items[-1])}" if len(found) > limit else None
    return Page(items=[show(one) for one in items], next=more)
