"""How a transaction begins, and how two that must not overlap wait for each other."""

from enum import IntEnum
from typing import Final

import sqlalchemy as sa

BUSY: Final = 5  # seconds to wait for another's transaction, or for PostgreSQL's answer
_LIMITS: Final = (
    f"SET LOCAL statement_timeout = {BUSY * 1000}; SET LOCAL lock_timeout = {BUSY * 1000}"
)


class Turn(IntEnum):
    """Advisory locks, which PostgreSQL knows by a number alone: "banyan" and one byte."""

    SCHEMA = 0x62616E79616E01
    LEADER = 0x62616E79616E02
    VERSIONS = 0x62616E79616E03
    WORKERS = 0x62616E79616E04
    TOKENS = 0x62616E79616E05


def begin_reading(connection: sa.Connection) -> None:
    """All that is read is from one moment."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN")
        return
    moment = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
    connection.exec_driver_sql(f"{moment}; {_LIMITS}")


def begin_writing(connection: sa.Connection) -> None:
    """SQLite lets one writer in at a time; on PostgreSQL each statement sees what is committed."""
    connection.exec_driver_sql(
        "BEGIN IMMEDIATE" if connection.dialect.name == "sqlite" else _LIMITS
    )


def take_turn(connection: sa.Connection, turn: Turn) -> None:
    """Waits until no other transaction has this turn, and has it until the end of this one."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(int(turn))))
