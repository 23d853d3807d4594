"""The store's tables. Plan versions and audit lines are only added: the database refuses the rest."""

from typing import Final

import sqlalchemy as sa

SCHEMA: Final = 2  # raised by every change of what stands below
APPEND_ONLY: Final = {"plan_versions": "version", "audit": "id"}  # and their primary keys
COUNTED: Final = ("requests", "failures", "error", "client_error", "slow")  # columns of `evidence`

# On SQLite only INTEGER counts by itself; on PostgreSQL it ends at 2^31, which a client may ask for
_NUMBER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

metadata = sa.MetaData()

META = sa.Table(
    "banyan_meta",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
VERSIONS = sa.Table(
    "plan_versions",
    metadata,
    # Times are seconds since 1970, by the store's clock.
    sa.Column("version", _NUMBER, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
)
FILES = sa.Table(
    "plan_files",  # texts that were applied from a file: what the next merge starts from
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("version", _NUMBER, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
)
AUDIT = sa.Table(
    "audit",
    metadata,
    sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("version", _NUMBER),
    sqlite_autoincrement=True,
)
TOKENS = sa.Table(
    "tokens",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("expires", sa.Double),
    sa.Column("revoked", sa.Double),
)
INVENTORIES = sa.Table(
    "inventories",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("document", sa.Text, nullable=False),
)
WORKERS = sa.Table(
    "workers",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("launch", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("started", sa.Double, nullable=False),
    sa.Column("seen", sa.Double, nullable=False),
    sa.Column("ended", sa.Boolean, nullable=False),
    sa.Column("version", _NUMBER, nullable=False),
    sa.Column("listening", sa.Boolean, nullable=False),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("inventory", sa.Text, nullable=False),
    sa.Column("problems", sa.Text, nullable=False),
    sa.Column("traffic", sa.Text, nullable=False),
    sa.Column("recent", sa.Text, nullable=False),
    sa.Column("breakers", sa.Text, nullable=False, server_default="{}"),
)
TRAFFIC = sa.Table(
    "traffic",  # of workers that have ended
    metadata,
    sa.Column("route", sa.Text, primary_key=True),
    sa.Column("stack", sa.Text, primary_key=True),
    sa.Column("requests", sa.BigInteger, nullable=False),
    sa.Column("last", sa.Double, nullable=False),
)
EVIDENCE = sa.Table(
    "evidence",  # what the judge goes by: a route's requests and events on one stack in one hour
    metadata,
    sa.Column("route", sa.Text, primary_key=True),
    sa.Column("version", _NUMBER, primary_key=True, autoincrement=False),
    sa.Column("hour", _NUMBER, primary_key=True, autoincrement=False),  # since 1970
    sa.Column("stack", sa.Text, primary_key=True),
    sa.Column("split", _NUMBER, nullable=False),  # buckets
    *(sa.Column(name, sa.BigInteger, nullable=False) for name in COUNTED),
)
SEEN = sa.Table(
    "seen_events",  # in the last minute
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("at", sa.Double, nullable=False, index=True),
)
SIGHTINGS = sa.Table(
    "sightings",  # exceptions, what held a loop up, and what shadows found
    metadata,
    sa.Column("route", sa.Text, primary_key=True),
    sa.Column("stack", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("what", sa.Text, primary_key=True),
    sa.Column("first", sa.Double, nullable=False),
    sa.Column("last", sa.Double, nullable=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("known", sa.Boolean, nullable=False),  # somebody has acknowledged it
)
STANDINGS = sa.Table(
    "standings",  # where a route's evidence begins, and whether it may go forward
    metadata,
    sa.Column("route", sa.Text, primary_key=True),
    sa.Column("since", _NUMBER, nullable=False),  # plan version
    sa.Column("latched", sa.Boolean, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
)
RAMPS = sa.Table(
    "ramps",
    metadata,
    sa.Column("route", sa.Text, primary_key=True),
    sa.Column("revision", _NUMBER, nullable=False),  # of the row: the next one is written on this
    sa.Column("document", sa.Text, nullable=False),
)
NOTICES = sa.Table(
    "notices",  # what others are to be told, until they are
    metadata,
    sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("route", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("attempts", _NUMBER, nullable=False),
    sa.Column("due", sa.Double),  # when to try next; null: done, one way or the other
    sa.Column("outcome", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)


def triggers(dialect: str) -> list[str]:
    """Statements that make the database refuse what would rewrite history."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_{kind.lower()} BEFORE {kind} ON {table} {condition}"
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for table, key in APPEND_ONLY.items()
            for kind, condition in (
                ("UPDATE", ""),
                ("DELETE", ""),
                # REPLACE deletes a row without asking the trigger for that
                ("INSERT", f"WHEN NEW.{key} IN (SELECT {key} FROM {table}) "),  # noqa: S608 (our own names)
            )
        ]
    function = (
        "CREATE OR REPLACE FUNCTION banyan_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    return [
        function,
        *(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION banyan_append_only()"
            for table in APPEND_ONLY
        ),
    ]
