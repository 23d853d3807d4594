"""The control plane's tokens in the store: their digests, never their texts."""

import sqlalchemy as sa

from gateway.control.tokens import Role, StoredToken
from gateway.store.audit import Act, add_line
from gateway.store.database import Database
from gateway.store.tables import TOKENS
from gateway.store.transaction import Turn, take_turn


class Tokens:
    """The tokens of one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, id_: str) -> StoredToken | None:
        """Revoked and expired ones too."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(TOKENS).where(TOKENS.c.id == id_)).one_or_none()
        return None if row is None else _token(row)

    def all(self) -> list[StoredToken]:
        """The oldest first."""
        with self._database.reading() as connection:
            return [
                _token(row)
                for row in connection.execute(sa.select(TOKENS).order_by(TOKENS.c.created))
            ]

    def add(self, token: StoredToken, act: Act) -> None:
        """Stores a new token, and who made it."""
        with self._database.writing() as connection:
            take_turn(connection, Turn.TOKENS)
            self._add(connection, token, act)

    def add_first(self, token: StoredToken, act: Act) -> bool:
        """Stores it if there is no token yet, and says whether it did."""
        with self._database.writing() as connection:
            take_turn(connection, Turn.TOKENS)
            if connection.execute(sa.select(TOKENS.c.id).limit(1)).first() is not None:
                return False
            self._add(connection, token, act)
        return True

    def _add(self, connection: sa.Connection, token: StoredToken, act: Act) -> None:
        values = {column.name: getattr(token, column.name) for column in TOKENS.columns}
        connection.execute(sa.insert(TOKENS).values(values))
        add_line(connection, act, self._database.now(connection))

    def revoke(self, id_: str, act: Act) -> bool:
        """From now on it opens nothing. False if there is no such token, or none that is not revoked."""
        valid = sa.and_(TOKENS.c.id == id_, TOKENS.c.revoked.is_(None))
        with self._database.writing() as connection:
            now = self._database.now(connection)
            revoked = connection.execute(
                sa.update(TOKENS).where(valid).values(revoked=now)
            ).rowcount
            if revoked:
                add_line(connection, act, now)
        return bool(revoked)

    def now(self) -> float:
        """Seconds since 1970 by the clock that tokens expire by."""
        with self._database.reading() as connection:
            return self._database.now(connection)


def _token(row: sa.Row[tuple[object, ...]]) -> StoredToken:
    values = dict(row._mapping)  # noqa: SLF001 (the public name of a row's columns)
    return StoredToken(
        **{**values, "role": Role(values["role"]), "digest": bytes(values["digest"])}
    )
