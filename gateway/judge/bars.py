"""What the judge forbids others: the store's latches and ramps, as the desk reads them."""

from gateway.judge.kept import Stored
from gateway.plan.bars import Bar
from gateway.store.opening import Store


def bars_of(store: Store) -> list[Bar]:
    """Raises StoreUnavailable."""
    latched = [
        Bar(standing.route, False, standing.why)
        for standing in store.standings.all().values()
        if standing.latched
    ]
    ramps = [Stored.read(kept).ramp for kept in store.ramps.all()]
    live = [Bar(ramp.route, True, f"{ramp.state}, by {ramp.actor}") for ramp in ramps if ramp.live]
    return [*latched, *live]
