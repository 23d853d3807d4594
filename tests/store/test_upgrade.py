"""A store that the release before has made: what stands in it stays, and what is new is added once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
import sqlalchemy as sa

from gateway.store import schema
from gateway.store.errors import UnusableStore
from gateway.store.evidence import Count
from gateway.store.opening import Store
from gateway.store.ramps import Kept
from gateway.store.tables import SCHEMA, metadata
from gateway.store.transaction import begin_writing
from gateway.store.workers import Past
from tests.store.acts import PLAN, applied, beat

FIRST = """
CREATE TABLE banyan_meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE plan_versions (version {number} NOT NULL PRIMARY KEY, at {double} NOT NULL,
  actor TEXT NOT NULL, origin TEXT NOT NULL, reason TEXT NOT NULL, document TEXT NOT NULL);
CREATE TABLE plan_files (digest TEXT NOT NULL PRIMARY KEY, version {number} NOT NULL,
  document TEXT NOT NULL);
CREATE TABLE audit (id {counter}, at {double} NOT NULL, actor TEXT NOT NULL, origin TEXT NOT NULL,
  action TEXT NOT NULL, subject TEXT NOT NULL, reason TEXT NOT NULL, version {number});
CREATE TABLE tokens (id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL,
  digest {bytes} NOT NULL, created {double} NOT NULL, created_by TEXT NOT NULL,
  expires {double}, revoked {double});
