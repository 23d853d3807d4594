"""Two workers of each stack on one store, some of them killed: nothing is lost, nothing doubled."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared_services.clock import SYSTEM_CLOCK
from shared_services.exchange.paper.tables import BALANCES, ORDERS, OrderRow
from shared_services.orders.idempotency import LEASE_MS
from shared_services.services import open_services
from shared_services.settings import TradingSettings
from shared_services.storage import Reader, open_store
from tests.contract.servers import GUNICORN, UVICORN, server_over
from tests.fakes import FixedClock
from tests.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

pytestmark = pytest.mark.e2e

CASH = Decimal(2000)
REST = {
    "symbol": "TESTBTC/TESTUSD",
    "order_type": "limit",
    "side": "buy",
    "amount": "0.01",
    "price": "20000",  # half of what it costs; ten of these are all the cash
}
BUY = {"symbol": "TESTBTC/TESTUSD", "order_type": "market", "side": "buy", "amount": "0.0001"}
WORKERS = ("--workers=2",)


@dataclass
class Fleet:
    """Requests go to the stacks in turn. `victim` is the server whose worker will be killed."""

    url: str
    clients: list[httpx.Client]
    victim: int

    def place(self, number: int, body: dict[str, str], key: str) -> tuple[int, Any]:
        """Status and decoded body; status 0 if the worker died over it."""
        client, headers = self.clients[number % 2], {"Idempotency-Key": key}
        try:
            answer = client.post("/api/orders", json=body, headers=headers)
        except httpx.TransportError:
            return 0, None
        return answer.status_code, answer.json()

    def place_all(
        self, body: dict[str, str], keys: list[str], *, kill: bool = False
    ) -> list[tuple[int, Any]]:
        """All at once; with `kill`, a worker of the victim dies after the first answer."""
        with ThreadPoolExecutor(16) as pool:
            answers = pool.map(lambda one: self.place(one[0], body, one[1]), enumerate(keys))
            first = next(answers)
            if kill:
                os.kill(_workers(self.victim)[0], signal.SIGKILL)
            return [first, *answers]


@pytest.fixture(params=["sqlite, a worker of legacy dies", "postgres, one of modern"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fleet]:
    on_sqlite = request.param.startswith("sqlite")
    sqlite = f"sqlite:///{tmp_path}/trading.db"
    url = sqlite if on_sqlite else request.getfixturevalue("postgres_url")
    cash = f'{{"TESTUSD": "{CASH}"}}'
    with ExitStack() as stack:
        running = [
            stack.enter_context(
                server_over(url, (*command, *WORKERS), tmp_path, TRADING_PAPER_BALANCES=cash)
            )
            for command in (GUNICORN, UVICORN)
        ]
        clients, processes = zip(*running, strict=True)
        yield Fleet(url, list(clients), processes[0 if on_sqlite else 1].pid)


async def test_orders_of_killed_workers_are_neither_lost_nor_doubled(fleet: Fleet) -> None:
    statuses = Counter(status for status, _ in fleet.place_all(REST, _keys("rest", 20)))
    assert statuses == {201: 10, 400: 10}
    for order in fleet.clients[0].get("/api/orders").json()["orders"]:
        assert fleet.clients[1].delete(f"/api/orders/{order['id']}").status_code == 200

    same = fleet.place_all(BUY, ["same"] * 50)
    assert {status for status, _ in same} == {201, 409}
    assert len({body["order"]["id"] for status, body in same if status == 201}) == 1

    keys = _keys("buy", 60)
    answers = fleet.place_all(BUY, keys, kill=True)
    assert {status for status, _ in answers} <= {0, 201, 409, 503}
    # To them the store stayed too busy; they are asked again below, as who got no answer.
    refused = [body["error"] for status, body in answers if status == 503]
    assert set(refused) <= {"Store unavailable"}
    answered = {body["order"]["id"] for status, body in answers if status == 201}

    assert answered <= await _place_what_was_left(fleet.url, keys)
    orders, cash, coins = await _look(fleet.url)
    bought = [order for order in orders if order.price is None]
    assert len(bought) == len(keys) + 1
    assert cash == CASH - sum(order.cost + order.fee for order in bought)
    assert coins == sum(order.filled for order in bought)


async def _place_what_was_left(url: str, keys: list[str]) -> set[str]:
    """Every key again, once the leases of the dead have expired; the ids of their orders."""
    later = FixedClock(SYSTEM_CLOCK.now_ms() + LEASE_MS)
    async with open_services(TradingSettings(store=url), clock=later) as services:
        return {(await services.orders.create(BUY, key)).order.id for key in keys}


async def _look(url: str) -> tuple[list[OrderRow], Decimal, Decimal]:
    async with open_store(url) as store:
        return await store.read(_books)


def _books(reader: Reader) -> tuple[list[OrderRow], Decimal, Decimal]:
    balances = {row.currency: row for row in reader.find(BALANCES)}
    assert {row.reserved for row in balances.values()} == {0}
    return reader.find(ORDERS), balances["TESTUSD"].total, balances["TESTBTC"].total


def _keys(name: str, count: int) -> list[str]:
    return [f"{name}-{number}" for number in range(count)]


def _workers(server: int) -> list[int]:
    """Its child processes that serve requests, oldest first."""
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    tracker = b"resource_tracker"
    return [
        int(pid) for pid in children if tracker not in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
