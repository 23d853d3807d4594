"""Workers of both stacks are killed under load, on one store: nothing accepted is lost or doubled.

    python -m tests.campaigns.crashes --kills 60 --store postgres

Two gunicorn workers with the Flask app and two uvicorn workers with the FastAPI app share one store.
Clients place orders, each under an idempotency key, on both stacks in turn and try again what got no
final answer, while one worker after another is killed at a random moment. At the end every key must
have exactly one order, every order a key, and the balances must be those that the orders make.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import anyio
import httpx

from shared_services.exchange.paper.tables import BALANCES, ORDERS, OrderRow
from shared_services.storage import Reader, open_store
from tests.contract.servers import GUNICORN, UVICORN, server_over
from tests.postgres import find_binaries, run_server

CASH = Decimal(1_000_000)
BUY = {"symbol": "TESTBTC/TESTUSD", "order_type": "market", "side": "buy", "amount": "0.0001"}
PATIENCE = 90.0  # seconds until a key must have its final answer
PAUSES = (0.1, 1.5)  # seconds between two kills, at random
STRANGERS = 5  # wrong answers that are shown


@dataclass
class Tally:
    """What the clients saw."""

    orders: dict[str, str] = field(default_factory=dict)  # key to order id
    wrong: list[str] = field(default_factory=list)
    tries: int = 0
    cut: int = 0
    kills: int = 0


class Client:
    """Places orders one after the other until told to stop."""

    def __init__(self, number: int, bases: list[str], tally: Tally, stop: threading.Event) -> None:
        self._number = number
        self._bases = bases
        self._tally = tally
        self._stop = stop

    def run(self) -> None:
        count = 0
        with httpx.Client(timeout=30) as client:
            while not self._stop.is_set():
                count += 1
                self._place(client, f"client-{self._number}-{count}")

    def _place(self, client: httpx.Client, key: str) -> None:
        end = time.monotonic() + PATIENCE
        for base in _in_turn(self._bases, self._number):
            status, body = self._try(client, base, key)
            if status == 201:
                self._tally.orders[key] = body["order"]["id"]
                return
            if status not in {0, 409, 503}:
                self._tally.wrong.append(f"{key}: {status} {body}")
                return
            if time.monotonic() > end:
                self._tally.wrong.append(f"{key}: no final answer within {PATIENCE:.0f} s")
                return
            time.sleep(0.05)

    def _try(
        self, client: httpx.Client, base: str, key: str
    ) -> tuple[int, dict[str, dict[str, str]]]:
        self._tally.tries += 1
        try:
            answer = client.post(f"{base}/api/orders", json=BUY, headers={"Idempotency-Key": key})
        except httpx.TransportError:
            self._tally.cut += 1
            return 0, {}
        return answer.status_code, answer.json()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--store", choices=["postgres", "sqlite"], default="postgres")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(_store(options.store, folder))
        bases, masters = _servers(stack, url, folder)
        tally, stop = Tally(), threading.Event()
        clients = [Client(number, bases, tally, stop) for number in range(options.clients)]
        began = time.monotonic()
        with ThreadPoolExecutor(options.clients) as pool:
            running = [pool.submit(client.run) for client in clients]
            try:
                _kill(masters, options.kills, chance, tally)
            finally:
                stop.set()
            for client in running:
                client.result()
        seconds = time.monotonic() - began
        problems = anyio.run(_problems, url, tally)
    print(
        f"{options.store}: {tally.kills} workers killed in {seconds:.0f} s under {options.clients} "
        f"clients; {tally.tries} requests, {tally.cut} of them cut; {len(tally.orders)} orders "
        f"accepted, {len(problems)} problems"
    )
    print(*problems[:STRANGERS], sep="\n")
    sys.exit(1 if problems else 0)


def _in_turn(bases: list[str], first: int) -> Iterator[str]:
    while True:
        yield bases[first % len(bases)]
        first += 1


@contextmanager
def _store(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder}/trading.db"
        return
    binaries = find_binaries()
    if binaries is None:
        sys.exit("no PostgreSQL: install its server, or use --store sqlite")
    with run_server(binaries) as server, server.database("campaign") as url:
        yield url


def _servers(stack: ExitStack, url: str, folder: Path) -> tuple[list[str], list[int]]:
    """Base URLs and pids of the two servers, each with two workers."""
    bases, masters = [], []
    for command in (GUNICORN, UVICORN):
        client, process = stack.enter_context(
            server_over(
                url,
                (*command, "--workers=2"),
                folder,
                TRADING_PAPER_BALANCES=f'{{"TESTUSD": "{CASH}"}}',
            )
        )
        bases.append(str(client.base_url).rstrip("/"))
        masters.append(process.pid)
    return bases, masters


def _kill(masters: list[int], kills: int, chance: random.Random, tally: Tally) -> None:
    """One worker after the other, of either server, at a random moment."""
    while tally.kills < kills:
        time.sleep(chance.uniform(*PAUSES))
        workers = _children(chance.choice(masters))
        if not workers:
            continue
        try:
            os.kill(chance.choice(workers), signal.SIGKILL)
        except ProcessLookupError:
            continue
        tally.kills += 1


def _children(pid: int) -> list[int]:
    """Workers of a server: its children that run the app, not Python's resource tracker."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if b"resource_tracker" not in _command(child)]


def _command(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


async def _problems(url: str, tally: Tally) -> list[str]:
    async with open_store(url) as store:
        orders, cash, coins, reserved = await store.read(_books)
    known = {str(order.number) for order in orders}
    accepted = set(tally.orders.values())
    spent = sum((order.cost + order.fee for order in orders), Decimal(0))
    bought = sum((order.filled for order in orders), Decimal(0))
    checks = {
        "accepted orders that are lost": len(accepted - known),
        "orders that nobody was told of": len(known - accepted),
        "keys that share an order": len(tally.orders) - len(accepted),
        f"cash {cash}, not {CASH - spent}": cash != CASH - spent,
        f"coins {coins}, not {bought}": coins != bought,
        f"reserved {reserved}": reserved != 0,
    }
    return tally.wrong + [f"{name}: {int(wrong)}" for name, wrong in checks.items() if wrong]


def _books(reader: Reader) -> tuple[list[OrderRow], Decimal, Decimal, Decimal]:
    balances = {row.currency: row for row in reader.find(BALANCES)}
    reserved = sum((row.reserved for row in balances.values()), Decimal(0))
    return (
        reader.find(ORDERS),
        balances["TESTUSD"].total,
        balances["TESTBTC"].total,
        reserved,
    )


if __name__ == "__main__":
    main()
