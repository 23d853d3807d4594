"""What the synthetic market tells of its past: bars and trades are the same path as the prices."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_services.exchange.model import TIMEFRAMES
from shared_services.exchange.paper.path import PricePath
from shared_services.exchange.paper.synthetic import TICK, SyntheticMarket
from shared_services.exchange.paper.volume import volume
from tests.fakes import EXAMPLE_NOW, HOUR_MS

MARKET = SyntheticMarket(1)
ticks = st.integers(min_value=-(10**6), max_value=10**10)


@given(ticks, st.integers(min_value=1, max_value=400))
def test_the_extremes_are_those_of_every_tick(start: int, length: int) -> None:
    path = PricePath(b"key")
    values = [path.value(tick) for tick in range(start, start + length)]
    assert path.extremes(start, start + length) == (min(values), max(values))


@given(ticks, st.integers(min_value=0, max_value=200), st.integers(min_value=0, max_value=10**7))
def test_volumes_add_up(start: int, first: int, second: int) -> None:
    path = PricePath(b"key")
    middle, end = start + first, start + first + second
    assert volume(path, start, middle) + volume(path, middle, end) == volume(path, start, end)
    single = [volume(path, tick, tick + 1) for tick in range(start, middle)]
    assert sum(single) == volume(path, start, middle)
    assert min(single, default=1) > 0


@pytest.mark.parametrize("symbol", ["BTC/USD", "XRP/USD", "TESTETH/TESTUSD"])
def test_a_bar_holds_every_price_and_every_trade(symbol: str) -> None:
    *_, bar, _ = MARKET.candles(symbol, TIMEFRAMES["5m"], 3, EXAMPLE_NOW)
    times = range(bar.timestamp, bar.timestamp + 300_000, TICK)
    prices = [MARKET.ticker(symbol, at).last for at in times]
    trades = MARKET.trades(symbol, 300, times[-1])
    assert (bar.open, bar.high, bar.low, bar.close) == (
        prices[0],
        max(prices),
        min(prices),
        prices[-1],
    )
    assert [trade.price for trade in trades] == prices
    assert sum((abs(trade.amount) for trade in trades), Decimal(0)) == bar.volume


def test_the_newest_bar_grows_and_the_others_stay() -> None:
    *complete, young = MARKET.candles("BTC/USD", HOUR_MS, 5, EXAMPLE_NOW)
    *same, older = MARKET.candles("BTC/USD", HOUR_MS, 5, EXAMPLE_NOW + 600_000)
    assert same == complete
    assert older.timestamp == young.timestamp
    assert older.volume > young.volume
    assert older.high >= young.high
    assert older.low <= young.low
    assert older.close == MARKET.ticker("BTC/USD", EXAMPLE_NOW + 600_000).last


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
def test_bars_stand_at_even_times_and_follow_each_other(timeframe: str) -> None:
    length = TIMEFRAMES[timeframe]
    bars = MARKET.candles("BTC/USD", length, 4, EXAMPLE_NOW)
    assert [later.timestamp - bar.timestamp for bar, later in pairwise(bars)] == [length] * 3
    assert bars[-1].timestamp <= EXAMPLE_NOW < bars[-1].timestamp + length
    monday = 4 * 24 * HOUR_MS if timeframe == "1w" else 0
    assert (bars[0].timestamp - monday) % length == 0


def test_the_ticker_tells_of_the_last_24_hours() -> None:
    ticker = MARKET.ticker("BTC/USD", EXAMPLE_NOW)
    yesterday = MARKET.ticker("BTC/USD", EXAMPLE_NOW - 24 * HOUR_MS).last
    assert ticker.change == ticker.last - yesterday
    assert ticker.change_percent == (ticker.last - yesterday) / yesterday * 100
    trades = MARKET.trades("BTC/USD", 3, EXAMPLE_NOW)
    assert ticker.volume > sum(abs(trade.amount) for trade in trades)
    assert [trade.id for trade in trades] == sorted({trade.id for trade in trades})
