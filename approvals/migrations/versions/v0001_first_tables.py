"""The tables of the first release. Where they are there already, made before there were migrations, they stay."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """The ledger's four tables and the Slack side's four."""
    _ledger()
    _edge()


def _ledger() -> None:
    op.create_table(
        "requests",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("requester_team", sa.String(), nullable=False),
        sa.Column("requester_user", sa.String(), nullable=False),
        sa.Column("origin", sa.JSON(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("requirements", sa.JSON(), nullable=False),
        sa.Column("missing", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("approve_by", sa.String()),
        sa.Column("run_by", sa.String()),
        sa.Column("finished_at", sa.String()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reason_by", sa.JSON()),
        sa.Column("step", sa.JSON()),
        sa.Column("outcome", sa.JSON()),
        sa.Column("runner", sa.String()),
        sa.Column("lease_until", sa.String()),
        sa.Column("unwatched", sa.Boolean(), nullable=False),
        if_not_exists=True,
    )
    _index("requests_by_state", "requests", "state")
    _index("requests_by_service", "requests", "service", "environment", "created_at")
    _index("requests_by_requester", "requests", "requester_user", "created_at")
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("request_id", sa.String(), sa.ForeignKey("requests.id"), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("approver_team", sa.String(), nullable=False),
        sa.Column("approver_user", sa.String(), nullable=False),
        sa.Column("approve", sa.Boolean(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.UniqueConstraint("request_id", "approver_user"),
        if_not_exists=True,
    )
    _index("ix_decisions_request_id", "decisions", "request_id")
    op.create_table(
        "audit_events",
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("request_id", sa.String()),
        sa.Column("prev", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        if_not_exists=True,
    )
    _index("ix_audit_events_request_id", "audit_events", "request_id")
    op.create_table(
        "watermark",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("at", sa.String(), nullable=False),
        if_not_exists=True,
    )


def _edge() -> None:
    op.create_table(
        "slack_deliveries",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("finished", sa.Boolean(), nullable=False),
        sa.Column("payload", sa.JSON()),
        if_not_exists=True,
    )
    _index("slack_deliveries_open", "slack_deliveries", "finished")
    op.create_table(
        "slack_cards",
        sa.Column("request_id", sa.String(), primary_key=True),
        sa.Column("channel", sa.String(), primary_key=True),
        sa.Column("ts", sa.String()),
        sa.Column("thread", sa.String()),
        sa.Column("reserved_at", sa.String(), nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("settled", sa.Boolean(), nullable=False),
        if_not_exists=True,
    )
    _index("slack_cards_at", "slack_cards", "channel", "ts")
    _index("slack_cards_open", "slack_cards", "settled")
    op.create_table(
        "slack_story",
        sa.Column("request_id", sa.String(), primary_key=True),
        sa.Column("line", sa.String(), primary_key=True),
        if_not_exists=True,
    )
    op.create_table(
        "slack_threads",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("thread", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("action", sa.JSON(), nullable=False),
        sa.Column("request_id", sa.String()),
        if_not_exists=True,
    )
    _index("slack_threads_where", "slack_threads", "channel", "thread")


def _index(name: str, table: str, *columns: str) -> None:
    op.create_index(name, table, list(columns), if_not_exists=True)
