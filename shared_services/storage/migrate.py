"""Bring a store's schema to the newest revision this code knows; there is no way back."""

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from shared_services.storage.errors import UnusableStore

MIGRATIONS = "shared_services.storage:migrations"  # a folder of an installed package


def migrate(connection: sa.Connection) -> None:
    """Run what is missing in the caller's transaction, which must keep every other migrator out.

    Raises UnusableStore if newer code has written the schema. One store at a time per process:
    Alembic keeps the running migration in a global.
    """
    config = alembic_config(connection)
    _refuse_newer(connection, ScriptDirectory.from_config(config))
    command.upgrade(config, "head")


def alembic_config(connection: sa.Connection) -> Config:
    """Alembic's settings; there is no alembic.ini."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", MIGRATIONS)
    return config


def _refuse_newer(connection: sa.Connection, script: ScriptDirectory) -> None:
    known = {revision.revision for revision in script.walk_revisions()}
    for revision in MigrationContext.configure(connection).get_current_heads():
        if revision not in known:
            raise UnusableStore(
                f"the store's schema is at revision {revision}, this code knows none after "
                f"{script.get_current_head()}: install newer code, or restore an older store"
            )
