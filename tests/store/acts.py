"""What operators do to a store in these tests."""

from dataclasses import replace
from typing import Final

from gateway.store.audit import Act
from gateway.store.opening import Store
from gateway.store.versions import Proposal, Version
from gateway.store.workers import Beat

ACT: Final = Act("cli:ann", "laptop", "plan.apply", "traffic.yaml", "the canary is clean")
PLAN: Final = "phase: gradual\n"


def proposal(text: str = PLAN, reason: str = ACT.reason) -> Proposal:
    return Proposal(text, replace(ACT, reason=reason))


def applied(store: Store, *texts: str) -> list[Version]:
    """One version after the other."""
    return [store.versions.apply(store.versions.newest(), proposal(text)) for text in texts]


def numbered(count: int) -> list[str]:
    return [f"{PLAN}# {number}\n" for number in range(1, count + 1)]


def counted(text: str) -> str:
    """The same plan, its counter raised by one: an update that can be lost."""
    return f"{PLAN}# {count(text) + 1}\n"


def count(text: str) -> int:
    return int(text.rpartition("# ")[2])


def beat(name: str = "w1", **fields: object) -> Beat:
    """A worker's heartbeat; its inventory is `i1`."""
    usual = Beat(
        id=name,
        host="h1",
        launch="h1:1",
        pid=7,
        version=1,
        listening=True,
        secret="s",
        inventory="i1",
        problems="[]",
        traffic="{}",
        recent=None,
    )
    return replace(usual, **fields)  # type: ignore[arg-type]  # fields of any type
