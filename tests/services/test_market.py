"""The synthetic market: a pure function that can be searched."""

import json
import subprocess
import sys
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared_services.exchange.model import Side
from shared_services.exchange.paper.path import HIGHEST, LEVELS, LOWEST, PricePath
from shared_services.exchange.paper.synthetic import DEPTH, SyntheticMarket
from tests.fakes import EXAMPLE_NOW

SYMBOLS = sorted(SyntheticMarket(1).instruments)
WEEK = 7 * 24 * 3600  # ticks
TICK = EXAMPLE_NOW // 1000

ASK = """
import json, sys
from shared_services.exchange.paper.synthetic import SyntheticMarket
market = SyntheticMarket(7)
times = json.loads(sys.argv[1])
print(json.dumps([[str(market.ticker(name, at)) for at in times] for name in sorted(market.instruments)]))
"""


class CountingPath(PricePath):
    """Counts what a search costs."""

    draws = 0

    def draw(self, name: str, bound: int) -> int:
        self.draws += 1
        return super().draw(name, bound)


def test_another_process_sees_the_same_prices() -> None:
    market = SyntheticMarket(7)
    times = [0, 999, EXAMPLE_NOW, EXAMPLE_NOW + 123_456_789]
    command = [sys.executable, "-c", ASK, json.dumps(times)]
    told = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert told == [[str(market.ticker(name, at)) for at in times] for name in SYMBOLS]


def test_the_order_of_questions_does_not_matter() -> None:
    times = range(EXAMPLE_NOW, EXAMPLE_NOW + 60_000, 1000)
    one, other = SyntheticMarket(1), SyntheticMarket(1)
    forwards = [one.ticker("ETH/USD", at) for at in times]
    assert forwards == [other.ticker("ETH/USD", at) for at in reversed(times)][::-1]


def test_seeds_and_symbols_have_paths_of_their_own() -> None:
    first, second = SyntheticMarket(1), SyntheticMarket(2)
    assert first.ticker("BTC/USD", EXAMPLE_NOW) != second.ticker("BTC/USD", EXAMPLE_NOW)
    btc = first.ticker("BTC/USD", EXAMPLE_NOW).last / 40_000
    eth = first.ticker("ETH/USD", EXAMPLE_NOW).last / 2_000
    assert abs(btc - eth) > Decimal("1e-6")


@pytest.mark.parametrize("coin", ["BTC", "ETH", "LTC", "SOL", "XRP", "ADA", "DOT", "AVAX"])
def test_a_test_pair_has_the_prices_of_the_real_one(coin: str) -> None:
    market = SyntheticMarket(1)
    real, test = market.ticker(f"{coin}/USD", 5), market.ticker(f"TEST{coin}/TESTUSD", 5)
    assert (real.bid, real.ask, real.last) == (test.bid, test.ask, test.last)


@given(st.sampled_from(SYMBOLS), st.integers(0, 2 * EXAMPLE_NOW))
@settings(deadline=None)
def test_the_book_surrounds_the_last_price_in_steps_of_the_instrument(symbol: str, at: int) -> None:
    market = SyntheticMarket(1)
    ticker, instrument = market.ticker(symbol, at), market.instruments[symbol]
    asks = list(market.levels(symbol, Side.BUY, at))
    bids = list(market.levels(symbol, Side.SELL, at))
    assert 0 < ticker.bid < ticker.last < ticker.ask < instrument.maximum_price
    assert (asks[0].price, bids[0].price) == (ticker.ask, ticker.bid)
    assert all(near.price < far.price for near, far in pairwise(asks))
    assert all(near.price > far.price for near, far in pairwise(bids))
    assert len(asks) == len(bids) == DEPTH
    for level in asks + bids:
        assert level.amount > 0
        assert level.price == round(level.price, instrument.price_decimals)
        assert level.amount == round(level.amount, instrument.amount_decimals)


@given(
    st.binary(min_size=1, max_size=8),
    st.integers(-70_000, 3_000_000_000),
    st.integers(0, 1500),
    st.integers(-(10**6), 10**6),
    st.sampled_from([1, -1]),
)
@settings(max_examples=60, deadline=None)
def test_a_search_finds_what_walking_finds(
    key: bytes, after: int, length: int, offset: int, sign: int
) -> None:
    path = PricePath(key)
    ceiling = sign * path.value(after + length // 2) + offset
    walked = (
        tick for tick in range(after + 1, after + length + 1) if sign * path.value(tick) <= ceiling
    )
    assert path.first_within(ceiling, after, after + length, sign=sign) == next(walked, None)


def test_a_search_crosses_anchors() -> None:
    path, after = PricePath(b"x"), (1 << LEVELS) - 2
    lowest = min(path.value(after + step) for step in range(1, 5))
    found = path.first_within(lowest, after, after + 4)
    assert found is not None
    assert path.value(found) == lowest


def test_the_path_keeps_within_its_bounds() -> None:
    path = PricePath(b"bounds")
    values = [path.value(tick) for tick in range(0, 20 << LEVELS, 997)]
    assert min(values) >= LOWEST
    assert max(values) <= HIGHEST


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("miss", [1, 1_000, 100_000, 10_000_000])
def test_a_week_of_rest_costs_a_bounded_search(seed: int, miss: int) -> None:
    """The hardest search: the price comes as near as `miss` to the limit and never there."""
    path = CountingPath(b"%d" % seed)
    lowest = _lowest(path, TICK, TICK + WEEK)
    path.draws = 0
    assert path.first_within(lowest - miss, TICK, TICK + WEEK) is None
    assert path.draws < 2_000  # walking costs 604 800 * 18; one draw is about 1 µs


def test_a_search_that_nothing_can_match_looks_at_anchors_alone() -> None:
    path = CountingPath(b"x")
    assert path.first_within(LOWEST - 1, TICK, TICK + WEEK) is None
    assert path.draws <= 2 * ((WEEK >> LEVELS) + 2)


@given(st.sampled_from(SYMBOLS), st.sampled_from(Side), st.integers(1, 900), st.integers(-50, 50))
@settings(max_examples=60, deadline=None)
def test_a_touch_is_the_first_second_at_which_the_book_is_good_enough(
    symbol: str, side: Side, seconds: int, steps: int
) -> None:
    market = SyntheticMarket(3)
    step = Decimal(1).scaleb(-market.instruments[symbol].price_decimals)
    limit = market.ticker(symbol, EXAMPLE_NOW + seconds * 500).last + steps * step
    span = (EXAMPLE_NOW, EXAMPLE_NOW + seconds * 1000)
    good = (
        at
        for at in range(EXAMPLE_NOW + 1000, span[1] + 1, 1000)
        if _is_good(market, symbol, side, limit, at)
    )
    assert market.first_touch(symbol, side, limit, span) == next(good, None)


def _is_good(market: SyntheticMarket, symbol: str, side: Side, limit: Decimal, at: int) -> bool:
    ticker = market.ticker(symbol, at)
    return ticker.ask <= limit if side is Side.BUY else ticker.bid >= limit


def _lowest(path: PricePath, after: int, until: int) -> int:
    """The lowest value in (after, until], by bisection."""
    low, high = LOWEST - 1, HIGHEST
    while high - low > 1:
        middle = (low + high) // 2
        if path.first_within(middle, after, until) is None:
            low = middle
        else:
            high = middle
    return high
