"""Reminders and escalation of what waits, and the evidence of outcomes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Columns of requests, and one table."""
    for name in ("remind_at", "reminded_at", "escalate_at", "escalated_at"):
        op.add_column("requests", sa.Column(name, sa.String()))
    op.add_column("requests", sa.Column("escalate_to", sa.JSON(), nullable=False, server_default="[]"))
    op.create_table(
        "evidence",
        sa.Column("owner", sa.String(), primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("piece", sa.JSON(), nullable=False),
    )
