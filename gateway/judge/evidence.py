"""Is modern worse than legacy? Is it proven not to be? Pure; docs/judging.md says it in words.

Both questions are asked of events, not of rates. If modern is no worse, an event came from it with
probability at most `share`, its part of the requests. With odds `r` of modern against legacy that
becomes r·share / (1 - share + r·share). A mixture of the likelihood ratios over several `r` is a
non-negative martingale under the null, so it exceeds 1/alpha with probability at most alpha, ever,
however often one looks (Ville 1939; Ramdas et al. 2023, Game-Theoretic Statistics, §3).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from math import exp, inf, lgamma, log, log1p
from typing import Final

ALPHA: Final = 0.01  # of rolling back a route whose stacks are equal, over all time
PROOF: Final = 0.05  # of calling a modern that is `margin` times worse not worse
WORSE_ODDS: Final = (1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
EQUAL_ODDS: Final = (0.25, 0.5, 0.75, 1.0)
BROKEN: Final = 0.001  # level at which a split is taken for broken
_PLANNED: Final = 100  # requests
_FIRST: Final = 5 / 6  # weight of the evidence from the very first segment on
_HARDLY: Final = 1e-12  # a chance that makes no difference
_MOST: Final = 5_000  # events beyond which nobody waits for a proof


class Verdict(StrEnum):
    """What the evidence says of modern."""

    WORSE = "worse"
    NOT_WORSE = "not worse"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Segment:
    """What was counted while one plan version gave modern one share, for an hour at most."""

    split: float  # of the clients, 0 to 1
    legacy: int  # requests
    modern: int
    legacy_events: int
    modern_events: int

    @property
    def high(self) -> float:
        """Modern's share, where a larger one is in its favour.

        Events count once for a client, and requests do not: the share of an error may be that of the
        requests or that of the clients.
        """
        return max(self.split, self._observed)

    @property
    def low(self) -> float:
        """Modern's share, where a smaller one is the harder test."""
        return min(self.split, self._observed)

    @property
    def _observed(self) -> float:
        """Of a few requests nobody knows a share: the plan's weighs as much as `_PLANNED` of them."""
        requests = self.legacy + self.modern
        return (self.modern + _PLANNED * self.split) / (requests + _PLANNED)


@dataclass(frozen=True, slots=True)
class Worse:
    """Whether modern is worse. `log_e` is the natural logarithm of the evidence for it."""

    log_e: float
    alpha: float

    @property
    def verdict(self) -> Verdict:
        return Verdict.WORSE if self.log_e >= -log(self.alpha) else Verdict.UNDECIDED


@dataclass(frozen=True, slots=True)
class NotWorse:
    """Whether modern is proven to be less than `margin` times as bad."""

    log_e: float
    margin: float
    needed: (
        int | None
    )  # about so many more events if the stacks are equal; None: too many to wait for

    @property
    def verdict(self) -> Verdict:
        return Verdict.NOT_WORSE if self.needed == 0 else Verdict.UNDECIDED


class Watch:
    """Evidence that modern is worse, segment by segment; it can be kept and continued.

    A modern that was well for a month must not be beyond suspicion when it breaks: the evidence is a
    mixture over the segment it begins with as well. The first has 5/6 of the weight, the j-th after it
    1 / (6 j (j + 1)), which adds up to one.
    """

    __slots__ = ("_count", "_late", "_whole")

    def __init__(self) -> None:
        self._count = 0  # segments so far
        self._whole = [0.0] * len(WORSE_ODDS)  # log likelihood ratios since the first segment
        self._late = [-inf] * len(WORSE_ODDS)  # and weighted sums of those since a later one

    def add(self, segment: Segment) -> None:
        """The next segment, which is over."""
        self._add(_gains(segment, segment.high, WORSE_ODDS, 1.0))

    def add_alone(self, events: int, requests: int, baseline: float) -> None:
        """The next segment in which modern answered alone, against a rate of so many for a request."""
        self._add([_gain_alone(events, requests, baseline, odds) for odds in WORSE_ODDS])

    def copy(self) -> "Watch":
        """Another one that goes on from here: for the segment that is not over yet."""
        ahead = Watch()
        ahead._count, ahead._whole, ahead._late = self._count, [*self._whole], [*self._late]
        return ahead

    def said(self, alpha: float = ALPHA) -> Worse:
        first = log(_FIRST)
        terms = [*(first + whole for whole in self._whole), *self._late]
        return Worse(_log_sum(terms) - log(len(WORSE_ODDS)), alpha)

    def _add(self, gains: Iterable[float]) -> None:
        began, self._count = self._count, self._count + 1
        weight = -log(6 * began * (began + 1)) if began else -inf
        for at, gain in enumerate(gains):
            self._whole[at] += gain
            self._late[at] = _log_sum((self._late[at], weight)) + gain


