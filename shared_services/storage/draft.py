"""For developers: `python -m shared_services.storage.draft "What changes"` writes a revision."""

import sys
from contextlib import ExitStack

import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from shared_services.storage.migrate import alembic_config, migrate


def draft(message: str) -> None:
    """Write the revision that makes what `schema.TABLES` has and no revision makes yet.

    Read it before it is committed: a renamed column is drafted as one dropped and one added.
    """
    engine = sa.create_engine("sqlite://")
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        connection = stack.enter_context(engine.begin())
        migrate(connection)
        config = alembic_config(connection)
        number = len(list(ScriptDirectory.from_config(config).walk_revisions())) + 1
        command.revision(config, message, autogenerate=True, rev_id=f"{number:04}")


if __name__ == "__main__":
    draft(sys.argv[1])
