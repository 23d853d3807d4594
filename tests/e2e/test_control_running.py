"""Control planes that really run: where they listen, who leads, and what they never say."""

import os
import re
import signal
import ssl
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.e2e.planes import ENVIRON, SECRET, STACKS, Plane, control, shell
from tests.e2e.processes import Running, banyan, started, wait
from tests.postgres import Server, postgres_server

__all__ = ["postgres_server"]

pytestmark = pytest.mark.e2e

REASON = {"reason": "the canary is clean"}


@pytest.mark.parametrize("command", ["up", "control"])
@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "set BANYAN_CONTROL_TLS_CERT and BANYAN_CONTROL_TLS_KEY"),
        ({"BANYAN_CONTROL_TLS_CERT": "cert.pem"}, "TLS needs both"),
        ({"BANYAN_CONTROL_TLS_KEY": "key.pem"}, "TLS needs both"),
    ],
    ids=["plain", "cert", "key"],
)
def test_b080_a_control_plane_that_others_can_reach_does_not_start_without_tls(
    tmp_path: Path, command: str, environ: dict[str, str], said: str
) -> None:
    ports = ["--port", "0"] if command == "up" else []
    arguments = (*ports, "--control-port", "0", "--control-host", "0.0.0.0")
    stacks = STACKS if command == "up" else ()
    with started(tmp_path, "banyan", command, *stacks, *arguments, **ENVIRON, **environ) as running:
        assert running.process.wait(20) == 2
        assert said in running.errors
        assert "Traceback" not in running.errors


def test_b080_proxies_that_do_tls_let_others_reach_it_and_are_believed_alone(
    tmp_path: Path,
) -> None:
    environ = {"BANYAN_CONTROL_PROXIES": "192.0.2.1", "BANYAN_CONTROL_NAMES": "banyan.example"}
    with control(tmp_path, "--control-host", "0.0.0.0", **ENVIRON, **environ) as running:
        token = running.token
        url = running.url("control").replace("0.0.0.0", "127.0.0.1")
        headers = {"Authorization": f"Bearer {token}", "Host": "banyan.example"}
        assert httpx.get(f"{url}/api/v1/tokens", headers=headers).status_code == 200
        bad = {**headers, "Authorization": "Bearer x", "X-Forwarded-For": "203.0.113.9"}
        assert httpx.get(f"{url}/api/v1/tokens", headers=bad).status_code == 401
        lines = httpx.get(f"{url}/api/v1/audit", headers=headers).json()["items"]
        refused = next(line for line in lines if line["action"] == "token.missing")
        assert refused["origin"] == "127.0.0.1"


def test_with_a_certificate_it_speaks_tls_only(tmp_path: Path) -> None:
    made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    made += ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    subprocess.run(["openssl", *made, *files], check=True, capture_output=True)
    environ = {"BANYAN_CONTROL_TLS_CERT": "cert.pem", "BANYAN_CONTROL_TLS_KEY": "key.pem"}
    with control(tmp_path, "--control-host", "0.0.0.0", **ENVIRON, **environ) as running:
        found = re.search(r"^  control +https://0\.0\.0\.0:(\d+)", running.errors, re.MULTILINE)
        assert found is not None, running.errors
        url = f"https://localhost:{found[1]}/api/v1/tokens"
        trusted = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
        headers = {"Authorization": f"Bearer {running.token}"}
        assert httpx.get(url, headers=headers, verify=trusted).status_code == 200
        assert httpx.get(url, verify=trusted).status_code == 401
        with pytest.raises(httpx.TransportError):
            httpx.get(url, headers=headers)
        with pytest.raises(httpx.TransportError):
            httpx.get(url.replace("https", "http"), headers=headers)


