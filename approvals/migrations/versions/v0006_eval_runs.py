"""Where in the audit log the runs of a version's evals are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """One table that only finds entries."""
    op.create_table(
        "eval_runs",
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("suite", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
    )
    op.create_index("eval_runs_by_version", "eval_runs", ["service", "suite", "version", "seq"])