CREATE TABLE inventories (digest TEXT NOT NULL PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE workers (id TEXT NOT NULL PRIMARY KEY, host TEXT NOT NULL, launch TEXT NOT NULL,
  pid INTEGER NOT NULL, started {double} NOT NULL, seen {double} NOT NULL, ended BOOLEAN NOT NULL,
  version {number} NOT NULL, listening BOOLEAN NOT NULL, secret TEXT NOT NULL,
  inventory TEXT NOT NULL, problems TEXT NOT NULL, traffic TEXT NOT NULL, recent TEXT NOT NULL);
CREATE TABLE traffic (route TEXT NOT NULL, stack TEXT NOT NULL, requests BIGINT NOT NULL,
  last {double} NOT NULL, PRIMARY KEY (route, stack));
INSERT INTO banyan_meta VALUES ('schema', '1'), ('id', '5107e');
INSERT INTO plan_versions VALUES (1, 1e9, 'file', 'h1', 'first', 'phase: parallel'),
  (2, 1.1e9, 'cli:ann', 'laptop', 'canary', 'phase: gradual');
INSERT INTO plan_files VALUES ('f', 1, 'phase: parallel');
INSERT INTO audit (at, actor, origin, action, subject, reason, version) VALUES
  (1e9, 'file', 'h1', 'plan.apply', 'traffic.yaml', 'first', 1),
  (1.1e9, 'cli:ann', 'laptop', 'plan.apply', '', 'canary', 2);
INSERT INTO workers VALUES ('old', 'h1', 'h1:1', 7, 1e9, 1e9, {true}, 2, {true}, 's', 'i1', '[]',
  '{{}}', '{{}}');
INSERT INTO traffic VALUES ('GET /a', 'legacy', 12, 1e9)
"""
WORDS = {
    "sqlite": {
        "number": "INTEGER",
        "double": "DOUBLE",
        "counter": "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT",
        "bytes": "BLOB",
        "true": "1",
    },
    "postgresql": {
        "number": "BIGINT",
        "double": "DOUBLE PRECISION",
        "counter": "BIGSERIAL NOT NULL PRIMARY KEY",
        "bytes": "BYTEA",
        "true": "TRUE",
    },
}
SQLITE_TRIGGERS = [
    f"CREATE TRIGGER {table}_{kind.lower()} BEFORE {kind} ON {table} {condition}"
    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    for table, key in (("plan_versions", "version"), ("audit", "id"))
    for kind, condition in (
        ("UPDATE", ""),
        ("DELETE", ""),
        ("INSERT", f"WHEN NEW.{key} IN (SELECT {key} FROM {table}) "),
    )
]
POSTGRES_TRIGGERS = [
    (
        "CREATE FUNCTION banyan_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    ),
    *(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION banyan_append_only()"
        for table in ("plan_versions", "audit")
    ),
]
NEW = {"evidence", "seen_events", "sightings", "standings", "ramps", "notices"}


@pytest.fixture
def old(store_url: str) -> str:
    """A store of schema 1, as the release before has left it: a plan, a line, a worker."""
    engine = sa.create_engine(store_url)
    dialect = engine.dialect.name
    triggers = SQLITE_TRIGGERS if dialect == "sqlite" else POSTGRES_TRIGGERS
    with engine.begin() as connection:
        for statement in [*FIRST.format(**WORDS[dialect]).split(";"), *triggers]:
            connection.exec_driver_sql(statement.replace("%", "%%"))
    engine.dispose()
    return store_url


def known(store: Store) -> int:
    with store.database.reading() as connection:
        query = sa.text("SELECT value FROM banyan_meta WHERE name = 'schema'")
        return int(connection.execute(query).scalar_one())


def columns(store: Store) -> dict[str, dict[str, bool]]:
    """By table: each column, and whether it may be null."""
    with store.database.reading() as connection:
        inspector = sa.inspect(connection)
        return {
            table: {one["name"]: one["nullable"] for one in inspector.get_columns(table)}
            for table in inspector.get_table_names()
            if not table.startswith("sqlite_")
        }


@pytest.mark.usefixtures("old")
def test_versions_audit_and_traffic_are_kept(store: Store) -> None:
    current = store.versions.current()
    assert current is not None
    assert (current.version, current.document, current.at) == (2, "phase: gradual", 1.1e9)
    assert [one.reason for one in store.versions.history(9)] == ["canary", "first"]
    assert [(line.id, line.version) for line in store.audit.lines(9)] == [(2, 2), (1, 1)]
    assert store.versions.last_file() == "phase: parallel"
    assert store.versions.lineage() == "5107e"
    assert store.workers.past() == [Past("GET /a", "legacy", 12, 1e9)]


@pytest.mark.usefixtures("old")
def test_it_goes_on_where_it_was(store: Store, other: Store) -> None:
    (made,) = applied(store, PLAN)
    assert (made.version, other.versions.newest()) == (3, 3)
    assert other.audit.lines(1)[0].id == 3


@pytest.mark.usefixtures("old")
def test_it_has_the_tables_of_a_new_one(store: Store) -> None:
    store.versions.newest()
    assert known(store) == SCHEMA
    expected = {
        table.name: {column.name: bool(column.nullable) for column in table.columns}
        for table in metadata.tables.values()
    }
    assert columns(store) == expected
    assert expected.keys() >= NEW
    with store.database.reading() as connection:
        indexes = sa.inspect(connection).get_indexes("seen_events")
        assert [one["column_names"] for one in indexes] == [["at"]]


@pytest.mark.usefixtures("old")
def test_what_is_new_works(store: Store) -> None:
    store.evidence.add([Count("GET /a", 2, "modern", 5_000, 10, 0)], [], [])
    assert [row.requests for row in store.evidence.rows()] == [10]
    store.ramps.keep(Kept("GET /a", 0, "{}"))
    store.notices.add("ramp", "GET /a", {})
    assert len(store.notices.due()) == 1


@pytest.mark.usefixtures("old")
def test_a_worker_of_before_has_no_breaker_and_the_next_may_have_one(store: Store) -> None:
    store.workers.beat(replace(beat("new"), breakers='{"GET /a": {}}'), first=True)
    told = {worker.id: worker.breakers for worker in store.workers.all()}
    assert told == {"old": "{}", "new": '{"GET /a": {}}'}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE plan_versions SET document = 'phase: full'",
        "DELETE FROM plan_versions WHERE version = 1",
        "UPDATE audit SET actor = 'nobody'",
        "DELETE FROM audit",
    ],
)
@pytest.mark.usefixtures("old")
def test_history_still_cannot_be_rewritten(store: Store, raw: sa.Engine, statement: str) -> None:
    with pytest.raises(sa.exc.DBAPIError, match="is append-only"), raw.begin() as connection:
        connection.execute(sa.text(statement))
    assert (store.versions.newest(), len(store.audit.lines(9))) == (2, 2)


@pytest.mark.usefixtures("old")
def test_two_who_have_both_found_the_old_schema_upgrade_it_once(
    store: Store, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = Barrier(2)

    def together(connection: sa.Connection) -> None:
        both.wait(10)
        begin_writing(connection)

    monkeypatch.setattr(schema, "begin_writing", together)
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(lambda one: one.versions.newest(), (store, other)))
    assert found == [2, 2]
    assert known(store) == SCHEMA
    assert columns(store).keys() == metadata.tables.keys()


@pytest.mark.usefixtures("old")
def test_an_upgrade_that_fails_leaves_the_store_as_it_was(
    store: Store, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[..., None] = metadata.create_all

    def fail(*arguments: object) -> None:
        real(*arguments)
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(metadata, "create_all", fail)
        with pytest.raises(ZeroDivisionError):
            store.versions.newest()
    assert other.versions.newest() == 2
    assert known(other) == SCHEMA


@pytest.mark.usefixtures("old")
def test_b074_a_store_that_newer_code_has_made_is_refused_by_its_schema(
    store: Store, other: Store
) -> None:
    newer = SCHEMA + 1
    store.versions.newest()
    with store.database.writing() as connection:
        statement = "UPDATE banyan_meta SET value = :newer WHERE name = 'schema'"
        connection.execute(sa.text(statement), {"newer": str(newer)})
    told = f"the store has schema {newer}, this version of banyan knows {SCHEMA}: install the newer"
    with pytest.raises(UnusableStore, match=told):
        other.versions.newest()


@pytest.mark.usefixtures("old")
def test_b074_a_table_of_somebody_else_is_not_taken_for_one_of_the_new_ones(
    store: Store, store_url: str
) -> None:
    engine = sa.create_engine(store_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE evidence (crime TEXT)")
    with pytest.raises(UnusableStore, match="a table `evidence` of somebody else"):
        store.versions.newest()
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE evidence")
    assert store.versions.newest() == 2
