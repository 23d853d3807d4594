"""`banyan doctor`: workers, files, ports and limits of a host."""

import os
import resource
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.ports import free_port
from gateway.control.tokens import Role, make
from gateway.doctor import runtime
from gateway.doctor.control import check_control
from gateway.doctor.files import check_disk, check_permissions
from gateway.doctor.runtime import check_descriptors, check_python
from gateway.doctor.workers import check_workers
from gateway.endpoints import Inventory
from gateway.heartbeat import fingerprint
from gateway.inventory import inventory_as
from gateway.settings import Settings
from gateway.store.opening import Store
from gateway.store.tokens import Tokens
from gateway.store.workers import Beat
from tests.gateway import test_doctor_store
from tests.gateway.test_doctor_store import ACT, MINE, found, levels
from tests.stacks import settings

chosen = test_doctor_store.chosen
store = test_doctor_store.store
BEAT = Beat("w1", "web-1", "l", 7, 1, True, fingerprint(MINE.encode()), "one", "[]", "{}", "{}")


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([], []),
        ([{"version": 0}], ["warning: 1 of 2 workers are not on version 1 but on 0: web-2 →"]),
        ([{"listening": False}], ["warning: 1 of 2 workers hear of a change only when they look"]),
        ([{"secret": "f"}], ["error: 2 different secrets: clients change stacks between hosts"]),
        ([{"inventory": "two"}], ["warning: workers serve 2 different sets of routes"]),
        ([{"problems": '["traffic.yaml: line 1: no"]'}], ["error: web-2: traffic.yaml: line 1: no →"]),
        ([{"ended": True, "version": 0, "secret": "f"}], []),
    ],
)  # fmt: skip
def test_workers_are_held_against_each_other(
    chosen: Settings,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    others: list[dict[str, Any]],
    expected: list[str],
) -> None:
    monkeypatch.setattr("gateway.doctor.workers._SETTLES", -1.0)
    for number, changes in enumerate([{}, *others]):
        beat = replace(BEAT, id=f"w{number}", host=f"web-{number + 1}", **changes)
        store.workers.beat(beat, first=True)
    lines = [": ".join(line) for line in found(chosen, check_workers)]
    assert [line.startswith(start) for line, start in zip(lines, expected, strict=False)] == [
        True for _ in expected
    ]
    assert len(lines) == max(1, len(expected))
    assert lines[0].startswith("ok") == (not expected)


def test_a_secret_that_no_worker_has_is_a_warning(chosen: Settings, store: Store) -> None:
    store.workers.beat(replace(BEAT, secret="another"), first=True)
    assert "none of the running workers'" in found(chosen, check_workers)[0][1]


def _open_secret(chosen: Settings) -> None:
    (chosen.var / "secret").write_text(MINE)
    (chosen.var / "secret").chmod(0o644)


def _open_store(chosen: Settings) -> None:
    (chosen.var / "banyan.db").touch()
    (chosen.var / "banyan.db").chmod(0o666)


def _open_var(chosen: Settings) -> None:
    chosen.var.chmod(0o777)


@pytest.mark.parametrize(
    ("spoil", "do"),
    [(_open_secret, "chmod 600 {}/secret"), (_open_store, "chmod o-w {}/banyan.db"), (_open_var, "chmod o-w {}")],
)  # fmt: skip
def test_what_others_could_read_or_write_is_an_error(tmp_path: Path, spoil: Any, do: str) -> None:
    own = settings(tmp_path)
    own.var.mkdir()
    spoil(own)
    ((level, text),) = found(own, check_permissions)
    assert level == "error"
    assert f"→ `{do.format(own.var)}`" in text


def test_a_var_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ((level, text),) = found(settings(tmp_path, var=tmp_path / "file/var"), check_permissions)
    assert (level, "is no folder" in text) == ("error", True)


@pytest.fixture
def pair(tmp_path: Path) -> dict[str, Path]:
    """A certificate and its key."""
    cert, key = tmp_path / "tls.pem", tmp_path / "tls.key"
    command = (
        f"openssl req -x509 -newkey ed25519 -nodes -days 2 -subj /CN=x -keyout {key} -out {cert}"
    )
    subprocess.run(command.split(), check=True, capture_output=True)
    key.chmod(0o600)
    return {"control_tls_cert": cert, "control_tls_key": key}


def test_a_certificate_and_its_key_are_ok(tmp_path: Path, pair: dict[str, Path]) -> None:
    assert levels(settings(tmp_path, **pair), check_permissions) == ["ok"]


