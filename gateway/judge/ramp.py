"""A split that rises by itself, step by step. Pure: what is known goes in, what follows comes out.

A step is taken when its time has passed and enough requests have reached modern, and modern is proven
not to be worse or a named person has approved the next step. Silence takes no step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from gateway.judge.evidence import clean_requests
from gateway.routes import SPACE

CLEAN: Final = 0.01  # a rate of events that requests without any must exclude (95 %)
SILENCE: Final = 24 * 3600.0  # seconds without a request of modern's that hold a ramp


class RampState(StrEnum):
    """Where a ramp stands."""

    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    STOPPED = "stopped"  # by the guard, or because somebody else moved the split
    ABORTED = "aborted"


LIVE: Final = frozenset({RampState.RUNNING, RampState.PAUSED})


@dataclass(frozen=True, slots=True)
class Ramp:
    """One route's ramp. Splits are buckets, times seconds since 1970 by the store's clock."""

    route: str
    steps: tuple[int, ...]
    hold: float  # seconds on each step
    minimum: int  # requests to modern on each step
    margin: float
    approve: tuple[int, ...]  # steps that a person must let begin
    split: int  # the step that is held
    version: int  # of the plan with which it began
    began: float
    looked: float  # when `held` was true
    held: float = 0.0  # seconds of this step
    state: RampState = RampState.RUNNING
    approved: Mapping[str, str] = field(default_factory=dict)  # step in buckets → who
    actor: str = ""  # who started it
    why: str = ""  # what it waits for, or why it ended

    @property
    def live(self) -> bool:
        return self.state in LIVE

    def passed(self, now: float, at_most: float = float("inf")) -> float:
        """Seconds of this step; of those that nobody has written down yet, `at_most` count."""
        since = min(max(0.0, now - self.looked), at_most)
        return self.held + (since if self.state is RampState.RUNNING else 0.0)

    @property
    def following(self) -> int | None:
        """The next step, None on the last one."""
        return next((step for step in self.steps if step > self.split), None)

    @property
    def approver(self) -> str | None:
        """Who approved the next step."""
        return self.approved.get(str(self.following))

    def on(self, split: int, version: int, now: float) -> "Ramp":
        """The next step has begun."""
        return replace(self, split=split, version=version, began=now, looked=now, held=0.0, why="")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a ramp's route now."""

    split: int  # buckets of modern's, by the plan
    held: float  # seconds of this step
    requests: int  # to modern in this step
    events: int  # errors of modern's in this step
    silent: float  # seconds since modern was asked last
    proven: bool  # modern is not `margin` times as bad
    needed: int | None  # events until that is proven
    holds: Sequence[str] = ()  # what else speaks against a step now


@dataclass(frozen=True, slots=True)
class Advance:
    """The next step is due."""

    split: int
    why: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Not yet."""

    why: str


@dataclass(frozen=True, slots=True)
class End:
    """It is over."""

    state: RampState
    why: str


def following(ramp: Ramp, facts: Facts) -> Advance | Wait | End:
    """What follows for a ramp that is live."""
    if facts.split != ramp.split:
        return End(RampState.STOPPED, f"the split was moved to {_percent(facts.split)} elsewhere")
    if ramp.state is RampState.PAUSED:
        return Wait(ramp.why)
    if facts.holds:
        return Wait(facts.holds[0])
    if facts.held < ramp.hold:
        return Wait(f"held for {_time(facts.held)} of {_time(ramp.hold)}")
    step = ramp.following
    if step is None:
        return End(RampState.DONE, f"the last step was held for {_time(facts.held)}")
    return _next(ramp, facts, step)


def _next(ramp: Ramp, facts: Facts, step: int) -> Advance | Wait:
    if facts.requests < ramp.minimum:
        return Wait(f"{facts.requests} of {ramp.minimum} requests to modern in this step")
    if facts.silent > SILENCE:
        return Wait("modern was not asked for 24 h")
    if ramp.approver is not None:
        return Advance(step, f"approved by {ramp.approver}")
    if step in ramp.approve:
        return Wait(f"{_percent(step)} needs a person: banyan ramp approve")
    proof = _proof(ramp, facts)
    if proof:
        return Advance(step, proof)
    more = "too many" if facts.needed is None else f"about {facts.needed}"
    clean = clean_requests(CLEAN) - facts.requests
    requests = f"{clean} request{'' if clean == 1 else 's'}"
    without = f" or {requests} without one" if facts.events == 0 else ""
    return Wait(f"undecided: {more} more events{without} needed, or banyan ramp approve")


def _proof(ramp: Ramp, facts: Facts) -> str:
    """Why modern is not worse, if it is proven."""
    if facts.proven:
        return f"modern is not {ramp.margin:g} times as bad as legacy"
    if facts.events == 0 and facts.requests >= clean_requests(CLEAN):
        return f"no error in {facts.requests} requests of this step"
    return ""


def _percent(split: int) -> str:
    return f"{split * 100 / SPACE:g} %"


def _time(seconds: float) -> str:
    """`90 s`, `30 min`, `5 h`: as long as it is short."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.0f} s"
