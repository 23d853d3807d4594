"""What legacy says where no route is reached: 404, 405, a redirect, or an OPTIONS it answers itself. Pure."""

import re
from typing import Final, NamedTuple

from gateway.door.entry import Entry
from gateway.door.rules import VARIABLE
from gateway.door.trie import SLASH, Trie

_SLASHES: Final = re.compile("/{2,}")


class Outcome(NamedTuple):
    """A status, and what comes with it."""

    status: int  # 200 (to OPTIONS) | 308 | 404 | 405
    allow: tuple[str, ...] = ()  # of 200 and 405
    location: str = ""  # of 308: a decoded path, or the URL that the rule names


def outcome(
    trie: Trie, method: str, path: str, domain: str, *, merge_slashes: bool = True
) -> Outcome | None:
    """What Werkzeug's map makes of a request; None if it reaches a view.

    After `MapAdapter.match` and Flask's automatic OPTIONS (Werkzeug 3.1).
    """
    allow: set[str] = set()
    entry = trie.find(method, path, domain, allow)
    if entry is SLASH:
        return _to(f"{path}/")
    if entry is None:
        return _merged(trie, method, path, domain, allow) if merge_slashes else _refused(allow)
    if not entry.converts(path):
        return _refused(allow)
    turn = entry.turn(path)
    if turn is not None:
        return Outcome(308, location=_filled(turn.target, entry, path))
    if method == "OPTIONS" and entry.rule.automatic_options:
        trie.find("--", path, domain, allow)
        return Outcome(200, tuple(sorted(allow)))
    return None


def _merged(trie: Trie, method: str, path: str, domain: str, allow: set[str]) -> Outcome:
    merged = _SLASHES.sub("/", path)
    entry = trie.find(method, merged, domain, allow)
    if entry is SLASH:
        return _to(f"{merged}/")
    if entry is None or not entry.rule.merge_slashes:
        return _refused(allow)
    return _to(merged)


def _to(path: str) -> Outcome:
    """`//` at its beginning would be a host."""
    return Outcome(308, location="/" + path.lstrip("/"))


def _refused(allow: set[str]) -> Outcome:
    return Outcome(405, tuple(sorted(allow))) if allow else Outcome(404)


def _filled(target: str, entry: Entry, path: str) -> str:
    values = entry.values(path)
    return VARIABLE.sub(lambda found: values.get(found["name"], ""), target)
