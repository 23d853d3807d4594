"""What is compared does the same work, and the load measures what it says."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, cast

import anyio
import anyio.lowlevel
import pytest

from benchmarks.gain import apps, plots, tables
from benchmarks.gain.classic import ClassicServices
from benchmarks.gain.closed_loop import Load, Measuring, Task, WrongAnswer
from benchmarks.gain.endpoints import (
    AGGREGATE,
    ENDPOINTS,
    SNAPSHOT,
    TICKER,
    ZONES,
    Endpoint,
)
from benchmarks.gain.rounds import FASTAPI, FASTAPI_THREADS, SERVERS, Rounds, Row, rate
from benchmarks.gain.wiring import (
    BALANCES,
    CLOCK,
    World,
    async_services,
    classic_services,
    prepare,
)
from benchmarks.slow_exchange import Remembering, Slow, SlowInThread, finished
from shared_services.exchange.paper.account import open_account
from shared_services.exchange.paper.exchange import PaperExchange
from shared_services.exchange.paper.synthetic import SyntheticMarket
from shared_services.exchange.port import ExchangePort
from shared_services.services import Services, wire
from shared_services.settings import TradingSettings
from shared_services.storage.memory import MemoryStore
from tests.drive import Answer, AsgiTarget, Request, Target, WsgiTarget

VENUES = 3
NAMES = [f"venue{number}" for number in range(VENUES)]
QUESTIONS: dict[Endpoint, Callable[[Any], Any]] = {
    AGGREGATE: lambda services: services.orderbook.aggregate("BTCUSD", 5),
    TICKER: lambda services: services.market.ticker("BTCUSD"),
    SNAPSHOT: lambda services: services.live.snapshot(("BTC/USD", "ETH/USD")),
}
waiting = pytest.mark.parametrize("asked", QUESTIONS, ids=lambda asked: asked.name)


@asynccontextmanager
async def four_apps(folder: Path) -> AsyncIterator[dict[str, Target]]:
    """Over one store, and exchanges that answer at once."""
    world = World(folder / "trading.db", VENUES, latency=0)
    await prepare(world)
    over_async, over_classic = apps.flask_async(world), apps.flask_threads(world)
    with closing(over_classic.extensions["blocking"]), classic_services(world) as classic:
        async with async_services(world) as services:
            yield {
                "FastAPI, async": AsgiTarget(apps.fastapi_async(world), {"services": services}),
                "FastAPI, def": AsgiTarget(apps.fastapi_threads(world), {"services": classic}),
                "Flask over async": WsgiTarget(over_async),
                "Flask, blocking": WsgiTarget(over_classic),
            }
        await anyio.to_thread.run_sync(over_async.extensions["blocking"].close)


async def answers(asked: Endpoint, folder: Path) -> dict[str, Answer]:
    kind = {"Content-Type": "application/json"} if asked.body else {}
    request = Request(asked.method, asked.target, kind, asked.body)
    async with four_apps(folder) as targets:
        return {name: await target.send(request) for name, target in targets.items()}


@pytest.mark.parametrize("asked", ENDPOINTS, ids=lambda asked: asked.name)
async def test_all_four_apps_answer_the_same(asked: Endpoint, tmp_path: Path) -> None:
    found = await answers(asked, tmp_path)
    assert {answer.status for answer in found.values()} == {200}
    meant = [answer.json() for answer in found.values()]
    assert meant == [meant[0]] * len(SERVERS)


async def test_there_are_gaps_to_be_found(tmp_path: Path) -> None:
    found = await answers(ZONES, tmp_path)
    assert len(found["FastAPI, async"].json()) > 10


class Counting:
    """Knows how often each question was asked."""

    def __init__(self, exchange: PaperExchange) -> None:
        self.exchange = exchange
        self.asked: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Callable[..., Awaitable[object]]:
        async def call(*args: object) -> object:
            self.asked[name] += 1
            answer: object = await getattr(self.exchange, name)(*args)
            return answer

        return call


async def paper() -> tuple[MemoryStore, PaperExchange]:
    store = MemoryStore()
    await store.transaction(open_account, BALANCES, CLOCK.now_ms())
    return store, PaperExchange(store, SyntheticMarket(seed=1), CLOCK)


def over(store: MemoryStore, exchange: object) -> Services:
    port = cast("ExchangePort", exchange)
    settings = TradingSettings(store="memory://")
    return wire(settings, store, CLOCK, port, dict.fromkeys(NAMES, port))


@waiting
async def test_both_kinds_of_services_ask_the_exchange_the_same(asked: Endpoint) -> None:
    store, exchange = await paper()
    by_async, by_classic = Counting(exchange), Counting(exchange)
    await QUESTIONS[asked](over(store, Slow(by_async, 0)))
    venues = dict.fromkeys(NAMES, SlowInThread(by_classic, 0))
    QUESTIONS[asked](ClassicServices(store, CLOCK, venues))
    assert by_async.asked == by_classic.asked
    assert by_async.asked.total() == asked.calls(VENUES)


async def test_a_status_asks_the_exchange_once_and_then_the_cache() -> None:
    store, exchange = await paper()
    counting = Counting(exchange)
    classic = ClassicServices(store, CLOCK, {"venue0": SlowInThread(counting, 0)})
    assert classic.totals() == await over(store, Slow(counting, 0)).balances.totals() == BALANCES
    assert counting.asked == {"balances": 1}


class InTurns:
    """An exchange that answers when everybody waits, and then all who do."""

    def __init__(self, exchange: PaperExchange) -> None:
        self.exchange = exchange
        self.turns = 0
        self._waiting: list[anyio.Event] = []

    def __getattr__(self, name: str) -> Callable[..., Awaitable[object]]:
        async def call(*args: object) -> object:
            event = anyio.Event()
            self._waiting.append(event)
            await event.wait()
            answer: object = await getattr(self.exchange, name)(*args)
            return answer

        return call

    async def answer(self) -> None:
        """Until nobody asks any more."""
        await everybody_waits()
        while self._waiting:
            self.turns += 1
            waiting, self._waiting = self._waiting, []
            for event in waiting:
                event.set()
            await everybody_waits()


async def everybody_waits() -> None:
    """Nothing here waits for a clock or a thread; anyio's `wait_all_tasks_blocked` returns too early.

    It misses a task group whose last task has ended and whose own has not yet been told (4.16).
    """
    for _ in range(100):
        await anyio.lowlevel.checkpoint()


@waiting
async def test_the_asynchronous_services_wait_so_many_times(asked: Endpoint) -> None:
    store, exchange = await paper()
    turns = InTurns(exchange)
    services = over(store, turns)
    async with anyio.create_task_group() as group:
        group.start_soon(QUESTIONS[asked], services)
        await turns.answer()
    assert turns.turns == asked.turns


async def test_an_exchange_that_remembers_is_asked_each_question_once() -> None:
    _, exchange = await paper()
    counting = Counting(exchange)
    remembering = Remembering(counting)
    first = await remembering.ticker("BTC/USD")
    assert await remembering.ticker("BTC/USD") is first
    assert await remembering.ticker("ETH/USD") != first
    assert counting.asked == {"ticker": 2}


async def test_what_waits_cannot_be_finished_without_a_loop() -> None:
    async def waits() -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="needs a loop"):
        finished(waits())


def task(clients: int, seconds: float = 0, port: int = 0, body: str = "yes") -> Task:
    return Task(port, "GET / HTTP/1.1\r\n\r\n", body, clients, seconds)


def measuring(clients: int, seconds: float = 0) -> Measuring:
    return Measuring(task(clients, seconds), asyncio.get_running_loop().create_future())


async def test_it_is_measured_once_every_client_had_its_first_answer() -> None:
    seen = measuring(clients=2)
    seen.answered(9, 1.0, first=True)
    seen.answered(9, 1.5, first=False)
    assert not seen.began
    seen.answered(9, 2.0, first=True)
    assert seen.began == 2
    assert seen.latencies == []


async def test_it_is_measured_until_all_clients_have_as_many_answers_as_each_other() -> None:
    seen = measuring(clients=2, seconds=1)
    seen.answered(9, 1.0, first=True)
    seen.answered(9, 2.0, first=True)
    for now in (2.5, 3.0, 3.1):
        seen.answered(0.5, now, first=False)
    assert not seen.stopped
    seen.answered(0.1, 4.0, first=False)
    assert seen.stopped == 4
    seen.asked = 7  # one is under way
    assert not seen.ended.done()
    seen.answered(9, 5.0, first=False)
    assert seen.ended.done()
    found = seen.found()
    assert (found.rate, found.p50, found.p99) == (2, 500, 500)
    assert (found.measured, found.answers) == (4, 7)


@asynccontextmanager
async def server(answer: bytes) -> AsyncIterator[int]:
    """Its port; it answers each request the same."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            while await reader.read(1000):
                writer.write(answer)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        yield listening.sockets[0].getsockname()[1]


