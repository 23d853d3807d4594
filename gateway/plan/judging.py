"""What a plan says of judging: how a route is guarded, and how its split may rise by itself."""

import re
from decimal import Decimal
from typing import Annotated, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from gateway.judge.evidence import ALPHA
from gateway.plan.named import one_of
from gateway.plan.numbers import Percent, buckets
from gateway.words import Action, Signal

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION: Final = re.compile(r"(\d{1,6})([smhd])")
_LONGEST: Final = 30 * 86_400  # seconds
ACTIONS: Final = {  # what follows if a plan does not say otherwise
    Signal.ERROR: Action.ROLL_BACK,
    Signal.CLIENT_ERROR: Action.ROLL_BACK,
    Signal.SLOW: Action.HOLD,
    Signal.NEW_FINGERPRINT: Action.HOLD,
    Signal.LAG: Action.HOLD,
}
_NO_EVIDENCE: Final = {
    Signal.SLOW: "slow is judged anew each hour, and would roll a healthy route back some day",
    Signal.NEW_FINGERPRINT: "one new_fingerprint proves nothing",
    Signal.LAG: "one lag proves nothing",
}


def _duration(value: object) -> str:
    found = _DURATION.fullmatch(str(value))
    if not isinstance(value, str) or not found:
        hint = f"; write {value}s" if isinstance(value, int) and not isinstance(value, bool) else ""
        raise ValueError(f"{value!r} is no duration: a number and s, m, h or d, as in 30m{hint}")
    if not 0 < int(found[1]) * _UNITS[found[2]] <= _LONGEST:
        raise ValueError(f"{value} is no time to hold a step: 1s to 30d")
    return value


Duration = Annotated[str, BeforeValidator(_duration)]
SignalName = Annotated[Signal, one_of(list(Signal), "signal")]
ActionName = Annotated[Action, one_of(list(Action), "action")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Guard(_Strict):
    """When modern counts as worse, and what follows."""

    alpha: Annotated[float, Field(ge=1e-6, le=0.2, strict=True)] = ALPHA  # of a false alarm, ever
    signals: dict[SignalName, ActionName] = {}  # those that differ from ACTIONS

    def action(self, signal: Signal) -> Action:
        return self.signals.get(signal, ACTIONS[signal])

    @property
    def alpha_each(self) -> float:
        """Of a false alarm by one of the signals that roll back: together they have `alpha`."""
        return self.alpha / max(1, sum(self.action(one) is Action.ROLL_BACK for one in Signal))

    @model_validator(mode="after")
    def _rolls_back_on_evidence_only(self) -> Self:
        for signal, why in _NO_EVIDENCE.items():
            if self.signals.get(signal) is Action.ROLL_BACK:
                raise ValueError(f"{why}; nearest: {signal}: hold")
        return self


class RampRule(_Strict):
    """The steps of a split that rises by itself, once `banyan ramp start` says so."""

    steps: Annotated[tuple[Percent, ...], Field(min_length=1, max_length=50)]
    hold: Duration = "30m"  # on each step, at least
    minimum: Annotated[int, Field(ge=1, le=10**9, strict=True)] = (
        500  # requests to modern, likewise
    )
    margin: Annotated[float, Field(ge=1.1, le=10, strict=True)] = (
        2.0  # `not worse` is less than so many times as bad
    )
    approve: tuple[Percent, ...] = ()  # steps that a person must let begin

    @model_validator(mode="after")
    def _rises(self) -> Self:
        for before, after in zip((Decimal(0), *self.steps), self.steps, strict=False):
            if after <= before:
                raise ValueError(
                    f"steps rise from above 0: {after} does not follow {before}; "
                    f"nearest: {sorted({float(step) for step in self.steps if step})}"
                )
        for step in self.approve:
            if step not in self.steps:
                near = min(self.steps, key=lambda one: abs(one - step))
                raise ValueError(f"approve: {step} is no step of this ramp; nearest: {near}")
        return self

    @property
    def buckets(self) -> tuple[int, ...]:
        return tuple(map(buckets, self.steps))

    @property
    def seconds(self) -> float:
        """To hold each step."""
        found = _DURATION.fullmatch(self.hold)
        assert found is not None  # noqa: S101 (validated)
        return float(int(found[1]) * _UNITS[found[2]])
