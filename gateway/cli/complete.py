"""What a shell offers after Tab: from the inventory that the last start has left, no app is imported."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import SupportsIndex

_PHASES = ("parallel", "gradual", "full")  # gateway.words.Phase


class Word(str):
    """What bash puts on the line, compared as the shell has read it: without the backslashes."""

    __slots__ = ("_plain",)
    _plain: str

    def __new__(cls, plain: str) -> "Word":
        word = super().__new__(cls, plain.replace(" ", "\\ "))
        word._plain = plain
        return word

    def startswith(
        self,
        prefix: str | tuple[str, ...],
        start: SupportsIndex | None = None,
        end: SupportsIndex | None = None,
    ) -> bool:
        return self._plain.startswith(prefix, start, end)


def routes(incomplete: str) -> list[str]:
    """Routes that both stacks serve, then the others, as the plan writes them."""
    found = [route for route in _served() if route.startswith(incomplete)]
    return [Word(route) for route in found] if _is_bare_in_bash() else found


def phases(incomplete: str) -> list[str]:
    return [phase for phase in _PHASES if phase.startswith(incomplete)]


def _served() -> list[str]:
    """Never raises: a shell shows nothing instead."""
    path = Path(os.environ.get("BANYAN_VAR") or "var") / "inventory.json"
    try:
        found = json.loads(path.read_bytes())
        legacy, modern = (list(_routes(found[name])) for name in ("legacy", "modern"))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
    shapes = {_shape(route) for route in modern}
    both = [route for route in legacy if _shape(route) in shapes]
    return list(dict.fromkeys([*both, *legacy, *_others(modern, legacy)]))


def _others(modern: list[str], legacy: list[str]) -> Iterator[str]:
    shapes = {_shape(route) for route in legacy}
    return (route for route in modern if _shape(route) not in shapes)


def _routes(served: list[list[str]] | None) -> Iterator[str]:
    for method, template in served or ():
        yield f"{method} {template}"


def _shape(route: str) -> str:
    from gateway.endpoints import parse_endpoint

    return " ".join(parse_endpoint(route).shape)


def _is_bare_in_bash() -> bool:
    """Whether the word has no opening quote: zsh and fish quote by themselves, bash does not."""
    if os.environ.get("_BANYAN_COMPLETE") != "complete_bash":
        return False
    words = os.environ.get("COMP_WORDS", "").split("\n")
    at = os.environ.get("COMP_CWORD", "")
    word = words[int(at)] if at.isdecimal() and int(at) < len(words) else ""
    return word[:1] not in {'"', "'"}
