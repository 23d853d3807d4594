"""What the admin API says of judging: evidence, latches and ramps."""

from typing import Annotated

from pydantic import BaseModel, Field

from gateway.control.models import Because, RouteName
from gateway.judge.evidence import Verdict
from gateway.judge.ramp import RampState
from gateway.plan.judging import Duration, RampRule
from gateway.plan.numbers import Percent
from gateway.words import Action, Signal, Stack

Steps = Annotated[tuple[Percent, ...], Field(max_length=50)]


class SideOut(BaseModel):
    """One stack on one route, since its evidence began."""

    requests: int  # that the split decided
    failures: int  # answers that were errors, each counted
    rate: float | None  # failures of requests, 0 to 1
    low: float  # its 95 % interval (Wilson)
    high: float
    events: dict[Signal, int]  # of a client and kind one a minute
    p50: float | None  # seconds, since the workers that run were started
    p95: float | None
    p99: float | None


class SignalOut(BaseModel):
    """What one signal says of modern."""

    signal: Signal
    verdict: Verdict
    log_e: float  # natural logarithm of the evidence that modern is worse
    needed_log_e: float  # for `worse`
    action: Action  # that follows
    text: str  # with both stacks' numbers


class ProofOut(BaseModel):
    """Whether modern is proven not to be worse."""

    verdict: Verdict
    margin: float  # `not worse` is less than so many times as bad
    needed: int | None  # about so many more events, if the stacks are equal; null: too many
    below: float | None  # without an event: modern's rate is below this (95 %)


class LatchOut(BaseModel):
    """A rollback that nobody has acknowledged."""

    at: float
    actor: str
    reason: str


class ShadowOut(BaseModel):
    """What came of requests that the other stack was asked too."""

    sample: float  # percent, now
    equal: int = 0
    accepted: int = 0
    noise: int = 0
    different: int = 0
    no_answer: int = 0
    failed: int = 0


class SightingOut(BaseModel):
    """An exception, what held the event loop up, or where shadows differed."""

    stack: Stack
    kind: str
    what: str
    count: int
    first: float
    last: float
    news: bool  # of modern's, and neither legacy nor an acknowledgement knows it


class RampOut(BaseModel):
    """A split that rises by itself."""

    route: str
    state: RampState
    split: float  # percent: the step that is held
    steps: list[float]
    following: float | None  # the next step
    held: float  # seconds of this step
    hold: float  # seconds of each
    requests: int  # to modern since this step began
    minimum: int
    margin: float
    approve: list[float]  # steps that a person must let begin
    approved: dict[str, str]  # step in percent → by whom
    actor: str
    began: float
    why: str  # what it waits for, or why it ended


class EvidenceOut(BaseModel):
    """What there is for and against modern on one route."""

    route: str
    split: float | None  # percent
    verdict: Verdict
    text: str  # one sentence
    since: int  # plan version with which the evidence begins
    legacy: SideOut
    modern: SideOut
    signals: list[SignalOut]
    proof: ProofOut
    alone: bool  # modern answers alone
    baseline: float | None  # what it is held against then: legacy's last rate, at most (95 %)
    holds: list[str]  # what keeps a ramp
    breakers: dict[str, str]  # worker → open or half-open, and why
    latch: LatchOut | None
    ramp: RampOut | None
    shadow: ShadowOut
    sightings: list[SightingOut]


class Acknowledge(Because):
    """The route may rise again, and its evidence begins anew."""

    route: RouteName


class NewRamp(Because):
    """A ramp; what is not given is taken from the plan's rule."""

    route: RouteName
    steps: Annotated[Steps | None, Field(examples=[[1, 5, 25, 100]])] = None
    hold: Annotated[Duration | None, Field(examples=["30m"])] = None
    minimum: Annotated[int | None, Field(ge=1, le=10**9, strict=True, examples=[2000])] = None
    margin: Annotated[float | None, Field(ge=1.1, le=10, strict=True, examples=[2])] = None
    approve: Annotated[Steps | None, Field(examples=[[100]])] = None

    def rule(self, planned: RampRule | None) -> RampRule | None:
        """None where neither says which steps. Raises ValidationError."""
        given = self.model_dump(exclude={"route", "reason"}, exclude_none=True)
        base = planned.model_dump() if planned else {}
        if given.get("steps") and "approve" not in given:
            base.pop("approve", None)
        both = {**base, **given}
        return RampRule.model_validate(both) if "steps" in both else None


class RampAct(Because):
    """What a person does to a ramp."""

    route: RouteName


class RampJump(RampAct):
    """To one of its steps, now; without one, to the next."""

    to: Annotated[Percent | None, Field(examples=[25])] = None
