"""Ramps on their way into the store and out of it."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self

from pydantic import TypeAdapter

from gateway.judge.ramp import Ramp
from gateway.plan.numbers import percent_of
from gateway.store.audit import Act
from gateway.store.ramps import Kept

_RAMP: Final = TypeAdapter(Ramp)


@dataclass(frozen=True, slots=True)
class Stored:
    """A ramp, and the revision that was read."""

    ramp: Ramp
    revision: int

    @classmethod
    def read(cls, kept: Kept) -> Self:
        """Raises ValueError for a document that newer code has written."""
        return cls(_RAMP.validate_json(kept.document), kept.revision)

    def kept(self, ramp: Ramp) -> Kept:
        """What is to be written over this revision."""
        return Kept(ramp.route, self.revision, _RAMP.dump_json(ramp).decode())


def readable(kept: Iterable[Kept]) -> dict[str, Stored]:
    """By route; what newer code has written is not ours to drive."""
    found = {}
    for one in kept:
        with suppress(ValueError):
            found[one.route] = Stored.read(one)
    return found


def first(ramp: Ramp, replaced: Kept | None) -> Kept:
    """A new ramp; the one that the route had before makes room."""
    revision = 0 if replaced is None else replaced.revision
    return Kept(ramp.route, revision, _RAMP.dump_json(ramp).decode())


def notice_of(ramp: Ramp, act: Act, **more: object) -> tuple[str, str, dict[str, object]]:
    """What others are told of an act upon a ramp: the kind of a notice, its route and its document."""
    document = {
        "action": act.action,
        "state": ramp.state.value,
        "step": percent_of(ramp.split),
        "by": act.actor,
        "reason": act.reason,
    }
    return "ramp", ramp.route, {**document, **more}
