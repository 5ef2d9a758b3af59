"""Keys in somebody else's hands for a bounded time, and whose key it was that a decision turned."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """One table, and two columns of decisions."""
    op.add_column("decisions", sa.Column("lent_team", sa.String()))
    op.add_column("decisions", sa.Column("lent_user", sa.String()))
    op.create_table(
        "delegations",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("giver_team", sa.String(), nullable=False),
        sa.Column("giver_user", sa.String(), nullable=False),
        sa.Column("taker_team", sa.String(), nullable=False),
        sa.Column("taker_user", sa.String(), nullable=False),
        sa.Column("since", sa.String(), nullable=False),
        sa.Column("until", sa.String(), nullable=False),
        sa.Column("ended_at", sa.String()),
    )
    op.create_index("delegations_live", "delegations", ["ended_at", "until"])
