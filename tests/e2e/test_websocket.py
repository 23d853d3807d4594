"""The market socket as clients meet it: real servers, a real client, and clients that misbehave."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pytest
from websockets import Subprotocol
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from benchmarks.ports import free_port
from tests.e2e.processes import Running, answers_at, banyan, started, wait
from tests.e2e.validated import validated

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("websocket")]

TRADING: Final = validated(
    {
        "BANYAN_LEGACY": "legacy_flask.wsgi:app",
        "BANYAN_MODERN": "fastapi_app.asgi:app",
        "PYTHONWARNINGS": "error::DeprecationWarning",
    }
)
RESTLESS: Final = TRADING | {"BANYAN_MODERN": "tests.e2e.moving:app"}
DEADLINE: Final = 20.0  # seconds

HUGE: Final = "x" * 40_000
"""A symbol that every frame repeats: some hundred of them fill what lies between two programs."""
ENOUGH: Final = 500  # such frames

SERVERS: Final = {
    "gunicorn": ("gunicorn", "-k", "asgi", "gateway.asgi:app", "--bind=127.0.0.1:{port}"),
    "uvicorn": ("uvicorn", "gateway.asgi:app", "--port={port}"),
    "uvicorn without WebSockets": ("uvicorn", "gateway.asgi:app", "--ws=none", "--port={port}"),
}


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with banyan(tmp_path_factory.mktemp("paper"), "up", **TRADING) as running:
        yield running


@pytest.fixture(scope="module")
def restless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with banyan(tmp_path_factory.mktemp("restless"), "up", **RESTLESS) as running:
        yield running


def address(running: Running, path: str = "/ws/market/me") -> str:
    return running.url("gateway").replace("http", "ws", 1) + path


def client(running: Running, path: str = "/ws/market/me") -> ClientConnection:
    """Without compression, which would hide how much waits."""
    return connect(
        address(running, path), compression=None, open_timeout=DEADLINE, close_timeout=0.1
    )


def hear(ws: ClientConnection) -> Any:
    return json.loads(ws.recv(DEADLINE))


def ask(ws: ClientConnection, channel: str, symbol: str, action: str = "subscribe") -> None:
    ws.send(json.dumps({"action": action, "channel": channel, "symbol": symbol}))


def subscribed(ws: ClientConnection, channel: str, symbol: str) -> None:
    ask(ws, channel, symbol)
    assert hear(ws) == {"channel": channel, "status": "subscribed", "symbol": symbol}


@contextmanager
def served(folder: Path, server: str) -> Iterator[tuple[str, Running]]:
    """The gateway by `server`, with a plan that sends everything to legacy."""
    (folder / "traffic.yaml").write_text("phase: gradual\ndefaults: {modern: 0}\n")
    if server == "banyan":
        with banyan(folder, "serve", **TRADING) as running:
            yield address(running, ""), running
        return
    port = free_port()
    command = [part.format(port=port) for part in SERVERS[server]]
    with started(folder, *command, **TRADING) as running:
        wait(lambda: answers_at(f"http://127.0.0.1:{port}") or running.process.poll() is not None)
        assert running.process.poll() is None, running.errors
        yield f"ws://127.0.0.1:{port}", running


@pytest.mark.parametrize(
    ("server", "status"),
    [
        ("banyan", 404),
        ("gunicorn", 403),  # knows no other refusal
        pytest.param(
            "uvicorn without WebSockets",
            404,
            marks=pytest.mark.xfail(strict=True, raises=InvalidStatus),
        ),
    ],
)
def test_t11_websockets_reach_modern_whatever_the_split_says(
    tmp_path: Path, server: str, status: int
) -> None:
    with served(tmp_path, server) as (url, _running):
        with connect(f"{url}/ws/market/me?symbol=BTCUSD", open_timeout=DEADLINE) as ws:
            assert hear(ws)["status"] == "subscribed"
            assert hear(ws)["seq"] == 1
        with pytest.raises(InvalidStatus) as refused:
            connect(f"{url}/api/balances", open_timeout=DEADLINE)
        assert refused.value.response.status_code == status


def test_all_channels_through_banyan_up(paper: Running) -> None:
    with client(paper, "/ws/market/me?symbol=BTCUSD") as ws:
        assert hear(ws) == {"channel": "ticker", "status": "subscribed", "symbol": "BTCUSD"}
        ask(ws, "orderbook", "BTCUSD")
        ask(ws, "trades", "BTCUSD")
        seen: dict[str, list[Any]] = {"ticker": [], "orderbook": [], "trades": []}
        while min(len(frames) for frames in seen.values()) < 3:
            frame = hear(ws)
            if "seq" in frame:
                seen[frame["type"]].append(frame)
    assert [frame["seq"] for frame in seen["trades"]] == [1, 2, 3]
    for channel in ("ticker", "orderbook"):
        assert [frame["seq"] for frame in seen[channel]][:3] == [1, 2, 3]
    trades = [int(trade["id"]) for frame in seen["trades"] for trade in frame["data"]]
    assert len(seen["trades"][0]["data"]) == 50
    assert trades == list(range(trades[0], trades[0] + len(trades)))
    assert len(seen["orderbook"][0]["data"]["asks"]) == 20
    assert set(seen["ticker"][0]["data"]) == {"ask", "bid", "price", "timestamp", "volume"}


def test_with_a_token_a_browser_comes_in_by_its_subprotocols(tmp_path: Path) -> None:
    with banyan(tmp_path, "up", **TRADING, TRADING_API_TOKEN="opensesame") as running:
        url = address(running)
        with connect(url, subprotocols=_offer("opensesame")) as ws:
            assert ws.subprotocol == "bearer"
            subscribed(ws, "ticker", "BTCUSD")
        with pytest.raises(InvalidStatus) as refused:
            connect(url, subprotocols=_offer("another"))
        assert refused.value.response.status_code == 403
        assert running.stop() == 0
        assert "ERROR" not in running.errors


def test_b108_nonsense_is_answered_and_the_connection_stays(paper: Running) -> None:
    with client(paper) as ws:
        for frame, error in {
            "{": "Invalid JSON",
            '{"action":"foo","channel":"ticker","symbol":"BTCUSD"}': "Unknown action: foo",
        }.items():
            ws.send(frame)
            assert hear(ws) == {"error": error}
        ws.send(b"\x00")
        assert hear(ws) == {"error": "Invalid JSON"}
        subscribed(ws, "ticker", "BTCUSD")


def test_b108_a_frame_of_a_megabyte_closes_with_1009(paper: Running) -> None:
    with client(paper) as ws, client(paper) as other:
        ws.send("x" * 1_000_000)
        assert _heard_until_closed(ws) == (0, 1009)
        subscribed(other, "ticker", "BTCUSD")


def test_b108_ten_thousand_subscriptions_are_answered_and_fifty_granted(paper: Running) -> None:
    coins, channels = ("BTC", "ETH", "LTC", "SOL", "XRP"), ("ticker", "orderbook", "trades")
    names = ("{}USD", "{}/USD", "TEST{}/USD", "{}/TESTUSD", "TEST{}/TESTUSD", "NO{}/USD")
    wanted = [(channel, n.format(coin)) for coin in coins for n in names for channel in channels]

    def send_all() -> None:
        for number in range(10_000):
            ask(ws, *wanted[number % len(wanted)])

    with client(paper) as ws, client(paper) as other:
        sender = threading.Thread(target=send_all)
        sender.start()
        answers: list[Any] = []
        while len(answers) < 10_000:
            frame = hear(ws)
            if "seq" not in frame:
                answers.append(frame)
        sender.join()
        subscribed(other, "ticker", "BTCUSD")
    granted = {(one["channel"], one["symbol"]) for one in answers if "status" in one}
    assert len(granted) == 50
    assert {one["error"] for one in answers if "error" in one} == {
        "Subscription failed: at most 50 on one connection",
        *(f"Subscription failed: unknown symbol NO{coin}/USD" for coin in coins[:3]),
    }


@pytest.mark.parametrize("channel", ["ticker", "orderbook"])
def test_b108_a_client_that_does_not_read_finds_a_gap_later(
    restless: Running, channel: str
) -> None:
    with client(restless) as stuck, client(restless) as quick:
        ask(stuck, channel, HUGE)
        subscribed(quick, channel, HUGE)
        first = hear(quick)["seq"]
        while hear(quick)["seq"] < first + 3 * ENOUGH:
            pass
        assert "status" in hear(stuck)
        before, now = 0, hear(stuck)["seq"]
        while now == before + 1:
            before, now = now, hear(stuck)["seq"]
        assert now > before + 1


def test_b108_a_client_too_slow_for_trades_is_closed_with_1013_and_others_miss_nothing(
    restless: Running,
) -> None:
    with client(restless) as stuck, client(restless) as quick:
        subscribed(quick, "trades", HUGE)
        assert hear(quick)["seq"] == 1
        ask(stuck, "trades", HUGE)
        for expected in range(2, ENOUGH + 1300):
            assert hear(quick)["seq"] == expected
        frames, code = _heard_until_closed(stuck)
        assert code == 1013
        assert frames < ENOUGH
        assert hear(quick)["seq"] == ENOUGH + 1300


@pytest.mark.parametrize(
    "server",
    [
        "banyan",
        # 0.54: answers every ping, whether anybody reads the answers or not.
        pytest.param("uvicorn", marks=pytest.mark.xfail(strict=True, raises=AssertionError)),
    ],
)
def test_b108_a_flood_of_pings_from_one_that_does_not_read_is_bounded(
    tmp_path: Path, server: str
) -> None:
    with served(tmp_path, server) as (url, running), _deaf(url) as flood:
        before, pings = _memory(running), 300_000 * (b"\x89\xfd\0\0\0\0" + 125 * b"x")
        assert _taken(flood, pings) < len(pings)
        assert _memory(running) < before + 10
        with connect(f"{url}/ws/market/me", open_timeout=DEADLINE) as other:
            subscribed(other, "ticker", "BTCUSD")


def test_a_client_that_does_not_read_does_not_hold_up_the_stop(tmp_path: Path) -> None:
    with (
        banyan(tmp_path, "up", **RESTLESS) as running,
        client(running) as stuck,
        client(running) as quick,
    ):
        ask(stuck, "ticker", HUGE)
        subscribed(quick, "ticker", HUGE)
        for _ in range(ENOUGH):
            hear(quick)
        assert running.stop(deadline=10) == 0  # the grace is 30 seconds


def test_nothing_that_clients_did_was_an_error(paper: Running, restless: Running) -> None:
    for running in (paper, restless):
        with pytest.raises(InvalidStatus):
            client(running, "/ws/user")
        assert "ERROR" not in running.errors
        assert '"level": "error"' not in running.errors


def _heard_until_closed(ws: ClientConnection) -> tuple[int, int | None]:
    """How many frames, and the code."""
    frames = 0
    with suppress(ConnectionClosed):
        while True:
            hear(ws)
            frames += 1
    return frames, ws.close_code


def _memory(running: Running) -> float:
    """MB of the process."""
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


@contextmanager
def _deaf(url: str) -> Iterator[socket.socket]:
    """A socket after the handshake, which nobody reads."""
    host, _, port = url.removeprefix("ws://").partition(":")
    with socket.create_connection((host, int(port)), timeout=DEADLINE) as deaf:
        deaf.sendall(
            b"GET /ws/market/deaf HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Sec-WebSocket-Version: 13\r\n\r\n"
        )
        assert deaf.recv(4096).startswith(b"HTTP/1.1 101")
        deaf.settimeout(2)
        yield deaf


def _taken(deaf: socket.socket, data: bytes) -> int:
    """How much of it goes through before nothing moves any more."""
    taken = 0
    with suppress(TimeoutError):
        while taken < len(data):
            taken += deaf.send(data[taken : taken + 100_000])
    return taken


def _offer(token: str) -> list[Subprotocol]:
    """As a browser sends a token."""
    return [Subprotocol("bearer"), Subprotocol(token)]
