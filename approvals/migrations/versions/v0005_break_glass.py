"""Requests for which the glass was broken, and their review."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Two columns of requests."""
    for name in ("emergency", "review"):
        op.add_column("requests", sa.Column(name, sa.JSON()))
