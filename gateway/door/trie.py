"""The search for the rule of a path, as Werkzeug's matcher searches. Pure.

A literal segment beats a variable one, and a walk that ends without the method goes back and tries the
next choice. A node is reached by one way only, so that no path makes the search longer than the table.
After `werkzeug.routing.matcher.StateMachineMatcher` (3.1), which is the oracle in the tests.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.door.entry import Entry
from gateway.door.parts import Part, parts_of
from gateway.door.pattern import fits
from gateway.door.rules import DoorRule

SLASH: Final = Entry(DoorRule("/"))  # a rule was found that the path only lacks the last slash for


@dataclass(slots=True)
class _Dynamic:
    part: Part
    final: bool
    fits: Callable[[str], object]
    following: "_Node"


@dataclass(slots=True)
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    dynamic: list[_Dynamic] = field(default_factory=list)
    only: _Dynamic | None = None  # where there is one variable, within its segment
    entries: list[Entry] = field(default_factory=list)


class Trie:
    """Rules by their parts: the domain's, then the path's."""

    def __init__(self) -> None:
        self._root = _Node()
        anywhere = self._root.literals.setdefault("", _Node())  # rules of no domain
        self._start = anywhere.literals.setdefault(
            "", _Node()
        )  # what stands before the first slash

    def insert(self, entry: Entry) -> None:
        """Entries of one path are asked in the order in which they were inserted."""
        node = self._root
        for part in parts_of(entry.rule):
            if part.literal is None:
                node = _dynamic(node, part)
            else:
                node = node.literals.setdefault(part.literal, _Node())
        node.entries.append(entry)

    def find(
        self, method: str, path: str, domain: str = "", allow: set[str] | None = None
    ) -> Entry | None:
        """The rule of a path, SLASH, or None; `allow` collects the methods of rules that lack this one."""
        if domain:
            return _find(self._root, [domain, *path.split("/")], 0, method, allow)
        segments = path.split("/")
        if segments[0]:  # `*`, which Flask takes for `/*`
            segments.insert(0, "")
        return _find(self._start, segments, 1, method, allow)


def _dynamic(node: _Node, part: Part) -> _Node:
    for known in node.dynamic:
        if known.part == part:
            return known.following
    following = _Node()
    node.dynamic.append(_Dynamic(part, part.final, fits(part), following))
    node.dynamic.sort(key=lambda one: one.part.weight)
    first = node.dynamic[0]
    node.only = first if len(node.dynamic) == 1 and not first.final else None
    return following


def _find(
    node: _Node, segments: Sequence[str], at: int, method: str, allow: set[str] | None
) -> Entry | None:
    last = len(segments)
    while at < last:
        segment = segments[at]
        following = node.literals.get(segment)
        if not segment or (node.dynamic and (following is not None or node.only is None)):
            return _find_here(node, segments, at, method, allow)
        # One way, and nothing to come back to: no call for each segment.
        if following is None:
            if node.only is None or not node.only.fits(segment):
                return None
            following = node.only.following
        node = following
        at += 1
    return _first(node.entries, method, allow) or _with_slash(node, method)


def _find_here(
    node: _Node, segments: Sequence[str], at: int, method: str, allow: set[str] | None
) -> Entry | None:
    """Where there is a choice: the literal, then the variables by their weight."""
    segment = segments[at]
    following = node.literals.get(segment)
    if following is not None:
        found = _find(following, segments, at + 1, method, allow)
        if found is not None:
            return found
    for one in node.dynamic:
        after = _after(one, segments, at)
        if after:
            found = _find(one.following, segments, after, method, allow)
            if found is not None:
                return found
    if segment or at < len(segments) - 1:
        return None
    return _first((entry for entry in node.entries if not entry.strict), method, allow)


def _after(one: _Dynamic, segments: Sequence[str], at: int) -> int:
    """Where the search goes on after a part with variables; 0: it does not fit."""
    if not one.final:
        return at + 1 if one.fits(segments[at]) else 0
    text = "/".join(segments[at:])
    if not one.part.suffixed or not text.endswith("/"):
        return len(segments) if one.fits(text) else 0
    text = text[:-1]  # the slash that follows is a part of its own
    return len(segments) - 1 if not text.endswith("/") and one.fits(text) else 0


def _first(entries: Iterable[Entry], method: str, allow: set[str] | None) -> Entry | None:
    for entry in entries:
        if entry.methods is None or method in entry.methods:
            return entry
        if allow is not None:
            allow |= entry.methods
    return None


def _with_slash(node: _Node, method: str) -> Entry | None:
    """A rule that has a slash at its end where the path has none."""
    branch = node.literals.get("")
    found = _first(branch.entries, method, None) if branch is not None else None
    return SLASH if found is not None and found.strict else found
