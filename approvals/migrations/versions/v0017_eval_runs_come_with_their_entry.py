"""The run of an eval is noted with its entry, and no number is taken beforehand: the guards learn it (A3)."""

from __future__ import annotations

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """No table changes; the guards that follow every migration are brought up to date."""
