"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# As they were when this was written: a revision imports nothing that changes
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MONEY = sa.Text().with_variant(sa.Numeric(38, 18), "postgresql")


def upgrade() -> None:
    op.create_table(
        "booked_fills",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("order_id", TEXT, nullable=False),
        sa.Column("symbol", TEXT, nullable=False),
        sa.Column("side", TEXT, nullable=False),
        sa.Column("amount", MONEY, nullable=False),
        sa.Column("price", MONEY, nullable=False),
        sa.Column("fee", MONEY, nullable=False),
        sa.Column("realised", MONEY, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "cost_bases",
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("amount", MONEY, nullable=False),
        sa.Column("average", MONEY, nullable=False),
        sa.PrimaryKeyConstraint("currency"),
    )
    op.create_table(
        "daily_results",
        sa.Column("day", TEXT, nullable=False),
        sa.Column("result", MONEY, nullable=False),
        sa.PrimaryKeyConstraint("day"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("key", TEXT, nullable=False),
        sa.Column("fingerprint", TEXT, nullable=False),
        sa.Column("client_id", TEXT, nullable=False),
        sa.Column("answer", TEXT, nullable=True),
        sa.Column("lease_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index(
        "ix_idempotency_keys_expires_ms", "idempotency_keys", ["expires_ms"], unique=False
    )
    op.create_table(
        "leases",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "ledger_cursors",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("position", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "order_notes",
        sa.Column("client_id", TEXT, nullable=False),
        sa.Column("symbol", TEXT, nullable=False),
        sa.Column("position_type", TEXT, nullable=False),
        sa.Column("leverage", TEXT, nullable=False),
        sa.Column("stop_loss", TEXT, nullable=True),
        sa.Column("take_profit", TEXT, nullable=True),
        sa.Column("client_order_id", TEXT, nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("client_id"),
    )
    op.create_index(
        "ix_order_notes_symbol_created_ms", "order_notes", ["symbol", "created_ms"], unique=False
    )
    op.create_table(
        "paper_account",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("next_order", sa.BigInteger(), nullable=False),
        sa.Column("next_fill", sa.BigInteger(), nullable=False),
        sa.Column("latest_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "paper_balances",
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("total", MONEY, nullable=False),
        sa.Column("reserved", MONEY, nullable=False),
        sa.PrimaryKeyConstraint("currency"),
    )
    op.create_table(
        "paper_fills",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("order_number", sa.BigInteger(), nullable=False),
        sa.Column("symbol", TEXT, nullable=False),
        sa.Column("side", TEXT, nullable=False),
        sa.Column("amount", MONEY, nullable=False),
        sa.Column("price", MONEY, nullable=False),
        sa.Column("fee", MONEY, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "paper_orders",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("client_id", TEXT, nullable=False),
        sa.Column("symbol", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("side", TEXT, nullable=False),
        sa.Column("amount", MONEY, nullable=False),
        sa.Column("filled", MONEY, nullable=False),
        sa.Column("price", MONEY, nullable=True),
        sa.Column("cost", MONEY, nullable=False),
        sa.Column("fee", MONEY, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("settled_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("ix_paper_orders_client_id", "paper_orders", ["client_id"], unique=False)
    op.create_index(
        "ix_paper_orders_is_open_number", "paper_orders", ["is_open", "number"], unique=False
    )
