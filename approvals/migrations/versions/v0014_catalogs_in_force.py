"""The catalogues that came into force, and those that were held back (A9)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Two tables."""
    op.create_table(
        "catalogs",
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
    )
    op.create_table(
        "catalog_drafts",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("before", sa.String(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
    )
