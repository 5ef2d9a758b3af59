"""Where in the audit log the runs of a version's evals are, and what they came with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Two tables: one only finds entries; the other is apart from outcomes' evidence, which another role writes."""
    op.create_table(
        "eval_runs",
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("suite", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
    )
    op.create_index("eval_runs_by_version", "eval_runs", ["service", "suite", "version", "seq"])
    op.create_table(
        "eval_evidence",
        sa.Column("run_id", sa.String(), primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("piece", sa.JSON(), nullable=False),
    )
