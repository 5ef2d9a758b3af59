"""A policy that is held back is asked for and approved as a request, so nothing else keeps what people said (A9)."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """The table goes; what was said stays in the audit log."""
    op.drop_table("policy_voices")
