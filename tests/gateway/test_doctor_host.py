"""`banyan doctor`: the store, the plan, workers, files, ports and limits of a host."""

import os
import resource
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from gateway.control.tokens import Role, make
from gateway.doctor import runtime
from gateway.doctor import store as looked
from gateway.doctor.case import Surroundings
from gateway.doctor.control import check_control
from gateway.doctor.examination import Check, examine
from gateway.doctor.files import check_disk, check_permissions
from gateway.doctor.model import Topic
from gateway.doctor.plan import check_plan
from gateway.doctor.runtime import check_descriptors, check_python
from gateway.doctor.store import check_clock, check_store, file_system
from gateway.doctor.workers import check_workers
from gateway.endpoints import Endpoint, Inventory
from gateway.heartbeat import fingerprint
from gateway.inventory import inventory_as, write_inventory
from gateway.plan.file import Accepted, FileBase, LastGood
from gateway.settings import Settings
from gateway.store.audit import Act
from gateway.store.opening import Store, open_store
from gateway.store.tokens import Tokens
from gateway.store.versions import Proposal
from gateway.store.workers import Beat
from tests import postgres
from tests.gateway.test_doctor import free_port
from tests.stacks import PLAN, settings

postgres_server = postgres.postgres_server
postgres_url = postgres.postgres_url

ACT = Act("cli:alice", "laptop", "plan.apply", "", "because")
PLAN_25 = PLAN.format(phase="gradual", modern=25)
MINE = "0123456789abcdef"
BEAT = Beat("w1", "web-1", "l", 7, 1, True, fingerprint(MINE.encode()), "one", "[]", "{}", "{}")


def found(chosen: Settings, check: Check, mounts: Path = Path("/none")) -> list[tuple[str, str]]:
    """Levels and texts."""
    around = Surroundings({}, frozenset(), mounts)
    return [
        (line.finding.level.value, f"{line.finding.found} → {line.finding.do}")
        for line in examine(chosen, around, {Topic.STORE: check})
    ]


def levels(chosen: Settings, check: Check) -> list[str]:
    return [level for level, _ in found(chosen, check)]


@pytest.fixture
def chosen(tmp_path: Path) -> Settings:
    return settings(tmp_path, secret=MINE)


@pytest.fixture
def store(chosen: Settings) -> Iterator[Store]:
    """With a version 1 that gives `GET /who` 25 %, made for apps that serve it."""
    served = (Endpoint("GET", "/who"),)
    write_inventory(chosen.inventory_path, Inventory(served, served))
    opened = open_store(chosen.store_url)
    opened.versions.apply(0, Proposal(PLAN_25, ACT))
    yield opened
    opened.close()


def test_a_store_that_is_not_there_yet_is_ok_and_stays_so(chosen: Settings) -> None:
    ((level, text),) = found(chosen, check_store)
    assert level == "ok"
    assert "there is none yet; the first start makes it" in text
    assert not chosen.var.exists()


def test_a_store_is_written_and_what_was_written_is_gone(chosen: Settings, store: Store) -> None:
    before = list(store.database.path.read_bytes()) if store.database.path else []
    ((level, text),) = found(chosen, check_store)
    assert level == "ok"
    assert "read and written; version 1" in text
    assert store.database.path
    assert list(store.database.path.read_bytes()) == before


def test_an_empty_file_is_writable_and_stays_empty(chosen: Settings) -> None:
    chosen.var.mkdir()
    (chosen.var / "banyan.db").touch()
    ((level, text),) = found(chosen, check_store)
    assert (level, "empty and writable" in text) == ("ok", True)
    assert (chosen.var / "banyan.db").stat().st_size == 0


@pytest.mark.parametrize("content", [b"no database" * 100, None])
def test_b074_a_store_that_cannot_be_used_is_one_error(
    chosen: Settings, content: bytes | None
) -> None:
    chosen.var.mkdir()
    if content is None:
        (chosen.var / "banyan.db").mkdir()
    else:
        (chosen.var / "banyan.db").write_bytes(content)
    ((level, text),) = found(chosen, check_store)
    assert level == "error"
    assert "workers keep the last good plan" in text
    assert found(chosen, check_workers) == [
        ("warning", "not looked at: the store cannot be used → mend the store first")
    ]


def test_b074_a_store_of_newer_code_is_an_error(chosen: Settings, store: Store) -> None:
    with store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE banyan_meta SET value = '99' WHERE name = 'schema'")
    ((level, text),) = found(chosen, check_store)
    assert (level, "install the newer one" in text) == ("error", True)


@pytest.mark.parametrize(
    ("kind", "level"),
    [("nfs4", "error"), ("cifs", "error"), ("9p", "error"), ("fuse.sshfs", "error"), ("ext4", "ok"), ("overlay", "ok")],
)  # fmt: skip
def test_t41_sqlite_on_a_network_file_system_is_an_error(
    chosen: Settings, tmp_path: Path, kind: str, level: str
) -> None:
    mounts = tmp_path / "mounts"
    point = str(chosen.var).replace(" ", "\\040")
    mounts.write_text(f"/dev/a / ext4 rw 0 0\nserver:/x {point} {kind} rw 0 0\n")
    assert found(chosen, check_store, mounts)[0][0] == level


