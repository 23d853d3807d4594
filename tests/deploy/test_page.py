"""docs/deploy.md: its commands are run, or at least exist."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import httpx
import pytest
import typer
from ruamel.yaml import YAML
from typer.core import TyperGroup

from gateway.cli.commands import app
from gateway.settings import Settings
from tests.deploy.pair import NAMED
from tests.deploy.test_gunicorn import COMMAND
from tests.deploy.tools import DEPLOY, ROOT
from tests.deploy.units import SLOW
from tests.e2e.processes import BIN, started, wait

PAGE = (ROOT / "docs/deploy.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SECRETS = next(block for block in BLOCKS if "openssl req" in block)
LINES = [line for block in BLOCKS for line in block.splitlines()]
BANYAN = [line for line in LINES if line.startswith("banyan ")]


@pytest.mark.parametrize("line", BANYAN)
def test_a_command_and_its_options_exist(line: str) -> None:
    name, *arguments = shlex.split(line)[1:]
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    command = group.commands[name]
    options = {option for parameter in command.params for option in parameter.opts}
    assert {one for one in arguments if one.startswith("--")} <= options


def test_a_file_that_is_named_is_there() -> None:
    made = {"deploy/secrets", "deploy/secrets/control.crt"}
    named = {name.rstrip(".") for name in re.findall(r"\bdeploy/[\w./-]+", PAGE)} - made
    assert len(named) >= 10
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_gunicorn_command_is_the_one_that_is_tested() -> None:
    told = next(shlex.split(line) for line in LINES if line.startswith("gunicorn "))
    assert [part.replace("deploy/", f"{DEPLOY}/") for part in told] == list(COMMAND)


def test_settings_that_are_named_exist() -> None:
    known = {f"BANYAN_{name.upper()}" for name in Settings.model_fields}
    of_commands = {"BANYAN_SERVER", "BANYAN_TOKEN"}
    assert set(re.findall(r"BANYAN_[A-Z_]+[A-Z]", PAGE)) - known - of_commands == set()


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the page has made for Docker Compose."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "deploy").mkdir()
    subprocess.run(["sh", "-eu", "-c", SECRETS], cwd=folder, check=True, capture_output=True)
    return folder / "deploy/secrets"


def test_the_page_makes_every_secret_that_the_composition_wants(secrets: Path) -> None:
    compose = YAML(typ="safe").load((DEPLOY / "compose.yaml").read_text())
    wanted = {secret["file"] for secret in compose["secrets"].values()} | {"secrets/banyan.env"}
    assert {f"secrets/{file.name}" for file in secrets.iterdir()} == wanted
    assert secrets.stat().st_mode & 0o077 == 0


def test_the_password_of_the_stores_is_that_of_postgres(secrets: Path) -> None:
    settings = (secrets / "banyan.env").read_text()
    password = (secrets / "postgres_password").read_text()
    assert len(password) == 48
    assert settings.count(f"postgresql+psycopg://banyan:{password}@postgres/banyan\n") == 2


@pytest.mark.e2e
def test_the_control_plane_is_reached_over_tls_as_the_page_says(
    secrets: Path, tmp_path: Path
) -> None:
    (tmp_path / "traffic.yaml").write_text((DEPLOY / "traffic.yaml").read_text())
    tls = {
        "BANYAN_CONTROL_TLS_CERT": str(secrets / "control.crt"),
        "BANYAN_CONTROL_TLS_KEY": str(secrets / "control.key"),
    }
    made = subprocess.run(
        [BIN / "banyan", "token", "create", "page", "--role", "operator"],
        cwd=tmp_path, env=dict(os.environ) | NAMED, check=True, capture_output=True, text=True,
    )  # fmt: skip
    with started(tmp_path, "banyan", "control", "--control-port", "0", **NAMED, **tls) as running:
        wait(lambda: " is up" in running.errors or running.process.poll() is not None, SLOW)
        found = re.search(r"^  control +https://\S+:(\d+)", running.errors, re.MULTILINE)
        assert found is not None, running.errors
        server = f"https://localhost:{found[1]}"
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{server}/health")
        asked = subprocess.run(
            [BIN / "banyan", "history", "--json"],
            cwd=tmp_path,
            env=dict(os.environ)
            | {
                "BANYAN_SERVER": server,
                "BANYAN_TOKEN": made.stdout.strip(),
                "SSL_CERT_FILE": str(secrets / "control.crt"),
            },
            check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert asked.returncode == 0, asked.stderr
        assert running.stop() == 0
