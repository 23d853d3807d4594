"""What the judge forbids others: the store's latches and ramps, as the desk reads them."""

from collections.abc import Iterator, Sequence

from gateway.judge.kept import readable
from gateway.plan.bars import Bar
from gateway.store.opening import Store
from gateway.store.ramps import Kept


def bars_of(store: Store) -> list[Bar]:
    """Raises StoreUnavailable."""
    latched = [
        Bar(standing.route, False, standing.why)
        for standing in store.standings.all().values()
        if standing.latched
    ]
    return [*latched, *_ramping(store.ramps.all())]


def _ramping(kept: Sequence[Kept]) -> Iterator[Bar]:
    known = readable(kept)
    for one in kept:
        if one.route not in known:
            yield Bar(one.route, True, "newer code has it in hand")
        elif (ramp := known[one.route].ramp).live:
            yield Bar(one.route, True, f"{ramp.state}, by {ramp.actor}")
