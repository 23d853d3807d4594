"""deploy/gunicorn.conf.py, really started, and what it does with clients beside what `banyan serve` does."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from benchmarks.ports import free_port
from tests.deploy.pair import NAMED
from tests.deploy.silent import Client, ended
from tests.deploy.tools import DEPLOY
from tests.e2e.processes import Running, answers_at, banyan, started, wait

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("deploy")]

COMMAND = ("gunicorn", "-c", str(DEPLOY / "gunicorn.conf.py"), "gateway.asgi:app")
PLAN = "phase: gradual\ndefaults: {modern: 50}\n"
REQUESTS = 60
SHORT = {"BANYAN_HEAD_TIMEOUT": "1", "BANYAN_BODY_TIMEOUT": "2", "BANYAN_KEEP_ALIVE": "1"}
SLOW = 60.0  # seconds for workers to start on a busy machine
PATIENCE = 20.0  # seconds for what must happen within two


@contextmanager
def gunicorn(folder: Path, **environ: str) -> Iterator[tuple[str, str, Running]]:
    """URLs of the gateway and of its probes."""
    folder.mkdir(exist_ok=True)
    (folder / "traffic.yaml").write_text(PLAN)
    port, probe = free_port(), free_port()
    environ = NAMED | {"BANYAN_PORT": f"{port}", "BANYAN_PROBE_PORT": f"{probe}"} | environ
    with started(folder, *COMMAND, **environ) as running:
        url, probes = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{probe}"
        wait(
            lambda: running.process.poll() is not None or (answers_at(url) and answers_at(probes)),
            SLOW,
        )
        assert running.process.poll() is None, running.errors
        yield url, probes, running


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Running]]:
    """Two workers; what is left of them at the end is looked at."""
    folder = tmp_path_factory.mktemp("gunicorn")
    home = folder / "home"
    home.mkdir()
    with gunicorn(folder, BANYAN_WORKERS="2", BANYAN_GRACE="1", HOME=str(home), **SHORT) as server:
        yield server
        assert server[2].stop() == 0, server[2].errors
        assert not answers_at(server[1])
        assert list(home.rglob("*")) == []  # B124, T61


def counted(probes: str) -> float:
    text = httpx.get(f"{probes}/metrics", timeout=20).text
    asked = r'^gateway_requests_total{.*route="GET /pid".*} (\S+)$'
    return sum(map(float, re.findall(asked, text, re.MULTILINE)))


def ask(url: str, number: int) -> tuple[int, str]:
    """The process that answered, and its stack."""
    answer = httpx.get(f"{url}/pid", headers={"X-API-Key": f"{number}"}, timeout=20)
    assert answer.status_code == 200, answer.text
    return answer.json()["pid"], answer.headers["x-served-by"]


def ready(probes: str) -> int:
    workers: int = httpx.get(f"{probes}/ready", timeout=20).json()["workers"]
    return workers


def test_t83_two_workers_count_together_also_what_a_killed_one_had_counted(
    shared: tuple[str, str, Running],
) -> None:
    url, probes, _ = shared
    wait(lambda: ready(probes) == 2, SLOW)
    assert counted(probes) == 0
    answers = [ask(url, number) for number in range(REQUESTS)]
    assert {stack for _, stack in answers} == {"legacy", "modern"}
    wait(lambda: counted(probes) == REQUESTS)
    os.kill(answers[0][0], signal.SIGKILL)
    wait(lambda: ready(probes) == 1)
    assert counted(probes) == REQUESTS
    wait(lambda: ready(probes) == 2, SLOW)


def test_b090_sighup_replaces_the_workers(shared: tuple[str, str, Running]) -> None:
    url, _, running = shared
    before = {ask(url, number)[0] for number in range(20)}
    running.process.send_signal(signal.SIGHUP)
    wait(lambda: not before & {ask(url, number)[0] for number in range(10)}, SLOW)


def test_b125_gunicorn_has_no_deadline_for_a_first_head(shared: tuple[str, str, Running]) -> None:
    """docs/deploy.md says so: such clients are for the proxy in front."""
    kept = {Client.SILENT, Client.HALF_HEAD}
    assert ended(shared[0], frozenset(Client) - kept, PATIENCE) == {
        Client.IDLE: 200,
        Client.NEXT_HEAD: 200,  # closed without a word
        Client.BODY: 500,  # its own
        Client.CHUNK: 500,
    }


def test_b125_banyan_serve_lets_every_client_go_that_stops_in_the_middle(tmp_path: Path) -> None:
    (tmp_path / "traffic.yaml").write_text(PLAN)
    with banyan(tmp_path, "serve", **NAMED, **SHORT) as running:
        assert ended(running.url("gateway"), frozenset(Client), PATIENCE) == {
            Client.SILENT: 0,
            Client.HALF_HEAD: 408,
            Client.IDLE: 200,
            Client.NEXT_HEAD: 408,
            Client.BODY: 408,
            Client.CHUNK: 408,
        }


def test_t83_probes_end_with_a_killed_master_and_the_next_start_counts_from_nothing(
    tmp_path: Path,
) -> None:
    with gunicorn(tmp_path) as (url, probes, running):
        ask(url, 1)
        wait(lambda: counted(probes) == 1)
        running.stop(signal.SIGKILL)
        wait(lambda: not answers_at(probes))
    with gunicorn(tmp_path) as (_, probes, running):
        assert counted(probes) == 0
        assert running.stop() == 0


def test_b093_t24_preloading_is_refused_with_the_reason(tmp_path: Path) -> None:
    with started(tmp_path, *COMMAND, "--preload", **NAMED) as running:
        assert running.process.wait(20) == 2
        assert "leave out --preload" in running.errors