def test_t41_the_mount_that_counts_is_the_deepest_and_the_last() -> None:
    mounts = "a / ext4 rw\nb /srv nfs rw\nc /srv/my\\040disk xfs rw\nd /srv/my\\040disk btrfs rw\n"
    assert file_system(Path("/srv/my disk/banyan.db"), mounts) == "btrfs"
    assert file_system(Path("/srv/my"), mounts) == "nfs"
    assert file_system(Path("/srvs"), mounts) == "ext4"


def test_an_empty_postgresql_is_ok_and_stays_empty(chosen: Settings, postgres_url: str) -> None:
    lines = found(chosen.model_copy(update={"store": postgres_url}), check_store)
    assert [level for level, _ in lines] == ["ok", "ok"]
    assert "empty and writable" in lines[0][1]
    assert "a change is heard of at once" in lines[1][1]
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        assert tables.fetchone() == (0,)


def test_b074_a_postgresql_that_takes_no_writes_is_an_error(
    chosen: Settings, postgres_url: str, postgres_server: postgres.Server
) -> None:
    opened = open_store(postgres_url)
    opened.versions.apply(0, Proposal(PLAN_25, ACT))
    opened.close()
    url = f"{postgres_url}&options=-cdefault_transaction_read_only%3Don"
    ((level, text),) = found(chosen.model_copy(update={"store": url}), check_store)
    assert level == "error"
    assert "it can be read, not written → name the primary, not a standby" in text


class _Deaf:
    """As a pooler in transaction mode makes it."""

    listening = False

    def wait(self, timeout: float) -> None:
        """Hears nothing."""

    def close(self) -> None:
        """Nothing is open."""


def test_t38_a_store_behind_a_deaf_pooler_is_a_warning(
    chosen: Settings, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looked, "signal_of", lambda _: _Deaf())
    lines = found(chosen.model_copy(update={"store": postgres_url}), check_store)
    assert lines[1][0] == "warning"
    assert "a pooler in transaction mode" in lines[1][1]


@pytest.mark.parametrize(
    ("ahead", "level"), [(0.0, "ok"), (5.0, "warning"), (-5.0, "warning"), (-100.0, "error")]
)
def test_a_clock_is_held_against_the_stores(
    chosen: Settings,
    postgres_url: str,
    monkeypatch: pytest.MonkeyPatch,
    ahead: float,
    level: str,
) -> None:
    right = looked.time
    monkeypatch.setattr(looked, "time", lambda: right() + ahead)
    ((found_level, text),) = found(chosen.model_copy(update={"store": postgres_url}), check_clock)
    assert found_level == level
    assert ("ahead of" in text) == (ahead > 0) or not ahead


@pytest.mark.parametrize(
    ("file", "base", "level", "expected"),
    [
        (None, None, "ok", "there is no file"),
        (PLAN_25, None, "ok", "says what is in force"),
        (PLAN.format(phase="gradual", modern=50), None, "warning", "makes version 2 of it: GET /who modern 25 → 50"),
        (PLAN.format(phase="gradual", modern=5), PLAN.format(phase="gradual", modern=5), "ok", "a start leaves it alone"),
        ("phase: gradul\n", None, "error", "is refused: line 1: phase: 'gradul' is no phase"),
        (PLAN_25.replace("/who", "/whom"), None, "error", "nearest: GET /who"),
    ],
)  # fmt: skip
def test_the_plan_file_is_held_against_the_plan_in_force(
    chosen: Settings, store: Store, file: str | None, base: str | None, level: str, expected: str
) -> None:
    if file is not None:
        chosen.plan.write_text(file)
    if base is not None:
        FileBase(chosen.file_base_path, chosen.plan).keep(base)
    first, second = found(chosen, check_plan)
    assert first == ("ok", "version 1 is in force, phase gradual: 1 routes, 1 above 0 % → ")
    assert (second[0], expected in second[1]) == (level, True)
    assert store.versions.newest() == 1


def test_a_plan_in_force_that_does_not_fit_the_apps_is_an_error(
    chosen: Settings, store: Store
) -> None:
    other = (Endpoint("GET", "/other"),)
    write_inventory(chosen.inventory_path, Inventory(other, other))
    level, text = found(chosen, check_plan)[0]
    assert level == "error"
    assert "does not run with these apps: line 3: routes[0].route: neither stack serves" in text


def test_looking_at_the_plan_makes_no_secret(tmp_path: Path) -> None:
    own = settings(tmp_path)
    own.plan.write_text("phase: gradual\n")
    assert levels(own, check_plan)
    assert not own.var.exists()


def test_b074_without_a_store_the_last_good_plan_is_what_a_start_would_run(
    chosen: Settings,
) -> None:
    LastGood(chosen.last_good_path).keep(Accepted(PLAN_25, 41))
    (chosen.var / "banyan.db").mkdir()
    ((level, text),) = found(chosen, check_plan)
    assert level == "warning"
    assert "run version 41, the last good plan of this host" in text


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


def test_b081_a_control_plane_that_all_can_reach_is_refused_here_too(chosen: Settings) -> None:
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
    monkeypatch.setattr(runtime.sys, "dont_write_bytecode", True)
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
