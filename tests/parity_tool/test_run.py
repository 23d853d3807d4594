"""A run: which stack is asked how often, and what is known of one that runs elsewhere."""

import threading
from collections.abc import Iterator
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from gateway.inventory import told_as, told_by
from gateway.parity.model import Evidence, Probe
from gateway.parity.run import PATIENCE, Wanted, first_round, run
from gateway.settings import Settings
from gateway.shadow.difference import Answer
from tests.parity_tool import twins
from tests.stacks import TestClock


class Slow:
    """A stack that takes its time."""

    def __init__(self, clock: TestClock, seconds: float) -> None:
        self.asked: list[Probe] = []
        self._clock, self._seconds = clock, seconds

    def send(self, probe: Probe) -> None:
        self.asked.append(probe)

    def receive(self) -> Answer:
        self._clock.now += self._seconds
        return Answer(200)


def test_a_slow_route_gets_fewer_probes_and_the_others_get_theirs() -> None:
    clock = TestClock()
    legacy, modern = Slow(clock, PATIENCE / 2), Slow(clock, 0)
    probes = [Probe(f"GET /{name}", "", "GET", f"/{name}") for name in "aaaabb"]
    evidence = {probe.route: Evidence(probe.route) for probe in probes}
    answers = first_round(probes, legacy, modern, evidence, clock)
    assert [probe.target for probe, _ in answers] == ["/a", "/a", "/a", "/b", "/b"]
    assert [one.left_out for one in evidence.values()] == [1, 0]
    assert modern.asked == legacy.asked


class Quiet(WSGIRequestHandler):
    """Writes no log."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None: ...


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """Legacy under a server of its own."""
    server = make_server("127.0.0.1", 0, twins.legacy(), handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.xdist_group("parity tool")
def test_of_a_stack_elsewhere_the_exported_routes_are_known(tmp_path: Path, elsewhere: str) -> None:
    file = tmp_path / "legacy.json"
    file.write_text(told_as(told_by(twins.legacy())))
    settings = Settings(var=tmp_path, legacy_routes=file, deadline=10)
    modern = "tests.parity_tool.twins:planted"
    found = run(Wanted(settings, elsewhere, modern, ["GET /dropped", "GET /null"], budget=3))
    assert found.inventory.legacy == told_by(twins.legacy()).served
    (_, (missing,)) = found.evidence["GET /dropped"].seen[0]
    assert missing.path == "route"
    assert found.evidence["GET /null"].reached
