"""Alembic's entry: runs in the transaction of whoever opens the store, see `migrate.py`."""

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context

from shared_services.storage import schema
from shared_services.storage.metadata import Money, metadata


def _name(kind: str, item: Any, _: object) -> str | Literal[False]:
    """The names that a drafted revision defines for itself."""
    if kind == "type" and isinstance(item, Money):
        return "MONEY"
    if kind == "type" and isinstance(item, sa.Text):
        return "TEXT"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata(schema.TABLES),
    render_item=_name,
)
context.run_migrations()
