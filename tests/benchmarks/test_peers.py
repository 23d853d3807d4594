"""What the comparison with peers believes, and what it computes: no server is started."""

import json
import socket
from collections.abc import Mapping
from typing import Any

import pytest

from benchmarks.peers.found import Findings, Round, Steady
from benchmarks.peers.load import CLIENTS, Wrong, answers, check_share
from benchmarks.peers.measure import in_order
from benchmarks.peers.names import (
    DIRECT,
    ENVOY,
    GROUPS,
    GTHREAD,
    LEGACY,
    MODERN,
    NGINX,
    REMOTE,
    SPLIT,
    STEADY,
    UVICORN,
    systems_of,
)
from benchmarks.peers.steady import Connection, percentile, read
from benchmarks.peers.systems import System
from benchmarks.peers.tables import latency, peers
from benchmarks.peers.targets import targets
from benchmarks.target import Target

RIGHT = {
    "fastapi": "510",
    "flask": "490",
    "wrong": "0",
    "sample": '""',
    "requests": "1000",
    "microseconds": "500000",
    "p50": "1500",
    "p99": "9000",
    "errors.read": "0",
    "errors.timeout": "0",
}


def report(**changed: str) -> str:
    """What wrk prints with our script."""
    figures = {**RIGHT, **{name.replace("_", "."): value for name, value in changed.items()}}
    lines = "".join(f"bench {name} {value}\n" for name, value in figures.items())
    return f"Running 2s test @ http://127.0.0.1:1\n  1 threads and 32 connections\n{lines}"


def test_a_report_is_read() -> None:
    found = answers(report())
    assert (found.fastapi, found.flask, found.rate, found.p50, found.p99) == (
        510,
        490,
        2000,
        1.5,
        9,
    )


def test_a_wrong_answer_fails_the_round_and_is_shown() -> None:
    with pytest.raises(Wrong, match=r"1 wrong answers .*502 Bad Gateway"):
        answers(report(wrong="1", flask="489", sample='"502 Bad Gateway"'))


@pytest.mark.parametrize("kind", ["errors_read", "errors_timeout"])
def test_an_error_of_a_socket_fails_the_round(kind: str) -> None:
    with pytest.raises(Wrong, match=kind.replace("_", ".")):
        answers(report(**{kind: "1"}))


def test_answers_that_nobody_looked_at_fail_the_round() -> None:
    with pytest.raises(Wrong, match="not all were looked at"):
        answers(report(requests="1001"))


def test_a_round_without_answers_fails() -> None:
    with pytest.raises(Wrong):
        answers(report(requests="0", fastapi="0", flask="0"))


def test_a_wrk_that_reports_nothing_fails_the_round() -> None:
    with pytest.raises(Wrong, match="unable to connect"):
        answers("unable to connect to 127.0.0.1:1")


@pytest.mark.parametrize(("fastapi", "flask"), [(2000, 2000), (2100, 1900)])
def test_a_share_within_chance_is_believed(fastapi: int, flask: int) -> None:
    check_share(fastapi, flask, 0.5)


@pytest.mark.parametrize(("fastapi", "flask"), [(2400, 1600), (0, 4000), (4000, 0)])
def test_a_wrong_split_is_refused(fastapi: int, flask: int) -> None:
    with pytest.raises(Wrong, match="not 50%"):
        check_share(fastapi, flask, 0.5)


def test_more_requests_of_the_same_clients_are_no_larger_sample() -> None:
    share = 0.5 + 4 * 0.5 / CLIENTS**0.5  # four standard deviations of the clients
    check_share(int(1e6 * share), int(1e6 * (1 - share)), 0.5)


def test_one_request_to_the_wrong_stack_is_too_many_at_100_percent() -> None:
    with pytest.raises(Wrong):
        check_share(3999, 1, 1.0)


def a_round(rate: float, cpu: float = 100) -> Round:
    return Round(rate, cpu, 1.0, 2.0, 0.5)


def a_steady(p50: float) -> Steady:
    return Steady(500, p50, 3.0, {"fastapi": p50 - 0.1, "flask": p50 + 0.1}, 0.2)


def everything(rates: Mapping[str, float], steady: Mapping[str, float]) -> Findings:
    """All systems with one round each, at 1000 requests/s if nothing else is said."""
    names = [name for name in systems_of(GROUPS) if name != DIRECT]
    found = Findings(rounds={name: [a_round(rates.get(name, 1000))] for name in names})
    for group, some in STEADY:
        found.steady[group] = {name: [a_steady(steady.get(name, 1.0))] for name in some}
    found.memory = dict.fromkeys(names, 1 << 20)
    found.versions = {"wrk": "4.1.0"}
    return found


def raw(found: Findings) -> Any:
    """As it comes back from the kept file."""
    return json.loads(json.dumps(found.raw()))


