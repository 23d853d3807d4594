"""Each stack by itself, under its own server, and both over one store."""

import subprocess
from pathlib import Path

import pytest

from benchmarks.ports import free_port
from tests.contract.servers import (
    DEADLINE,
    GUNICORN,
    UVICORN,
    server,
    server_over,
    start,
    terminate,
)

pytestmark = pytest.mark.e2e

SERVERS = {
    "gunicorn": GUNICORN,
    "gunicorn --preload": (*GUNICORN, "--preload"),
    "gunicorn, several workers": (*GUNICORN, "--workers=2", "--preload"),
    "uvicorn": UVICORN,
}
BUY = {"symbol": "TESTBTC/TESTUSD", "order_type": "market", "side": "buy", "amount": "0.01"}
REST = BUY | {"order_type": "limit", "price": "1000"}
LIVE = b"Refusing to start: exchange 'bitfinex' is live and TRADING_API_TOKEN is not set"


@pytest.mark.parametrize("name", SERVERS)
def test_a_stack_trades_alone_and_ends_at_once(name: str, tmp_path: Path) -> None:
    with server(SERVERS[name], tmp_path / "trading.db") as (client, process):
        filled = client.post("/api/orders", json=BUY)
        assert (filled.status_code, filled.json()["order"]["status"]) == (201, "closed")
        rested = client.post("/api/orders", json=REST).json()["order"]
        assert (rested["status"], rested["filled"]) == ("open", 0.0)
        listed = client.get("/api/orders").json()["orders"]
        assert [order["id"] for order in listed] == [rested["id"]]
        assert client.delete(f"/api/orders/{rested['id']}").json()["order"] is True
        assert client.get("/api/orders").json() == {"orders": []}
        # A portal that is not closed takes gunicorn's whole grace of 30 s (trap T25): half of that
        # tells the two apart on the busiest machine.
        assert terminate(process) < 15


def test_t61_gunicorn_started_here_opens_no_control_socket(tmp_path: Path) -> None:
    home, store = tmp_path / "home", f"sqlite:///{tmp_path}/trading.db"
    home.mkdir()
    with server_over(store, GUNICORN, tmp_path, HOME=str(home)) as (client, _):
        assert client.get("/api/health").status_code == 200
        assert list(home.rglob("*.ctl")) == []


def test_both_stacks_share_one_store(tmp_path: Path) -> None:
    store = tmp_path / "trading.db"
    key = {"Idempotency-Key": "the-same-order"}
    with server(GUNICORN, store) as (legacy, _), server(UVICORN, store) as (modern, _):
        for here, there in ((legacy, modern), (modern, legacy)):
            placed = here.post("/api/orders", json=REST, headers=key)
            again = there.post("/api/orders", json=REST, headers=key)
            assert (again.status_code, again.content) == (201, placed.content)
            assert again.headers["Idempotency-Replayed"] == "true"
            order = placed.json()["order"]["id"]
            assert [one["id"] for one in there.get("/api/orders").json()["orders"]] == [order]
            assert there.delete(f"/api/orders/{order}").status_code == 200
            assert here.delete(f"/api/orders/{order}").status_code == 404
            key = {"Idempotency-Key": "another-order"}


@pytest.mark.parametrize("name", SERVERS)
def test_a_live_exchange_without_a_token_is_refused_before_listening(name: str) -> None:
    port = free_port()
    command = [part.format(port=port) for part in SERVERS[name]]
    process = start(command, subprocess.PIPE, TRADING_EXCHANGE="bitfinex")
    assert _last_line(process) == LIVE
    assert process.returncode > 0


@pytest.mark.parametrize(
    "command",
    [
        ["gunicorn", "legacy_flask.wsgi:app", "--bind=0.0.0.0:0"],
        ["uvicorn", "fastapi_app.asgi:app", "--host=0.0.0.0", "--port=0"],
    ],
    ids=["gunicorn", "uvicorn"],
)
def test_a_public_address_without_a_token_is_refused(command: list[str]) -> None:
    process = start(command, subprocess.PIPE, TRADING_STORE="memory://")
    assert _last_line(process) == (
        b"Refusing to start: 0.0.0.0 is not a loopback address and TRADING_API_TOKEN is not set"
    )
    assert process.returncode > 0


@pytest.mark.parametrize("command", [GUNICORN, UVICORN], ids=["gunicorn", "uvicorn"])
def test_t36_several_workers_over_a_store_in_memory_are_refused(command: tuple[str, ...]) -> None:
    """The process ends; with 0 under uvicorn 0.54, whose supervisor keeps the status to itself."""
    arguments = [part.format(port=free_port()) for part in (*command, "--workers=2")]
    process = start(arguments, subprocess.PIPE, TRADING_STORE="memory://")
    _, errors = process.communicate(timeout=DEADLINE)
    refusal = b"Refusing to start: TRADING_STORE is memory://, which 2 workers cannot share"
    assert refusal in errors.splitlines()


def _last_line(process: subprocess.Popen[bytes]) -> bytes:
    _, errors = process.communicate(timeout=DEADLINE)
    return errors.splitlines()[-1]