class Proof:
    """Evidence that modern is less than `margin` times as bad, likewise."""

    __slots__ = ("_logs", "_margin", "_share")

    def __init__(self, margin: float) -> None:
        self._margin = margin
        self._logs = [0.0] * len(EQUAL_ODDS)  # log likelihood ratios
        self._share = 0.0  # modern's, in the last segment

    def add(self, segment: Segment) -> None:
        """The next segment, which is over."""
        self._share = segment.low
        for at, gain in enumerate(_gains(segment, self._share, EQUAL_ODDS, self._margin)):
            self._logs[at] += gain

    def copy(self) -> "Proof":
        """Another one that goes on from here."""
        ahead = Proof(self._margin)
        ahead._logs, ahead._share = [*self._logs], self._share
        return ahead

    def said(self, alpha: float = PROOF, *, ahead: bool = True) -> NotWorse:
        """`ahead=False` leaves out how many events are needed, unless none are."""
        log_e = _log_sum(self._logs) - log(len(EQUAL_ODDS))
        if log_e >= -log(alpha):
            return NotWorse(log_e, self._margin, 0)
        share = round(self._share, 4) if ahead else 0.0
        known = tuple(round(one, 3) for one in self._logs)  # alike is kept
        return NotWorse(log_e, self._margin, _needed(known, share, self._margin, alpha))


def worse(segments: Iterable[Segment], alpha: float = ALPHA) -> Worse:
    """Whether modern has more events than its share of them; the segments in their order."""
    watch = Watch()
    for segment in segments:
        watch.add(segment)
    return watch.said(alpha)


def not_worse(
    segments: Iterable[Segment], margin: float, alpha: float = PROOF, *, ahead: bool = True
) -> NotWorse:
    """Whether modern has fewer events than one that is `margin` times as bad as legacy would have."""
    proof = Proof(margin)
    for segment in segments:
        proof.add(segment)
    return proof.said(alpha, ahead=ahead)


def worse_alone(
    segments: Iterable[tuple[int, int]], baseline: float, alpha: float = ALPHA
) -> Worse:
    """Whether modern, which answers alone, has more events than a baseline of so many for a request.

    Of each segment its events and requests; `baseline` should be an upper bound. Binomial likelihood
    ratios, mixed over the same odds and the same beginnings.
    """
    watch = Watch()
    for events, requests in segments:
        watch.add_alone(events, requests, baseline)
    return watch.said(alpha)


def clean_bound(requests: int, confidence: float = 0.95) -> float:
    """The rate that so many requests without an event exclude: (1 - rate)^requests = 1 - confidence."""
    return 1.0 - (1.0 - confidence) ** (1.0 / requests) if requests else 1.0


def clean_requests(rate: float, confidence: float = 0.95) -> int:
    """How many requests without an event show that the rate is below `rate`, 0 to 1."""
    needed = log1p(-confidence) / log1p(-rate)
    return int(needed) + (needed > int(needed))


