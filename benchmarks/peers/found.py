"""What the rounds have found, and its way to JSON and back."""

import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Round:
    """One system in one round, with as many requests as it could answer."""

    rate: float  # requests a second
    cpu: float  # microseconds a request, of all processes
    p50: float  # milliseconds
    p99: float
    share: float  # FastAPI's part of the answers


@dataclass(frozen=True, slots=True)
class Steady:
    """One system in one round, at the rate that was offered."""

    rate: float
    p50: float  # milliseconds
    p99: float
    middles: dict[str, float]  # p50 of each stack that answered: the two together have two humps
    late_p99: float  # milliseconds after their time that the generator sent its requests


@dataclass(slots=True)
class Findings:
    """By the systems' names; the lists have one entry per round, in the same order."""

    rounds: dict[str, list[Round]] = field(default_factory=dict)
    steady: dict[str, dict[str, list[Steady]]] = field(default_factory=dict)  # by group
    memory: dict[str, int] = field(default_factory=dict)  # bytes after the last round
    missing: dict[str, str] = field(default_factory=dict)  # system: why it was not measured
    versions: dict[str, str] = field(default_factory=dict)

    def raw(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> "Findings":
        rounds = {name: [Round(**one) for one in some] for name, some in raw["rounds"].items()}
        steady = {
            group: {name: [Steady(**one) for one in some] for name, some in by_name.items()}
            for group, by_name in raw["steady"].items()
        }
        return cls(rounds, steady, raw["memory"], raw["missing"], raw["versions"])

    def ratios(self, gateway: str, peer: str) -> list[float]:
        """The gateway's requests/s by the peer's, round by round."""
        pairs = zip(self.rounds[gateway], self.rounds[peer], strict=True)
        return [ours.rate / theirs.rate for ours, theirs in pairs]

    def added_cpu(self, gateway: str, peer: str) -> list[float]:
        """Microseconds a request that the gateway takes over the peer, round by round."""
        pairs = zip(self.rounds[gateway], self.rounds[peer], strict=True)
        return [ours.cpu - theirs.cpu for ours, theirs in pairs]

    def added_p50(self, group: str, name: str, without: str) -> float:
        """Milliseconds that `name` adds to p50 over `without`, both stacks' mean; the rounds' median."""
        rounds = self.steady[group]
        pairs = zip(rounds[name], rounds[without], strict=True)
        return statistics.median(
            statistics.mean(one.middles[stack] - bare.middles[stack] for stack in bare.middles)
            for one, bare in pairs
        )
