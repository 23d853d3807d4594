"""History cannot be rewritten, whoever asks the database."""

import pytest
import sqlalchemy as sa

from gateway.store.opening import Store
from tests.store.acts import PLAN, applied

ROW = "(version, at, actor, origin, reason, document) VALUES (1, 0, 'eve', '', '', 'phase: full')"
LINE = "(id, at, actor, origin, action, subject, reason) VALUES (1, 0, 'eve', '', '', '', '')"
BOTH = [
    "UPDATE plan_versions SET document = 'phase: full' WHERE version = 1",
    "UPDATE plan_versions SET version = 7",
    "DELETE FROM plan_versions",
    "DELETE FROM plan_versions WHERE version = 1",
    f"INSERT INTO plan_versions {ROW} ON CONFLICT (version) DO UPDATE SET document = excluded.document",
    "UPDATE audit SET actor = 'nobody'",
    "DELETE FROM audit",
    f"INSERT INTO audit {LINE} ON CONFLICT (id) DO UPDATE SET actor = excluded.actor",
]
POSTGRES = ["TRUNCATE plan_versions", "TRUNCATE audit", "TRUNCATE audit, plan_versions CASCADE"]
SQLITE = [
    f"REPLACE INTO plan_versions {ROW}",
    "UPDATE OR REPLACE plan_versions SET version = 1",
    f"REPLACE INTO audit {LINE}",
]


CASES = [
    *(("sqlite", statement) for statement in BOTH + SQLITE),
    *(("postgres", statement) for statement in BOTH + POSTGRES),
]


@pytest.mark.parametrize(("store_url", "statement"), CASES, indirect=["store_url"])
def test_a_statement_that_would_rewrite_history_is_refused(
    store: Store, raw: sa.Engine, statement: str
) -> None:
    applied(store, PLAN)
    before = store.versions.history(9), store.audit.lines(9)
    with pytest.raises(sa.exc.DBAPIError, match="is append-only"), raw.begin() as connection:
        connection.execute(sa.text(statement))
    assert (store.versions.history(9), store.audit.lines(9)) == before
