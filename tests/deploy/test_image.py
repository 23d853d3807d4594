"""The image and the composition, without Docker."""

import json
import re
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.deploy.tools import DEPLOY, ROOT, lint

DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = YAML(typ="safe").load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    assert lint("hadolint", DEPLOY / "Dockerfile") == ""


def test_the_compose_file_is_one() -> None:
    lint("check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")


def test_what_the_image_copies_exists_and_is_not_ignored() -> None:
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    }
    let_in = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    assert copied == let_in
    assert [source for source in copied if not (ROOT / source).exists()] == []


def test_t86_the_image_is_compiled_and_lets_python_read_what_was_compiled() -> None:
    assert "-m compileall" in DOCKERFILE
    assert "PYTHONDONTWRITEBYTECODE" not in DOCKERFILE


def test_nothing_is_installed_whose_hash_the_lock_file_does_not_have() -> None:
    installs = re.findall(r"pip (?:install|wheel) [^&\n]*", DOCKERFILE)
    assert len(installs) == 4
    for install in installs:
        safe = ("--require-hashes", "--no-index", "--no-build-isolation --wheel-dir /wheels .")
        assert any(word in install for word in safe), install


def test_the_image_runs_as_nobody_in_particular() -> None:
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE) == ["10001:10001"]


class Probes(BaseHTTPRequestHandler):
    """Answers 200 on /health, as a gateway does that lives."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        pass


def test_the_health_check_of_the_image_asks_the_probe_port() -> None:
    found = re.search(r"^  CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    assert found is not None
    _, *arguments = json.loads(found[1])
    with HTTPServer(("127.0.0.1", 0), Probes) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        environ = {"BANYAN_PROBE_PORT": f"{server.server_port}"}
        well = subprocess.run([sys.executable, *arguments], env=environ, check=False)
        server.shutdown()
        thread.join()
    gone = subprocess.run(
        [sys.executable, *arguments], env=environ, check=False, stderr=subprocess.DEVNULL
    )
    assert (well.returncode, gone.returncode) == (0, 1)


@pytest.mark.parametrize(
    "image",
    [
        *re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE),
        *(service["image"] for service in SERVICES.values()),
    ],
)
def test_an_image_is_named_with_its_version(image: str) -> None:
    assert re.search(r":v?\d+\.\d+", image)


def test_the_composition_holds_no_secret() -> None:
    named = {secret["file"] for secret in COMPOSE["secrets"].values()}
    named |= {file for service in SERVICES.values() for file in service.get("env_file", [])}
    assert all(path.startswith("secrets/") for path in named)
    assert (DEPLOY / ".gitignore").read_text().split() == ["/secrets/"]
    for service in SERVICES.values():
        settings = service.get("environment", {})
        assert [n for n in settings if re.search(r"(PASSWORD|SECRET|TOKEN|STORE)$", n)] == []


def test_files_that_the_composition_mounts_exist() -> None:
    mounted = [
        volume.partition(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if volume.startswith("./")
    ]
    assert len(mounted) >= 5
    assert [path for path in mounted if not (DEPLOY / path).exists()] == []


def test_everything_is_published_to_this_machine_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 4
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_the_same_first_plan_is_everywhere() -> None:
    first = (DEPLOY / "traffic.yaml").read_text()
    assert (DEPLOY / "kubernetes/base/traffic.yaml").read_text() == first


def test_a_stop_waits_longer_than_the_gateway_needs() -> None:
    assert SERVICES["gateway"]["stop_grace_period"] == "45s"
    assert Path(DEPLOY / "systemd/banyan-gateway.service").read_text().count("TimeoutStopSec=45")