def target(found: Findings, identity: str, peer: str) -> Target:
    (one,) = [t for t in targets(raw(found)) if t.id == identity and t.what.endswith(peer)]
    return one


def test_ratios_are_taken_round_by_round() -> None:
    rounds = {SPLIT: [a_round(200), a_round(20), a_round(90)]}
    rounds |= {NGINX: [a_round(100), a_round(10), a_round(90)]}
    assert Findings(rounds=rounds).ratios(SPLIT, NGINX) == [2, 2, 1]


def test_findings_survive_the_file() -> None:
    found = everything({SPLIT: 1234.5}, {REMOTE: 2.5})
    assert Findings.of(raw(found)) == found


def test_a_target_is_met_at_its_bound() -> None:
    assert target(everything({LEGACY: 2000}, {}), "P2", GTHREAD).met


def test_a_target_is_missed_below_its_bound() -> None:
    found = target(everything({LEGACY: 1990}, {}), "P2", GTHREAD)
    assert (found.met, found.measured) == (False, "1.99")


def test_added_cpu_is_the_median_of_the_rounds_differences() -> None:
    found = everything({}, {})
    found.rounds[MODERN] = [a_round(1, 111), a_round(1, 210), a_round(1, 320)]
    found.rounds[UVICORN] = [a_round(1, 100), a_round(1, 200), a_round(1, 300)]
    (cpu,) = [one for one in targets(raw(found)) if one.what.startswith("CPU")]
    assert (cpu.measured, cpu.met) == ("+11.0 µs (+10.0 to +20.0)", False)


@pytest.mark.parametrize(("gateway", "met"), [(1.25, True), (1.35, False)])
def test_the_latency_that_is_added_is_compared_and_not_the_latency(
    gateway: float, met: bool
) -> None:
    found = everything({}, {DIRECT: 1.0, NGINX: 1.2, REMOTE: gateway})
    (added,) = [one for one in targets(raw(found)) if one.what.startswith("p50")]
    assert added.met is met


def test_a_proxy_that_seems_to_take_less_than_nothing_proves_no_latency() -> None:
    found = everything({}, {DIRECT: 6.0, NGINX: 2.8, REMOTE: 2.0})
    (added,) = [one for one in targets(raw(found)) if one.what.startswith("p50")]
    assert not added.met


def test_a_peer_that_cannot_be_had_says_why_and_its_target_is_not_met() -> None:
    found = everything({SPLIT: 9000}, {})
    del found.rounds[ENVOY]
    found.missing = {ENVOY: "no wheel for this machine"}
    one = target(found, "P3", ENVOY)
    assert (one.met, one.measured) == (False, "not measured: no wheel for this machine")
    assert "| Envoy | not measured: no wheel for this machine |" in peers(found)


def test_every_system_has_its_line() -> None:
    found = everything({}, {})
    tables = peers(found) + latency(found)
    assert all(f"| {name} |" in tables for name in systems_of(GROUPS))


def test_a_round_goes_through_each_system_once_and_keeps_families_together() -> None:
    known = systems_of(GROUPS)
    order = in_order(list(GROUPS), known)
    assert sorted(order) == sorted(set(known) - {DIRECT})
    assert abs(order.index(MODERN) - order.index(UVICORN)) == 1


def test_a_percentile_is_one_of_the_times() -> None:
    assert (percentile([3, 1, 2], 50), percentile([3, 1, 2], 99), percentile([1], 50)) == (2, 3, 1)


def test_requests_alternate_between_the_targets_of_a_system() -> None:
    system = System("one", 1, (), targets=((1, "/stack"), (1, "/flask/stack")))
    assert system.paths == ("/stack", "/flask/stack")


def answered(data: bytes) -> tuple[Connection, str | None]:
    """What is made of `data`, when it has come over a connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data)
        connection = Connection(ours, 0)
        return connection, read(connection)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n"


@pytest.mark.parametrize(
    ("body", "stack"),
    [(b'{"stack":"fastapi"}', "fastapi"), (b'{"stack":"flask"}\n', "flask"), (b'{"sta', None)],
)
def test_at_a_steady_rate_an_answer_is_complete_with_its_last_byte(
    body: bytes, stack: str | None
) -> None:
    assert answered(HEAD + body)[1] == stack


@pytest.mark.parametrize("data", [b"HTTP/1.1 502 Bad Gateway\r\n\r\n", b"HTTP/1.1 4"])
def test_at_a_steady_rate_a_wrong_status_fails_the_run(data: bytes) -> None:
    with pytest.raises(SystemExit, match="a wrong answer"):
        answered(data)


def test_at_a_steady_rate_a_wrong_body_fails_the_run() -> None:
    with pytest.raises(SystemExit, match="a wrong answer"):
        answered(HEAD + b'{"stack":"pyramid"}')