def log_ratio_broken(legacy: int, modern: int, split: float) -> float:
    """Log evidence that units are not split as planned: a uniform mixture over all shares (sequential,
    as above). Beyond -log(BROKEN) the split itself is broken, and nothing counted under it means much.
    """
    if not 0.0 < split < 1.0:
        return 0.0
    mixed = lgamma(modern + 1) + lgamma(legacy + 1) - lgamma(modern + legacy + 2)
    return mixed - modern * log(split) - legacy * log1p(-split)


def interval(events: int, requests: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's score interval of a rate (Wilson 1927), 95 % at the default `z`."""
    if not requests:
        return 0.0, 1.0
    rate, spread = events / requests, z * z / requests
    middle = rate + spread / 2
    half = z * (rate * (1 - rate) / requests + spread / (4 * requests)) ** 0.5
    low, high = (middle - half) / (1 + spread), (middle + half) / (1 + spread)
    return (low if events else 0.0), (high if events < requests else 1.0)


def _gains(segment: Segment, share: float, odds: Iterable[float], null: float) -> list[float]:
    """Log likelihood ratios of a segment's events against the odds `null`; 0 without a baseline."""
    if not 0.0 < share < 1.0:
        return [0.0 for _ in odds]
    at_null = _modern(share, null)
    found = []
    for one in odds:
        here = _modern(share, one)
        found.append(
            segment.modern_events * log(here / at_null)
            + segment.legacy_events * log((1 - here) / (1 - at_null))
        )
    return found


def _gain_alone(events: int, requests: int, baseline: float, odds: float) -> float:
    """Log likelihood ratio of a rate `odds` times the baseline's; a rate of one and more is none."""
    if not 0.0 < odds * baseline < 1.0:
        return -inf
    well = log1p(-odds * baseline) - log1p(-baseline)
    return events * log(odds) + (requests - events) * well


def _modern(share: float, odds: float) -> float:
    """The probability that an event is modern's."""
    return odds * share / (1 - share + odds * share)


@lru_cache(maxsize=256)
def _needed(logs: tuple[float, ...], share: float, margin: float, alpha: float) -> int | None:
    """Median number of further events until the proof, if the stacks are equal: by the exact
    distribution of modern's part of them. Up to half a second where none is in sight.
    """
    if not 0.0 < share < 1.0:
        return None
    one = Segment(share, 0, 0, 0, 1), Segment(share, 0, 0, 1, 0)
    gain, loss = (_gains(event, share, EQUAL_ODDS, margin) for event in one)
    goal = -log(alpha) + log(len(EQUAL_ODDS))
    # Chances of k, k + 1 … events of modern's, without a proof so far; up to `best` of them are one.
    few, alive, done, best = 0, [1.0], 0.0, -1
    for count in range(1, _MOST):
        few, alive = _next(few, alive, share)
        while (
            best < count
            and _log_sum(
                [
                    known + (best + 1) * up + (count - best - 1) * down
                    for known, up, down in zip(logs, gain, loss, strict=True)
                ]
            )
            >= goal
        ):
            best += 1
        proven = max(0, best + 1 - few)
        few, done, alive = few + proven, done + sum(alive[:proven]), alive[proven:]
        if done >= 0.5:
            return count
    return None


def _next(few: int, alive: list[float], share: float) -> tuple[int, list[float]]:
    """One event more; what has next to no chance is left out."""
    stays = [chance * (1 - share) for chance in [*alive, 0.0]]
    moved = [0.0, *(chance * share for chance in alive)]
    found = [a + b for a, b in zip(stays, moved, strict=True)]
    end, begin = len(found), 0
    while end > 1 and found[end - 1] < _HARDLY:
        end -= 1
    while begin < end - 1 and found[begin] < _HARDLY:
        begin += 1
    return few + begin, found[begin:end]


def _log_sum(logs: Sequence[float]) -> float:
    """log(Σ exp), of numbers that no float could hold."""
    top = max(logs)
    return top if top == -inf else top + log(sum(exp(one - top) for one in logs))
