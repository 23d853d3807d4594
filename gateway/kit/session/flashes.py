"""Messages for the next page, in the session under the key that Flask uses.

A message may be flashed by one stack and shown by the other. May go with the session cookie.
"""

from collections.abc import Collection
from functools import partial
from typing import Any, Literal, overload

from starlette.requests import Request

from gateway.kit.session.data import SessionData, session_of


def flash(session: SessionData, message: str, category: str = "message") -> None:
    """Keep a message until `get_flashed_messages` takes it."""
    session["_flashes"] = [*session.get("_flashes", []), (category, message)]


@overload
def get_flashed_messages(
    session: SessionData,
    with_categories: Literal[False] = False,
    category_filter: Collection[str] = (),
) -> list[str]: ...
@overload
def get_flashed_messages(
    session: SessionData, with_categories: Literal[True], category_filter: Collection[str] = ()
) -> list[tuple[str, str]]: ...
@overload
def get_flashed_messages(
    session: SessionData, with_categories: bool = ..., category_filter: Collection[str] = ()
) -> list[str] | list[tuple[str, str]]: ...
def get_flashed_messages(
    session: SessionData, with_categories: bool = False, category_filter: Collection[str] = ()
) -> list[str] | list[tuple[str, str]]:
    """Take all messages from the session; asked again in the same request, the same once more.

    A filter hides messages of other categories; they are taken all the same.
    """
    if session.flashes is None:
        session.flashes = session.pop("_flashes") if "_flashes" in session else []
    chosen = [one for one in session.flashes if not category_filter or one[0] in category_filter]
    return chosen if with_categories else [message for _, message in chosen]


def flash_context(request: Request) -> dict[str, Any]:
    """A context processor of Jinja2Templates: `get_flashed_messages` as Flask's templates call it.

    The session counts as read when a template calls it, not before.
    """
    return {"get_flashed_messages": partial(_of_request, request)}


def _of_request(
    request: Request, with_categories: bool = False, category_filter: Collection[str] = ()
) -> list[str] | list[tuple[str, str]]:
    return get_flashed_messages(session_of(request), with_categories, category_filter)
