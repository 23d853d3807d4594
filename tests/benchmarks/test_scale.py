"""What the benchmarks of scale make of what they have seen."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from benchmarks import bulk, connections, idle, soak, workers
from benchmarks.bodies import Kind
from benchmarks.bodies_app import CONTENT, legacy, modern
from benchmarks.peers.load import Wrong
from benchmarks.soak import Sample, Slope, flat, settled, slope
from benchmarks.steady import Seen, steady

NOISE = (3.0, -1.0, -4.0, 2.0, 0.0, -3.0, 1.0, 4.0, -2.0, 0.0)


def test_a_straight_line_has_its_slope_and_no_doubt() -> None:
    found = slope([(minute, 100 + 7 * minute) for minute in range(10)])
    assert found.a_minute == pytest.approx(7)
    assert found.give == pytest.approx(0, abs=1e-6)


def test_the_interval_is_that_of_the_textbook() -> None:
    # By hand: Σ(x-4.5)² = 82.5, Σ(x-4.5)y = 0, Σy² = 60; t(8; 0.975) = 2.306 from the table.
    found = slope([(minute, 7 * minute + noise) for minute, noise in enumerate(NOISE)])
    assert found.a_minute == pytest.approx(7)
    assert found.give == pytest.approx(2.306 * (60 / 8 / 82.5) ** 0.5, rel=0.005)


def test_noise_around_a_level_is_flat() -> None:
    found = slope([(minute, 10_000 + 50 * noise) for minute, noise in enumerate(NOISE)])
    assert flat(found)


def test_a_leak_is_not_flat() -> None:
    found = slope([(minute, 10_000 + 30 * minute + noise) for minute, noise in enumerate(NOISE)])
    assert not flat(found)


def test_a_slope_that_nobody_would_feel_is_flat_however_sure_it_is() -> None:
    assert flat(Slope(9.9, 0.1))
    assert not flat(Slope(10.1, 0.1))


def samples(minutes: int) -> list[Sample]:
    return [Sample(minute, 1000 * minute, 1, 1, 1, 1, 1) for minute in range(minutes + 1)]


def test_the_first_five_minutes_of_a_long_soak_are_not_fitted() -> None:
    assert [sample.minute for sample in settled(samples(30))] == list(range(5, 31))


def test_the_first_third_of_a_short_soak_is_not_fitted() -> None:
    assert [sample.minute for sample in settled(samples(9))] == list(range(3, 10))


def test_a_soak_that_grows_misses_its_target() -> None:
    raw = {"samples": [vars_of(sample) for sample in samples(30)]}
    ((name, _, _, measured, met),) = soak.targets(raw)
    assert (name, measured, met) == ("P10", "+1000.0 ± 0.0 KiB/min", False)


def vars_of(sample: Sample) -> dict[str, float]:
    return {name: getattr(sample, name) for name in Sample.__slots__}


def crowd(kib: float) -> list[dict[str, float]]:
    return [{"open": kib, "closed": 0, "again": 0, "cpu": 0, "cpu alone": 0}]


@pytest.mark.parametrize(("kib", "met"), [(40.0, True), (40.1, False)])
def test_the_gateway_that_needs_most_for_a_connection_counts(kib: float, met: bool) -> None:
    raw = {"uvicorn + FastAPI": crowd(99), "gateway, 100 %": crowd(2), "gateway, 0 %": crowd(kib)}
    ((_, _, _, measured, found),) = idle.targets(raw)
    assert (measured, found) == (f"{kib} KiB", met)


def test_a_transfer_is_compared_with_gunicorns_of_the_same_round() -> None:
    rounds = {"in process": [(90.0, 0), (5.0, 0)], "gunicorn gthread": [(100.0, 0), (10.0, 0)]}
    rows = bulk.targets(dict.fromkeys(bulk.TRANSFERS, rounds))
    assert [row[0] for row in rows] == ["P9", "P9", "P9"]
    assert all(row[3:] == ("0.70", False) for row in rows)


def one_round(rate: float) -> dict[str, float]:
    return {"rate": rate, "cpu": 100, "cores": 1, "p50": 1, "p99": 2}


def test_a_peer_that_fails_at_many_connections_leaves_the_gateway_its_row() -> None:
    servers = {name: [one_round(50)] for name in ("gateway, 100 % modern", "gateway, 0 % (Flask)")}
    table = connections._markdown({"2000": servers})
    assert "| 2000 | failed | 50 | - | - | 100 | - | 1.0, 2.0 |" in table


def test_more_workers_are_compared_with_the_first_number_of_them() -> None:
    raw = {"uvicorn": {"1": [one_round(10), one_round(20)], "2": [one_round(15), one_round(40)]}}
    assert "| uvicorn | 2 | 28 | 1.75 (1.50 to 2.00) | 100 | 1.00 | 1.00 |" in workers._markdown(
        raw
    )


@pytest.mark.parametrize(
    ("size", "name", "requests"),
    [(0, "up, 0 B", 60), (1 << 16, "up, 64 KiB", 60), (16 << 20, "up, 16 MiB", 1)],
)
def test_large_bodies_are_asked_for_less_often(size: int, name: str, requests: int) -> None:
    kind = Kind("up", size)
    assert (kind.name, kind.requests) == (name, requests)


@pytest.mark.parametrize("size", [0, 1, 70_000])
async def test_both_apps_of_the_bodies_answer_alike(size: int) -> None:
    body, client = CONTENT[:size], legacy.test_client()
    transport = httpx.ASGITransport(app=modern)
    async with httpx.AsyncClient(transport=transport, base_url="http://bench") as there:
        down, up = (
            await there.get(f"/down?size={size}"),
            await there.post("/up?check=1", content=body),
        )
    assert down.content == client.get(f"/down?size={size}").data == body
    assert up.json() == client.post("/up?check=1", data=body).json
    assert up.json()["size"] == size


Answers = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(bodies: dict[int, bytes], default: bytes) -> AsyncIterator[int]:
    """Answers one request after the other with the body of its number, or with the default."""
    asked, left = 0, asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        while await reader.readline():
            while await reader.readline() != b"\r\n":
                pass
            body = bodies.get(asked, default)
            asked += 1
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        writer.close()
        left.set()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listener:
        yield listener.sockets[0].getsockname()[1]
        await left.wait()


async def test_a_wrong_answer_ends_the_load() -> None:
    async with server({5: b'{"stack":"nobody"}'}, b'{"stack":"flask"}\n') as port:
        seen = Seen()
        with pytest.raises(ExceptionGroup) as caught:
            await steady(port, 10_000, 1, seen)
    assert caught.group_contains(Wrong, match="nobody")
    assert seen.answers == {"legacy": 5}


async def test_answers_of_both_stacks_are_told_apart() -> None:
    async with server({0: b'{"stack":"fastapi"}', 9: b"?"}, b'{"stack":"flask"}\n') as port:
        seen = Seen()
        with pytest.raises(ExceptionGroup):
            await steady(port, 10_000, 1, seen)
    assert seen.answers == {"legacy": 8, "modern": 1}
    assert len(seen.take_late()) == 9
    assert seen.take_late() == []