def test_a_new_version_of_another_process_is_an_event_and_a_reader_holds_no_stop(
    tmp_path: Path,
) -> None:
    with banyan(tmp_path, "up", *STACKS, **ENVIRON) as running:
        plane = Plane(running)
        headers = {"Authorization": f"Bearer {plane.root}"}
        url = f"{plane.url}/api/v1/events"
        with httpx.stream("GET", url, headers=headers, timeout=10) as stream:
            lines = stream.iter_lines()
            assert next(lines) == "id: 1"
            shell(tmp_path, "shift", "GET /who", "10", "--reason", "by hand", **ENVIRON)
            assert next(line for line in lines if line.startswith("id: ")) == "id: 2"
            assert '"reason":"by hand"' in next(line for line in lines if line.startswith("data: "))
            before = time.monotonic()
            assert running.stop() == 0
            assert time.monotonic() - before < 10


def test_b086_no_secret_is_in_any_output(tmp_path: Path) -> None:
    planted = ["client-key-sesame", "client-cookie-sesame", "client-body-sesame", "client-bearer"]
    with banyan(tmp_path, "up", *STACKS, **ENVIRON) as running:
        plane, gateway = Plane(running), running.url("gateway")
        _, operator = plane.token("operator")
        headers = {"X-API-Key": planted[0], "Cookie": f"session={planted[1]}"}
        headers["Authorization"] = f"Bearer {planted[3]}"
        for path in ("/who", "/boom", "/nowhere"):
            httpx.get(gateway + path, headers=headers)
        httpx.post(f"{gateway}/echo", headers=headers, content=planted[2])
        outputs = [plane.ask("GET", f"/plan?token={operator}").text]
        outputs += [plane.ask("PATCH", "/plan/routes", {"reason": operator}).text]
        outputs += [plane.ask("GET", f"/{operator}", token=f"{operator}x").text]
        outputs += [plane.ask("PUT", "/plan", {"document": [operator, SECRET], **REASON}).text]
        wait(lambda: plane.ask("GET", "/workers").json()["alive"] == 1)
        for path in ("routes", "workers", "audit", "versions", "tokens", "plan"):
            outputs.append(plane.ask("GET", f"/{path}").text)
        outputs += [httpx.get(plane.url + path).text for path in ("/metrics", "/ready", "/health")]
        outputs += [shell(tmp_path, command, **ENVIRON) for command in ("history", "doctor")]
        remote = {"BANYAN_SERVER": plane.url, "BANYAN_TOKEN": f"{operator}x"}
        outputs.append(shell(tmp_path, "status", **remote))
        assert running.stop() == 0
    errors = (tmp_path / "stderr.log").read_text()
    assert errors.count(plane.root) == 1  # where it is shown this once
    said = "".join(
        [*outputs, errors.replace(plane.root, ""), (tmp_path / "stdout.log").read_text()]
    )
    assert "GET /who" in said
    for secret in (SECRET, operator[-32:], plane.root[-32:], *planted):
        assert secret not in said, secret
    kept = [path for path in (tmp_path / "var").rglob("*") if path.is_file()]
    for secret in (operator[-32:], plane.root[-32:], *planted):
        assert not [path for path in kept if secret.encode() in path.read_bytes()], secret


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_of_two_control_planes_one_leads_and_the_other_takes_over_where_it_is_killed(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with ExitStack() as stack:
        url, password = f"sqlite:///{tmp_path}/shared.db", ""
        if kind == "postgres":
            server: Server = request.getfixturevalue("postgres_server")
            password = "pw-sesame"
            url = stack.enter_context(server.database("leaders"))
            url = url.replace("postgres@", f"postgres:{password}@")
        environ = {**ENVIRON, "BANYAN_STORE": url}
        planes = [
            stack.enter_context(control(tmp_path / name, **environ)) for name in ("one", "two")
        ]
        leader, standby = planes
        wait(lambda: _leads(leader))
        assert not _leads(standby)
        assert "first token" in leader.errors
        assert "first token" not in standby.errors  # there is one already
        os.kill(leader.process.pid, signal.SIGKILL)
        leader.process.wait(10)
        wait(lambda: _leads(standby), 10)
        assert httpx.get(f"{standby.url('control')}/ready").json()["store"] == "reachable"
        for one in planes:
            assert not password or password not in one.errors + one.output


def _leads(running: Running) -> bool:
    answer = httpx.get(f"{running.url('control')}/ready").json()
    return bool(answer["leading"])
