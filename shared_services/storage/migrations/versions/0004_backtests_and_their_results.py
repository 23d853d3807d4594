"""Backtests and their results."""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'

# As they were when this was written: a revision imports nothing that changes
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.drop_table('api_keys')  # what `nonces` took the place of
    op.drop_table('starts')  # nothing ever wrote it
    op.drop_index('ix_backtests_created_ms', 'backtests')
    op.drop_table('backtests')  # kept for a day, and nothing wrote it yet
    op.create_table('backtests',
    sa.Column('id', TEXT, nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.Column('strategy', TEXT, nullable=False),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_backtests_number', 'backtests', ['number'], unique=False)
    op.create_table('backtest_results',
    sa.Column('id', TEXT, nullable=False),
    sa.Column('result', TEXT, nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
