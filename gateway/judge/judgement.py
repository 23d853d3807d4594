"""What the evidence says of one route, signal by signal, and in words with numbers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import exp, log
from typing import Final

from gateway.judge.evidence import (
    BROKEN,
    NotWorse,
    Verdict,
    Worse,
    log_ratio_broken,
    worse_alone,
)
from gateway.judge.ledger import EVENTS, Baseline, Ledger
from gateway.observe.recent import Sample
from gateway.plan.judging import Guard
from gateway.routes import SPACE
from gateway.store.evidence import Seen
from gateway.words import Action, Signal, Stack

MARGIN: Final = 2.0  # `not worse` is less than so many times as bad, where no ramp says otherwise
LAG_COUNTS: Final = 600.0  # seconds that a blocked loop speaks against a stack
_LARGEST: Final = 300.0  # of a logarithm that is printed as a number


@dataclass(frozen=True, slots=True)
class Judgement:
    """One route's."""

    route: str
    split: int  # buckets
    signals: Mapping[Signal, Worse]
    proof: NotWorse
    baseline: Baseline | None  # set: modern answers alone, and is held against this
    news: tuple[str, ...]  # exceptions of modern's that legacy does not know
    lag: tuple[str, ...]  # where modern held the loop up lately
    broken: bool  # the split does not split as planned
    breakers: Mapping[str, str]  # that are not closed: worker → state and why
    guard: Guard

    @property
    def verdict(self) -> Verdict:
        """On errors."""
        if self.signals[Signal.ERROR].verdict is Verdict.WORSE:
            return Verdict.WORSE
        return self.proof.verdict

    def against(self, action: Action) -> list[Signal]:
        """The signals that ask for this action now."""
        found = [s for s, worse in self.signals.items() if worse.verdict is Verdict.WORSE]
        found += [Signal.NEW_FINGERPRINT] if self.news else []
        found += [Signal.LAG] if self.lag else []
        return [signal for signal in found if self.guard.action(signal) is action]

    def holds(self) -> list[str]:
        """Why a ramp must not go on."""
        told = {
            Signal.NEW_FINGERPRINT: f"new on modern: {self.news[0]}" if self.news else "",
            Signal.LAG: f"modern held the event loop up: {self.lag[0]}" if self.lag else "",
        }
        split = f"clients are not split as planned ({self.split * 100 / SPACE:g} %)"
        breakers = [
            f"modern fails right now, {worker}: {why}" for worker, why in self.breakers.items()
        ]
        return [
            *([split] if self.broken else []),
            *breakers[:1],
            *(
                told.get(signal) or f"modern is worse on {signal}: {said(self.signals[signal])}"
                for action in (Action.ROLL_BACK, Action.HOLD)
                for signal in self.against(action)
            ),
        ]


@dataclass(frozen=True, slots=True)
class Around:
    """What the judge knows beside the counts."""

    sightings: Iterable[Seen]
    sample: Sample  # of the clients that were seen on the route lately
    now: float  # seconds since 1970
    breakers: Mapping[str, str] = field(default_factory=dict)  # not closed: worker → state and why


@dataclass(frozen=True, slots=True)
class Terms:
    """By what a route is judged."""

    split: int  # buckets, as in force
    guard: Guard
    margin: float = MARGIN  # of its ramp
    ahead: bool = True  # say how many events a proof still needs, which may take a while


def judge(ledger: Ledger, route: str, terms: Terms, around: Around) -> Judgement:
    """The route under the split that is in force."""
    split, guard = terms.split, terms.guard
    alone = ledger.baseline(route) if split == SPACE else None
    alpha = guard.alpha_each
    signals = {
        Signal.ERROR: (
            _alone(ledger, route, alpha, alone)
            if alone
            else ledger.worse(route, Signal.ERROR, alpha)
        ),
        Signal.CLIENT_ERROR: ledger.worse(route, Signal.CLIENT_ERROR, alpha),
        Signal.SLOW: ledger.worse_lately(route, Signal.SLOW, guard.alpha),
    }
    return Judgement(
        route,
        split,
        signals,
        ledger.not_worse(route, terms.margin, ahead=terms.ahead),
        alone,
        _news(around.sightings, route),
        _lag(around, route),
        _broken(around.sample, split),
        around.breakers,
        guard,
    )


def numbers(ledger: Ledger, judgement: Judgement, signal: Signal) -> str:
    """Both stacks' numbers and the evidence, for people who were not there."""
    alone = judgement.baseline is not None and signal is Signal.ERROR
    totals = ledger.totals(judgement.route, compared=not alone)
    column = EVENTS[signal]
    sides = "; ".join(
        f"{stack} {totals[stack][column]} events in {totals[stack]['requests']} requests"
        for stack in (Stack.MODERN, Stack.LEGACY)
    )
    against = ", against legacy's last rate" if alone else ""
    return f"{signal}: {sides}{against}; {said(judgement.signals[signal])}"


def said(worse: Worse) -> str:
    """The evidence beside what it takes."""
    log_e = worse.log_e
    number = f"{exp(log_e):.3g}" if log_e < _LARGEST else f"10^{log_e / log(10):.0f}"
    sign = ">=" if worse.verdict is Verdict.WORSE else "<"
    return f"E = {number} {sign} {1 / worse.alpha:g}"


def _alone(ledger: Ledger, route: str, alpha: float, baseline: Baseline) -> Worse:
    """Since modern answers alone: what was before had a baseline of its own."""
    tallies = ledger.tallies(route)
    shared = max((tally.version for tally in tallies if tally.split < SPACE), default=-1)
    segments = [
        (tally.count(Stack.MODERN, "error"), tally.count(Stack.MODERN, "requests"))
        for tally in tallies
        if tally.version > shared
    ]
    return worse_alone(segments, baseline.rate, alpha)


def _news(sightings: Iterable[Seen], route: str) -> tuple[str, ...]:
    seen = [one for one in sightings if one.kind == "exception"]
    legacys = {one.what for one in seen if one.stack == Stack.LEGACY}
    return tuple(
        one.what
        for one in seen
        if one.route == route
        and one.stack == Stack.MODERN
        and not one.known
        and one.what not in legacys
    )


def _lag(around: Around, route: str) -> tuple[str, ...]:
    return tuple(
        one.what
        for one in around.sightings
        if one.kind == "lag"
        and one.route == route
        and one.stack == Stack.MODERN
        and not one.known
        and around.now - one.last < LAG_COUNTS
    )


def _broken(sample: Sample, split: int) -> bool:
    """Of the clients, not of the requests: a few of those may make most of these."""
    modern = sum(bucket < split for bucket in sample.buckets)
    legacy = len(sample.buckets) - modern
    return log_ratio_broken(legacy, modern, split / SPACE) >= -log(BROKEN)
