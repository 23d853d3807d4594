"""Two workers of each stack on one PostgreSQL: what is done through one is seen through the other."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.servers import UVICORN, server_over
from tests.e2e.processes import VALIDATED_GUNICORN, assert_valid
from tests.postgres import Server, postgres_server

__all__ = ["postgres_server"]

pytestmark = pytest.mark.e2e

LOOKS = 4  # requests in a row: each of two workers answers one of them, most likely
REST: dict[str, Any] = {
    "symbol": "TESTBTC/TESTUSD",
    "order_type": "limit",
    "side": "buy",
    "amount": "0.01",
    "price": "1000",
}
LARGE = REST | {"order_type": "market", "amount": "0.05"}  # a fifth of the portfolio
CLOSES = [40000, 39600, 39200, 38800, 39200, 39600, 40000, 40000]
BACKTEST: dict[str, Any] = {
    "strategy": "rsi",
    "parameters": {"rsi_period": 3, "oversold": 30, "overbought": 90},
    "data": {
        "timestamp": [1_700_000_000_000 + 3_600_000 * bar for bar in range(len(CLOSES))],
        "close": CLOSES,
    },
}
BOTH_WAYS = pytest.mark.parametrize("way", [1, -1], ids=["legacy-modern", "modern-legacy"])


@pytest.fixture(scope="module")
def stacks(
    postgres_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[httpx.Client]]:
    """Clients of legacy and modern, on a database of their own."""
    folder: Path = tmp_path_factory.mktemp("one-store")
    with ExitStack() as stack:
        url = stack.enter_context(postgres_server.database("one_store"))
        servers = [
            server_over(
                url,
                (*command, "--workers=2"),
                folder,
                TRADING_PAPER_BALANCES='{"TESTUSD": "10000"}',
            )
            for command in (VALIDATED_GUNICORN, UVICORN)
        ]
        yield [stack.enter_context(one)[0] for one in servers]
    assert_valid(folder / "gunicorn.log")


@BOTH_WAYS
def test_an_order_is_seen_and_cancelled_by_the_other_stack(
    stacks: list[httpx.Client], way: int
) -> None:
    here, there = stacks[::way]
    order = _placed(here.post("/api/orders", json=REST))
    for _ in range(LOOKS):
        assert order in [one["id"] for one in there.get("/api/orders").json()["orders"]]
        assert there.get(f"/api/orders/{order}").json() == here.get(f"/api/orders/{order}").json()
    assert there.delete(f"/api/orders/{order}").status_code == 200
    for client in stacks * LOOKS:
        assert order not in [one["id"] for one in client.get("/api/orders").json()["orders"]]
        assert client.delete(f"/api/orders/{order}").status_code == 404


@BOTH_WAYS
def test_a_key_means_one_order_in_both_stacks(stacks: list[httpx.Client], way: int) -> None:
    here, there = stacks[::way]
    key = {"Idempotency-Key": f"shared-{way}"}
    first = here.post("/api/orders", json=REST, headers=key)
    order = _placed(first)
    assert "Idempotency-Replayed" not in first.headers
    for client in (there, here) * LOOKS:
        again = client.post("/api/orders", json=REST, headers=key)
        assert again.headers["Idempotency-Replayed"] == "true"
        assert (_placed(again), again.content) == (order, first.content)
        other = client.post("/api/orders", json=REST | {"amount": "0.02"}, headers=key)
        assert (other.status_code, other.json()) == (
            409,
            {"error": "Idempotency key already used with a different request"},
        )
    assert there.delete(f"/api/orders/{order}").status_code == 200
    assert here.get("/api/orders").json() == {"orders": []}


@BOTH_WAYS
def test_a_limit_set_by_one_stack_is_in_force_in_the_other(
    stacks: list[httpx.Client], way: int
) -> None:
    here, there = stacks[::way]
    fast = REST | {"leverage": 7}
    for most, status in ((8, 201), (6, 400)):
        changed = here.post("/api/config", json={"risk": {"max_leverage": most}})
        assert changed.status_code == 200
        for client in (there, here) * 2:
            answer = client.post("/api/orders", json=fast)
            assert answer.status_code == status, answer.text
            if status == 201:
                client.delete(f"/api/orders/{_placed(answer)}")
            else:
                assert answer.json()["details"] == ["Leverage 7.0x exceeds maximum 6.0x"]


@BOTH_WAYS
def test_a_backtest_of_one_stack_is_found_by_the_other(
    stacks: list[httpx.Client], way: int
) -> None:
    here, there = stacks[::way]
    run = here.post("/api/backtest/run", json=BACKTEST)
    assert run.status_code == 200, run.text
    for client in (there, here) * 2:
        found = client.get(f"/api/backtest/results/{run.json()['id']}")
        assert found.status_code == 200, found.text
        assert found.json().items() >= (run.json() | {"strategy": "rsi"}).items()


@BOTH_WAYS
def test_an_alert_of_one_stack_is_told_by_the_other(stacks: list[httpx.Client], way: int) -> None:
    here, there = stacks[::way]
    before = _warnings(there)
    assert here.post("/api/orders", json=LARGE).status_code == 400
    for client in (there, here) * 2:
        assert len(_warnings(client)) == len(before) + 1
        assert _warnings(client)[0]["message"] == "Order rejected by risk management"


@BOTH_WAYS
def test_there_is_one_bot_for_both_stacks(stacks: list[httpx.Client], way: int) -> None:
    here, there = stacks[::way]
    assert here.post("/api/bot/start").status_code == 200
    for client in (there, here) * 2:
        assert client.get("/api/bot-status").json()["status"] == "running"
    assert there.post("/api/bot/start").json()["message"] == "Bot is already running"
    assert there.post("/api/bot/stop").json()["message"] == "Bot stopped successfully"
    for client in (here, there) * 2:
        assert client.get("/api/bot-status").json()["status"] == "stopped"
    assert here.post("/api/bot/stop").json()["message"] == "Bot is not running"


def _placed(answer: httpx.Response) -> str:
    assert answer.status_code == 201, answer.text
    order: str = answer.json()["order"]["id"]
    return order


def _warnings(client: httpx.Client) -> list[dict[str, Any]]:
    alerts: list[dict[str, Any]] = client.get(
        "/api/monitoring/alerts", params={"level": "WARNING"}
    ).json()["alerts"]
    return alerts
