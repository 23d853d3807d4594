"""How fast the backtest engine is: `python -m benchmarks.backtest`.

CPU seconds of one core (`time.process_time`), medians over rounds: the strategy over all bars, the engine
with its metrics, and both as a worker process runs them, which also names the request.
"""

import argparse
import random
import statistics
from collections.abc import Callable
from decimal import Decimal
from time import process_time
from typing import Final

from shared_services.backtest.engine import run
from shared_services.backtest.metrics import performance
from shared_services.backtest.model import RunRequest
from shared_services.backtest.prices import Prices
from shared_services.backtest.reading import read_run
from shared_services.backtest.work import run_backtest
from shared_services.config.model import TradingConfig
from shared_services.strategies.catalogue import STRATEGIES

_MINUTE_US: Final = 60_000_000


def walk(bars: int, seed: int) -> Prices:
    """A random walk from 40 000, bars of a minute."""
    chance, price, close, high, low = random.Random(seed), Decimal(40_000), [], [], []
    for _ in range(bars):
        price = round(price * Decimal(1 + chance.gauss(0, 0.002)), 2)
        close.append(price)
        high.append(price + chance.randrange(1, 40))
        low.append(price - chance.randrange(1, 40))
    times = tuple(range(0, bars * _MINUTE_US, _MINUTE_US))
    return Prices(times, {"close": tuple(close), "high": tuple(high), "low": tuple(low)})


def request(strategy: str) -> RunRequest:
    """With the default parameters."""
    data = {"timestamp": list(range(600)), "close": 600 * [1], "high": 600 * [1], "low": 600 * [1]}
    return read_run({"strategy": strategy, "data": data}, TradingConfig())[0]


def measured(rounds: int, work: Callable[[], object]) -> float:
    """Median CPU seconds."""
    spent = []
    for _ in range(rounds):
        began = process_time()
        work()
        spent.append(process_time() - began)
    return statistics.median(spent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bars", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    prices = walk(options.bars, seed=1)
    print(f"{options.bars} bars, {options.rounds} rounds, CPU seconds\n")
    print(f"{'':16}{'strategy':>10}{'engine':>10}{'in a worker':>13}{'trades':>8}")
    for name in STRATEGIES:
        spent, trades = line(options.rounds, name, prices)
        print(f"{name:16}{spent[0]:>10.3f}{spent[1]:>10.3f}{spent[2]:>13.3f}{trades:>8}")


def line(rounds: int, name: str, prices: Prices) -> tuple[list[float], int]:
    """CPU seconds of the strategy, of the engine, of both in a worker; and how many trades."""
    bars, asked = prices.bars, request(name)
    said = STRATEGIES[name].says(bars, asked.given)

    def engine() -> int:
        state = run(prices.times, prices.close, said, asked.costs, 1.0)
        return performance(state.trades, state.equity).total_trades

    works = (
        lambda: STRATEGIES[name].says(bars, asked.given),
        engine,
        lambda: run_backtest(asked, prices, 0),
    )
    return [measured(rounds, work) for work in works], engine()


if __name__ == "__main__":
    main()
