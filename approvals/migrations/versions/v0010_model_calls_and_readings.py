"""What model calls may cost, counted by all gateways together, and the journal of how sentences were read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Two tables; nothing that decides looks at either."""
    op.create_table(
        "model_calls",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("nano_usd", sa.BigInteger(), nullable=False),
    )
    op.create_index("model_calls_at", "model_calls", ["at"])
    op.create_table(
        "readings",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("delivery", sa.String(), nullable=False),
        sa.Column("words_hash", sa.String(), nullable=True),
        sa.Column("words", sa.String(), nullable=True),
        sa.Column("engine", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("action", sa.JSON(), nullable=True),
        sa.Column("thread", sa.JSON(), nullable=True),
        sa.Column("channel", sa.String(), nullable=True),
        sa.Column("meant", sa.JSON(), nullable=True),
    )
    op.create_index("readings_at", "readings", ["at"])
    op.create_index("readings_delivery", "readings", ["delivery"])
