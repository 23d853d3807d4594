"""`banyan doctor`: the store, its clock, and the plan."""

from collections.abc import Iterator
from pathlib import Path
from time import time

import psycopg
import pytest

from gateway.doctor import store as looked
from gateway.doctor.case import Surroundings
from gateway.doctor.examination import Check, examine
from gateway.doctor.model import Topic
from gateway.doctor.plan import check_plan
from gateway.doctor.store import check_clock, check_store, file_system
from gateway.doctor.workers import check_workers
from gateway.endpoints import Endpoint, Inventory
from gateway.inventory import write_inventory
from gateway.plan.file import Accepted, FileBase, LastGood
from gateway.settings import Settings
from gateway.store.audit import Act
from gateway.store.opening import Store, open_store
from gateway.store.versions import Proposal
from tests import postgres
from tests.stacks import PLAN, settings

postgres_server = postgres.postgres_server
postgres_url = postgres.postgres_url

ACT = Act("cli:alice", "laptop", "plan.apply", "", "because")
PLAN_25 = PLAN.format(phase="gradual", modern=25)
MINE = "0123456789abcdef"


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
    monkeypatch.setattr("gateway.doctor.store.time", lambda: time() + ahead)
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
