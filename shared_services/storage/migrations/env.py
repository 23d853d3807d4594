"""Alembic's entry: runs inside the transaction of whoever opens the store (`migrate.py`)."""

from alembic import context

from shared_services.storage.metadata import metadata
from shared_services.storage.schema import TABLES

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata(TABLES)
)
context.run_migrations()
