"""The systemd units: linted, and their commands really started, reloaded and stopped."""

import re
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import httpx
import pytest

from gateway.settings import Settings
from shared_services.settings import TradingSettings
from tests.deploy.pair import NAMED
from tests.deploy.tools import lint
from tests.deploy.units import INSTALLED, NAMES, SLOW, UNITS, environment, service, unit
from tests.e2e.processes import BIN, Running, wait

# systemd 254 has them, Debian 12 has 252 and passes them over.
NEWER = re.compile(r"Unknown key '(?:RestartSteps|RestartMaxDelaySec)' in section \[Service\]")
EXPOSURE = 2.0  # of 10; a unit without any protection has 9.6


def copied(folder: Path) -> list[Path]:
    """The units with the command of this environment in the place of the installed one."""
    for name in NAMES:
        text = (UNITS / name).read_text()
        (folder / name).write_text(text.replace(INSTALLED, str(BIN)))
    return [folder / name for name in NAMES]


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    told = lint("systemd-analyze", "verify", *copied(tmp_path)).splitlines()
    assert [line for line in told if not NEWER.search(line)] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_unit_is_exposed_to_little(tmp_path: Path, name: str) -> None:
    copied(tmp_path)
    told = lint("systemd-analyze", "security", "--offline=yes", "--no-pager", tmp_path / name)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", told)
    assert found is not None
    assert float(found[1]) <= EXPOSURE


def test_both_units_protect_themselves_alike() -> None:
    gateway, control = map(service, NAMES)
    theirs = {"ExecStart", "ExecReload", "TimeoutStopSec", "LimitNOFILE"}
    assert {name: gateway[name] for name in gateway if name not in theirs} == {
        name: control[name] for name in control if name not in theirs
    }


def test_the_environment_file_sets_nothing_that_is_unknown(tmp_path: Path) -> None:
    known = {f"BANYAN_{name.upper()}" for name in Settings.model_fields}
    known |= {f"TRADING_{name.upper()}" for name in TradingSettings.model_fields}
    assert set(environment(tmp_path)) - known == set()


def test_a_shell_reads_the_environment_file_as_systemd_does() -> None:
    """Also the lines that are commented out: whoever takes them in gets what is written there."""
    lines = [line for line in (UNITS / "banyan.env").read_text().splitlines() if "=" in line]
    text = "\n".join(line.removeprefix("#") for line in lines)
    told = subprocess.run(
        ["sh", "-euc", f"set -a\n{text}\nexec env"],
        env={},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert len(lines) == 14
    assert {line.removeprefix("#") for line in lines} <= set(told.splitlines())


def workers(running: Running) -> set[int]:
    """The supervisor's children that serve: multiprocessing's resource tracker is none."""
    pid = running.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    lines = {int(child): Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
    return {child for child, line in lines.items() if b"spawn_main" in line}


@contextmanager
def asking(url: str, clients: int = 2) -> Iterator[Counter[str]]:
    """Clients that ask without a pause on connections that they keep; at the end, what they got."""
    over, got = Event(), Counter[str]()

    def ask() -> None:
        with httpx.Client(timeout=20) as client:
            while not over.is_set():
                try:
                    got[str(client.get(f"{url}/pid").status_code)] += 1
                except httpx.TransportError as error:
                    got[repr(error)] += 1

    with ThreadPoolExecutor(clients) as pool:
        running = [pool.submit(ask) for _ in range(clients)]
        try:
            yield got
        finally:
            over.set()
        for one in running:
            one.result()


@pytest.mark.e2e
def test_b092_the_gateway_unit_serves_reloads_without_losing_a_request_and_stops(
    tmp_path: Path,
) -> None:
    stop = float(service(NAMES[0])["TimeoutStopSec"])
    reload = service(NAMES[0])["ExecReload"].replace("/bin/kill", "kill")
    with unit(NAMES[0], tmp_path, **NAMED) as running:
        url, probes = running.url("gateway"), running.url("probes")
        assert httpx.get(f"{probes}/ready").json() == {"ready": True, "workers": 2}
        assert "gateway_plan_version" in httpx.get(f"{probes}/metrics").text
        first = workers(running)
        assert httpx.get(f"{url}/pid").json()["pid"] in first
        with asking(url) as got:
            pid = {"MAINPID": str(running.process.pid)}
            subprocess.run(["sh", "-c", reload], env=pid, check=True)
            wait(lambda: len(workers(running)) == 2 and not workers(running) & first, SLOW)
        assert set(got) == {"200"}
        assert running.stop(signal.SIGTERM, deadline=stop) == 0
        assert (tmp_path / "var/lib/banyan/secret").stat().st_mode & 0o077 == 0


@pytest.mark.e2e
def test_the_control_unit_answers_and_stops(tmp_path: Path) -> None:
    stop = float(service(NAMES[1])["TimeoutStopSec"])
    with unit(NAMES[1], tmp_path, **NAMED) as running:
        assert httpx.get(f"{running.url('control')}/health").json() == {"status": "ok"}
        assert running.stop(signal.SIGTERM, deadline=stop) == 0
