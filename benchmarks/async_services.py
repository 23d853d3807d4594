"""What asking at the same time gains: `python -m benchmarks.async_services`.

Each call to an exchange takes `--latency` milliseconds, as over the internet. The same service asks
twice, in alternating rounds: exchanges that answer as many calls as come, and the same ones behind a
lock, so that calls are answered one after the other. Reported are medians over the rounds.
"""

import argparse
import statistics
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from time import perf_counter
from typing import Any, Final, cast

import anyio

from benchmarks import page
from benchmarks.slow_exchange import Slow
from shared_services.clock import SYSTEM_CLOCK
from shared_services.exchange.paper.account import open_account
from shared_services.exchange.paper.exchange import PaperExchange
from shared_services.exchange.paper.synthetic import SyntheticMarket
from shared_services.exchange.port import ExchangePort
from shared_services.services import Services, wire
from shared_services.settings import TradingSettings
from shared_services.storage import Store, open_store

SYMBOLS: Final = (
    "BTC/USD",
    "ETH/USD",
    "LTC/USD",
    "SOL/USD",
    "XRP/USD",
    "ADA/USD",
    "DOT/USD",
    "AVAX/USD",
)
VENUES: Final = 8


def services(
    store: Store, latency: float, at_once: AbstractAsyncContextManager[object]
) -> Services:
    """Over one exchange, which is also each of the venues for order books."""
    exchange = PaperExchange(store, SyntheticMarket(1), SYSTEM_CLOCK)
    port = cast("ExchangePort", Slow(exchange, latency, at_once))
    venues = {f"venue{number}": port for number in range(VENUES)}
    return wire(TradingSettings(store="memory://"), store, SYSTEM_CLOCK, port, venues)


def questions() -> dict[str, Callable[[Services], Awaitable[Any]]]:
    """What is measured, by the name of the service and what it is asked."""
    return {
        f"OrderbookServiceAsync: {VENUES} exchanges merged": lambda to: to.orderbook.aggregate(
            "BTCUSD", 20
        ),
        f"MarketDataServiceAsync: prices of {len(SYMBOLS)} symbols": lambda to: to.market.prices(
            SYMBOLS
        ),
        f"MarketDataServiceAsync: bars, ticker and book of {len(SYMBOLS)}": (
            lambda to: to.market.looks(SYMBOLS)
        ),
        "LivePortfolioServiceAsync: snapshot": lambda to: to.live.snapshot(SYMBOLS),
        "LivePortfolioServiceAsync: market overview": lambda to: to.live.market_overview(SYMBOLS),
    }


async def seconds(question: Callable[[Services], Awaitable[Any]], to: Services) -> float:
    began = perf_counter()
    await question(to)
    return perf_counter() - began


Pairs = list[tuple[float, float]]


async def measure(rounds: int, latency: float) -> dict[str, Pairs]:
    """Seconds together and in turn, of each round, by what is asked."""
    found = {}
    async with open_store("memory://") as store:
        await store.transaction(
            open_account, TradingSettings().paper_balances, SYSTEM_CLOCK.now_ms()
        )
        together = services(store, latency, nullcontext())
        in_turn = services(store, latency, anyio.CapacityLimiter(1))
        for name, question in questions().items():
            await question(together)  # the paper market remembers its bars
            found[name] = [
                (await seconds(question, together), await seconds(question, in_turn))
                for _ in range(rounds)
            ]
    return found


def markdown(found: dict[str, Pairs], latency: float) -> str:
    lines = ["| service | together | in turn | ratio |", "| --- | --- | --- | --- |"]
    lines += [_line(name, *zip(*pairs, strict=True)) for name, pairs in found.items()]
    rounds = len(next(iter(found.values())))
    how = f"Medians of {rounds} rounds, {latency * 1000:g} ms a call. {page.measured()}"
    return "\n".join([*lines, "", how])


def _line(name: str, together: Sequence[float], in_turn: Sequence[float]) -> str:
    first, second = (statistics.median(one) * 1000 for one in (together, in_turn))
    ratios = [b / a for a, b in zip(together, in_turn, strict=True)]
    ratio = f"{statistics.median(ratios):.1f} ({min(ratios):.1f}-{max(ratios):.1f})"
    return f"| {name} | {first:.0f} ms | {second:,.0f} ms | {ratio} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--latency", type=float, default=100, help="milliseconds a call")
    parser.add_argument("--keep", action="store_true", help="in docs/performance.md")
    options = parser.parse_args()
    latency = options.latency / 1000
    found = anyio.run(measure, options.rounds, latency)
    text = markdown(found, latency)
    if options.keep:
        page.keep("async-services", {"latency": latency, "seconds": found}, text)
    else:
        print(text)


if __name__ == "__main__":
    main()
