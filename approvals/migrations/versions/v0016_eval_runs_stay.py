"""Where a run of an eval is recorded stays: the guards learn the table (A3)."""

from __future__ import annotations

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """No table changes; the guards that follow every migration are brought up to date."""
