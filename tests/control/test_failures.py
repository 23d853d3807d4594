"""What is remembered of the addresses whose attempts failed."""

from gateway.control.auth import Failures

CLIENT = "192.0.2.7"


def test_attempts_are_told_once() -> None:
    failures = Failures()
    line = ("token.missing", CLIENT, "")
    told = [failures.tell(line, now) for now in (0.0, 0.5, 1.0)]
    assert told == [line, None, ("token.missing", CLIENT, "2 attempts; last: ")]
    assert failures.due(9.0) == []


def test_only_so_many_addresses_are_remembered_and_the_oldest_goes_first() -> None:
    failures = Failures(addresses=3)
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.1", "192.0.2.4"):
        for _ in range(10):
            failures.count(address, 0.0)
            failures.tell(("token.missing", address, ""), 0.0)
    assert len(failures) == 3
    assert failures.count("192.0.2.1", 0.0) > 0  # it failed again after 2 and 3
    assert failures.count("192.0.2.2", 0.0) == 0  # forgotten
    assert {origin for _, origin, _ in failures.due(1.0)} <= {f"192.0.2.{n}" for n in (1, 3, 4)}


def test_a_client_cannot_multiply_by_the_addresses_of_its_ipv6_network() -> None:
    failures = Failures()
    waits = [failures.count(f"2001:db8::{n:x}", 0.0) for n in range(11)]
    assert waits == [0.0] * 10 + [1.0]
    assert failures.count("2001:db8:0:1::1", 0.0) == 0.0
