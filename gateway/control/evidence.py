"""A route's evidence as the admin API shows it: both stacks side by side, the verdict, what is needed."""

from collections.abc import Iterator
from itertools import accumulate
from math import inf, log

from gateway.control.judging import (
    EvidenceOut,
    LatchOut,
    ProofOut,
    RampOut,
    ShadowOut,
    SideOut,
    SightingOut,
    SignalOut,
)
from gateway.control.report import quantile
from gateway.judge.evidence import Verdict, clean_bound, interval
from gateway.judge.judgement import Judgement, numbers
from gateway.judge.ledger import EVENTS, Ledger
from gateway.judge.look import Look
from gateway.judge.ramp import Ramp
from gateway.observe.batches import BOUNDS
from gateway.observe.seen import Seen as Traffic
from gateway.observe.seen import StackTraffic
from gateway.plan.numbers import percent_of
from gateway.routes import SPACE, Route
from gateway.store.evidence import SHADOW
from gateway.store.standings import Standing
from gateway.words import Signal, Stack


def evidence_out(look: Look, route: Route, traffic: Traffic) -> EvidenceOut:
    judgement, standing = look.judged(route), look.standings.get(route.id)
    stored, baseline = look.ramps.get(route.id), judgement.baseline
    seen = traffic.get(route.id, {})
    return EvidenceOut(
        route=route.id,
        split=percent_of(judgement.split),
        verdict=judgement.verdict,
        text=sentence(look.ledger, judgement),
        since=standing.since if standing else 0,
        legacy=_side(look.ledger, route.id, Stack.LEGACY, seen.get(Stack.LEGACY)),
        modern=_side(look.ledger, route.id, Stack.MODERN, seen.get(Stack.MODERN)),
        signals=list(_signals(look.ledger, judgement)),
        proof=_proof(look.ledger, judgement),
        alone=judgement.split == SPACE,
        baseline=baseline.rate if baseline else None,
        holds=judgement.holds(),
        breakers=dict(judgement.breakers),
        latch=_latch(standing),
        ramp=ramp_out(look.ledger, stored.ramp, look.now) if stored else None,
        shadow=_shadow(look, route),
        sightings=_sightings(look, judgement),
    )


def sentence(ledger: Ledger, judgement: Judgement) -> str:
    """The verdict for people: what is decided, or how much more it takes."""
    proof = judgement.proof
    if judgement.verdict is Verdict.WORSE:
        return f"modern is worse: {numbers(ledger, judgement, Signal.ERROR)}"
    if judgement.split == SPACE:
        return f"modern answers alone: {_alone(judgement)}"
    if judgement.verdict is Verdict.NOT_WORSE:
        return f"modern is not {proof.margin:g} times as bad as legacy"
    if judgement.split == 0:
        return "modern has no share: there is nothing to compare"
    more = (
        "more events than anybody would wait for"
        if proof.needed is None
        else (f"about {proof.needed} more events, in both stacks together,")
    )
    clean = _clean(ledger, judgement.route)
    so_far = "" if clean is None else f"; no error of modern's so far: below {clean:.3%} (95 %)"
    return f"undecided: {more} needed to show that it is not {proof.margin:g} times as bad{so_far}"


def _alone(judgement: Judgement) -> str:
    baseline, proof = judgement.baseline, judgement.proof
    if baseline is None:
        return "legacy was never asked, and there is nothing to compare"
    held = f"held against legacy's last rate, at most {baseline.rate:.3%}"
    if proof.verdict is Verdict.NOT_WORSE:
        return f"{held}; before, it was not {proof.margin:g} times as bad"
    return f"{held}; undecided"


def ramp_out(ledger: Ledger, ramp: Ramp, now: float) -> RampOut:
    counted = ledger.totals(ramp.route, since=ramp.version)[Stack.MODERN]
    return RampOut(
        route=ramp.route,
        state=ramp.state,
        split=percent_of(ramp.split),
        steps=[percent_of(step) for step in ramp.steps],
        following=None if ramp.following is None else percent_of(ramp.following),
        held=ramp.passed(now, 60.0) if ramp.live else ramp.held,
        hold=ramp.hold,
        requests=counted["requests"],
        minimum=ramp.minimum,
        margin=ramp.margin,
        approve=[percent_of(step) for step in ramp.approve],
        approved={f"{percent_of(int(step)):g}": who for step, who in ramp.approved.items()},
        actor=ramp.actor,
        began=ramp.began,
        why=ramp.why,
    )


def _side(ledger: Ledger, route: str, stack: Stack, seen: StackTraffic | None) -> SideOut:
    counted = ledger.totals(route)[stack]
    requests, failures = counted["requests"], counted["failures"]
    low, high = interval(failures, requests)
    bins = accumulate(seen.bins) if seen else ()
    cumulative = dict(zip((*BOUNDS, inf), bins, strict=True)) if seen else {}
    return SideOut(
        requests=requests,
        failures=failures,
        rate=failures / requests if requests else None,
        low=low,
        high=high,
        events={signal: counted[column] for signal, column in EVENTS.items()},
        p50=quantile(0.5, cumulative),
        p95=quantile(0.95, cumulative),
        p99=quantile(0.99, cumulative),
    )


def _signals(ledger: Ledger, judgement: Judgement) -> Iterator[SignalOut]:
    for signal, worse in judgement.signals.items():
        yield SignalOut(
            signal=signal,
            verdict=worse.verdict,
            log_e=round(worse.log_e, 3),
            needed_log_e=round(-log(worse.alpha), 3),
            action=judgement.guard.action(signal),
            text=numbers(ledger, judgement, signal),
        )


def _proof(ledger: Ledger, judgement: Judgement) -> ProofOut:
    proof = judgement.proof
    clean = _clean(ledger, judgement.route)
    return ProofOut(verdict=proof.verdict, margin=proof.margin, needed=proof.needed, below=clean)


def _clean(ledger: Ledger, route: str) -> float | None:
    counted = ledger.totals(route)[Stack.MODERN]
    if counted["error"] or not counted["requests"]:
        return None
    return clean_bound(counted["requests"])


def _latch(standing: Standing | None) -> LatchOut | None:
    if standing is None or not standing.latched:
        return None
    return LatchOut(at=standing.at, actor=standing.actor, reason=standing.why)


def _shadow(look: Look, route: Route) -> ShadowOut:
    """An outcome that a newer worker tells, and this code does not know, is left out."""
    counted = (one for one in look.sightings if one.kind == SHADOW and one.route == route.id)
    outcomes = {one.what: one.count for one in counted}
    return ShadowOut.model_validate({**outcomes, "sample": percent_of(route.shadow)})


def _sightings(look: Look, judgement: Judgement) -> list[SightingOut]:
    route, news = judgement.route, {*judgement.news, *judgement.lag}
    return [
        SightingOut(
            stack=Stack(one.stack),
            kind=one.kind,
            what=one.what,
            count=one.count,
            first=one.first,
            last=one.last,
            news=one.stack == Stack.MODERN and one.what in news,
        )
        for one in look.sightings
        if one.route == route and one.kind != SHADOW
    ]
