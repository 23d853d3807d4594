"""${message}."""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}

# As they were when this was written: a revision imports nothing that changes
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MONEY = sa.Text().with_variant(sa.Numeric(38, 18), "postgresql")


def upgrade() -> None:
    ${upgrades}
