"""What asking at the same time gains: `python -m benchmarks.async_services`.

Each call to an exchange takes `--latency` milliseconds, as over the internet. The same service asks
twice, in alternating rounds: exchanges that answer as many calls as come, and the same ones behind a
lock, so that calls are answered one after the other. Reported are medians over the rounds.
"""

import argparse
import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, Final, cast

import anyio

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


@dataclass
class Slow:
    """`exchange`, but each call takes `latency` seconds, `at_once` of them at a time."""

    exchange: PaperExchange
    latency: float
    at_once: anyio.CapacityLimiter

    def __getattr__(self, name: str) -> Callable[..., Awaitable[object]]:
        call = getattr(self.exchange, name)

        async def slow(*args: object) -> object:
            async with self.at_once:
                await anyio.sleep(self.latency)
            return await call(*args)

        return slow


def services(store: Store, latency: float, limit: Callable[[], anyio.CapacityLimiter]) -> Services:
    """Over one exchange, and as many venues for order books."""
    shared = limit()
    exchange = PaperExchange(store, SyntheticMarket(1), SYSTEM_CLOCK)
    ports = [cast("ExchangePort", Slow(exchange, latency, shared)) for _ in range(VENUES)]
    venues = {f"venue{number}": port for number, port in enumerate(ports)}
    return wire(TradingSettings(store="memory://"), store, SYSTEM_CLOCK, ports[0], venues)


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


async def measure(rounds: int, latency: float) -> None:
    async with open_store("memory://") as store:
        await store.transaction(
            open_account, TradingSettings().paper_balances, SYSTEM_CLOCK.now_ms()
        )
        together = services(store, latency, partial(anyio.CapacityLimiter, 1000))
        in_turn = services(store, latency, partial(anyio.CapacityLimiter, 1))
        print(f"{rounds} rounds, {latency * 1000:.0f} ms a call\n")
        print(f"{'':58}{'together':>10}{'in turn':>10}{'ratio':>8}")
        for name, question in questions().items():
            await question(together)  # the paper market remembers its bars
            pairs = [
                (await seconds(question, together), await seconds(question, in_turn))
                for _ in range(rounds)
            ]
            print(_line(name, *zip(*pairs, strict=True)))


def _line(name: str, together: Sequence[float], in_turn: Sequence[float]) -> str:
    first, second = statistics.median(together), statistics.median(in_turn)
    ratio = statistics.median(b / a for a, b in zip(together, in_turn, strict=True))
    return f"{name:58}{first * 1000:>7.0f} ms{second * 1000:>7.0f} ms{ratio:>8.1f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--latency", type=float, default=100, help="milliseconds a call")
    options = parser.parse_args()
    anyio.run(measure, options.rounds, options.latency / 1000)
