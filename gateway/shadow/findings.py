"""What is kept of two answers that differ: where, and in which way; nothing of what they say. Pure."""

import re
from collections.abc import Collection
from typing import Final

from gateway.shadow.difference import Difference

_PLACES: Final = 5  # that are named
_LONGEST: Final = 40  # characters of a name
_LONGEST_PATH: Final = 120
_OTHERS: Final = "in yet other places"
# A key of JSON may be a client's own: an address, a token, a number.
_NAME: Final = re.compile(r"\*|[A-Za-z_](?:[A-Za-z_-]|\d(?!\d{3}))*")


def signature(differences: Collection[Difference]) -> str:
    """`/items/*/price value; header:vary header`: the same for answers that differ alike."""
    places = sorted({f"{_shown(one.path)} {one.kind}" for one in differences})
    more = len(places) - _PLACES
    named = [*places[:_PLACES], f"and {more} more"] if more > 0 else places
    return "; ".join(named)


class Signatures:
    """Those of each route, `most` of them: what differs in ever new places is told as one."""

    def __init__(self, most: int = 50) -> None:
        self._most = most
        self._known: dict[str, set[str]] = {}

    def named(self, route: str, differences: Collection[Difference]) -> tuple[str, bool]:
        """How the differences are called, and whether nobody has been told of them yet."""
        known, name = self._known.setdefault(route, set()), signature(differences)
        if name not in known and len(known) >= self._most:
            name = _OTHERS
        new = name not in known
        known.add(name)
        return name, new


def _shown(path: str) -> str:
    """A pointer into the body without what may be no name; all other places have the apps' own names.

    No store takes a lone surrogate, nor PostgreSQL a null.
    """
    if path.startswith("/"):
        path = "/".join(step if _is_name(step) else "…" for step in path.split("/"))
    cut = path if len(path) <= _LONGEST_PATH else f"{path[:_LONGEST_PATH]}…"
    return "".join(letter if letter.isprintable() else "?" for letter in cut)


def _is_name(step: str) -> bool:
    return not step or (len(step) <= _LONGEST and _NAME.fullmatch(step) is not None)