def test_a_key_that_everybody_can_read_is_a_warning(tmp_path: Path, pair: dict[str, Path]) -> None:
    pair["control_tls_key"].chmod(0o644)
    assert levels(settings(tmp_path, **pair), check_permissions) == ["warning"]


@pytest.mark.parametrize("content", ["nonsense", None])
def test_a_key_that_is_none_or_not_there_is_an_error(
    tmp_path: Path, pair: dict[str, Path], content: str | None
) -> None:
    pair["control_tls_key"].unlink()
    if content:
        pair["control_tls_key"].write_text(content)
        pair["control_tls_key"].chmod(0o600)
    assert levels(settings(tmp_path, **pair), check_permissions) == ["error"]


def test_free_ports_are_ok(chosen: Settings) -> None:
    ports = {"port": free_port(), "control_port": free_port()}
    assert levels(chosen.model_copy(update=ports), check_control) == ["ok", "ok"]


def test_a_port_that_somebody_has_is_an_error(chosen: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = {"port": taken.getsockname()[1], "control_port": 0}
        ((level, text),) = found(chosen.model_copy(update=ports), check_control)
    assert level == "error"
    assert "Address already in use → `ss -ltnp` shows who listens" in text


def test_a_control_plane_that_all_can_reach_is_refused_here_too(chosen: Settings) -> None:
    beyond = {"control_host": "0.0.0.0", "control_port": 0, "port": 0}
    ((level, text),) = found(chosen.model_copy(update=beyond), check_control)
    assert (level, "set BANYAN_CONTROL_TLS_CERT" in text) == ("error", True)


def test_tokens_of_which_none_is_valid_are_a_warning(chosen: Settings, store: Store) -> None:
    _, token = make("old", Role.ADMIN, "cli:alice", 1000.0, 5.0)
    Tokens(store.database).add(token, ACT)
    lines = found(chosen.model_copy(update={"control_port": 0, "port": 0}), check_control)
    assert lines[0][0] == "warning"
    assert "of 1 tokens none is valid" in lines[0][1]


@pytest.mark.parametrize(
    ("free", "level"), [(10**9, "ok"), (50 * 10**6, "warning"), (10**6, "error")]
)
def test_a_disk_that_runs_full_is_told(
    chosen: Settings, monkeypatch: pytest.MonkeyPatch, free: int, level: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    assert levels(chosen, check_disk) == [level]


@pytest.mark.parametrize(("soft", "level"), [(1024, "warning"), (4096, "ok"), (-1, "ok")])
def test_few_descriptors_are_a_warning(
    chosen: Settings, monkeypatch: pytest.MonkeyPatch, soft: int, level: str
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, -1))
    assert levels(chosen, check_descriptors) == [level]


@pytest.mark.parametrize(("compiled", "level"), [(True, "ok"), (False, "warning")])
def test_t86_a_python_that_compiles_at_every_start_is_a_warning(
    chosen: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    compiled: bool,
    level: str,
) -> None:
    (tmp_path / "module.pyc").touch()
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    cached = tmp_path / ("module.pyc" if compiled else "none.pyc")
    monkeypatch.setattr(runtime, "cache_from_source", lambda _: os.fspath(cached))
    assert levels(chosen, check_python) == [level]


def test_a_server_library_that_is_missing_is_an_error(
    chosen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "_NEEDED", ("uvloop_that_is_not_there",))
    assert "error" in levels(chosen, check_python)


def test_workers_of_different_hosts_serve_the_same_when_their_inventories_do(
    chosen: Settings, store: Store
) -> None:
    store.workers.keep_inventory("one", inventory_as(Inventory((), ())))
    store.workers.beat(BEAT, first=True)
    store.workers.beat(replace(BEAT, id="w2", host="web-2"), first=True)
    assert found(chosen, check_workers) == [
        ("ok", "2 workers on 2 hosts, all on the newest plan → ")
    ]


@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        (None, []),
        ("sh -c 'cat > notices'", []),
        ("no-such-notifier --to ann", ["warning"]),
        ("'/no/such/ notifier'", ["warning"]),
    ],
)
def test_a_hook_that_is_no_program_here_is_a_warning(
    chosen: Settings, hook: str | None, expected: list[str]
) -> None:
    ports = {"control_port": 0, "port": 0}
    usual = levels(chosen.model_copy(update=ports), check_control)
    hooked = levels(chosen.model_copy(update={**ports, "hook": hook}), check_control)
    assert hooked[len(usual) :] == expected
