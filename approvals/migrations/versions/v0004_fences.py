"""A number that grows with every hold of a request, and one running request a target, kept by the store itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """A column and a unique index."""
    op.add_column("requests", sa.Column("fence", sa.Integer(), nullable=False, server_default="0"))
    runs = sa.text("state = 'running'")
    op.create_index("requests_one_runs", "requests", ["target"], unique=True, sqlite_where=runs, postgresql_where=runs)
