"""A request whose guard took its change back ends as `rolled_back`: the database learns the word."""

from __future__ import annotations

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """No table changes; the guards that follow every migration are brought up to date."""
