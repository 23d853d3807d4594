"""Bring a store's schema to the newest revision this code knows."""

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from shared_services.storage.errors import UnusableStore


def migrate(connection: sa.Connection) -> None:
    """Run what is missing in the caller's transaction, which must keep every other migrator out.

    Raises UnusableStore if the store was written by newer code. One store at a time per process:
    Alembic keeps the running migration in a global.
    """
    config = Config()
    config.set_main_option("script_location", "shared_services.storage:migrations")
    script = ScriptDirectory.from_config(config)
    _refuse_newer(script, MigrationContext.configure(connection).get_current_heads())
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _refuse_newer(script: ScriptDirectory, current: tuple[str, ...]) -> None:
    known = {revision.revision for revision in script.walk_revisions()}
    for revision in current:
        if revision not in known:
            raise UnusableStore(
                f"the store has schema revision {revision}, this code knows none after "
                f"{script.get_current_head()}: install the newer code, or restore an older store"
            )
