"""Which gateways live, so that one never works on what another has in hand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """One table."""
    op.create_table(
        "slack_gateways",
        sa.Column("owner", sa.String(), primary_key=True),
        sa.Column("alive_until", sa.String(), nullable=False),
    )