def answer(body: str, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


async def test_the_load_counts_right_answers() -> None:
    load = Load()
    async with server(answer("yes")) as port:
        found = await load.run(task(clients=4, port=port))
        load.close()
    assert found.measured == 4
    assert found.answers >= 8
    assert found.rate > 0


@pytest.mark.parametrize(
    "wrong",
    [answer("no!"), answer("no"), answer("yes, indeed"), answer("yes", "503 Service Unavailable")],
)
async def test_the_load_ends_with_a_wrong_answer(wrong: bytes) -> None:
    load = Load()
    async with server(wrong) as port:
        with pytest.raises(WrongAnswer, match="a wrong answer"):
            await load.run(task(clients=2, port=port))
        load.close()


def rounds(rates: dict[str, list[float]]) -> Rounds:
    """Each endpoint with one and with 32 clients, at those rates."""
    rows = [
        Row(
            server, asked.name, clients, rates.get(server, [100.0] * 2)[number], 5, 9, 700, 7, 2**20
        )
        for number in range(2)
        for asked in ENDPOINTS
        for clients in (32, 1)
        for server in SERVERS
    ]
    return Rounds(30, VENUES, dict.fromkeys(SERVERS, (5, 2**20)), rows)


def test_ratios_are_taken_round_by_round() -> None:
    found = rounds({FASTAPI: [100, 400], FASTAPI_THREADS: [50, 100]})
    pair = FASTAPI, FASTAPI_THREADS
    assert found.ratios(rate, pair, AGGREGATE.name, 32) == [2, 4]
    assert found.median(rate, FASTAPI, AGGREGATE.name, 32) == 250
    assert found.clients(AGGREGATE.name) == [1, 32]


def test_the_tables_say_what_was_found() -> None:
    text = tables.markdown(rounds({FASTAPI: [100, 400], FASTAPI_THREADS: [50, 100]}))
    line = next(line for line in text.splitlines() if line.startswith("| order books"))
    assert line == (
        "| order books of all venues: 3 calls, 1 deep | 1 | 250/s, 5.0 / 9.0 | 75/s, 5.0 / 9.0 | "
        "100/s, 5.0 / 9.0 | 100/s, 5.0 / 9.0 | 3.00 (2.00-4.00) |"
    )
    assert "|  | 32 | 700 µs, 7, 1 |" in text
    assert "40 threads that wait in turn cannot give more than 444" in text


def test_the_same_figures_make_the_same_plots(tmp_path: Path) -> None:
    for folder in (tmp_path / "first", tmp_path / "second"):
        plots.draw(rounds({}), folder)
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        for name in ("first", "second")
    )
    assert first == second
    assert set(first) == {"async-gain-throughput.svg", "async-gain-p99.svg"}
