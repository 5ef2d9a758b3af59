"""States and roles are words that the database knows, and neither time nor a run's fence goes back: guards alone."""

from __future__ import annotations

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """No table changes; the guards that follow every migration are brought up to date."""
