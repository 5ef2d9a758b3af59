"""The ledger's tables. Times are text in UTC (`2026-11-02T09:00:00.000000Z`), which sorts and moves anywhere."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class Table(SQLModel, registry=registry()):
    """Keeps these tables apart from anybody else's in the same program."""


_RUNS = text("state = 'running'")


class RequestRow(Table, table=True):
    """A request as it is now. Every change of it is an audit entry of the same transaction, steps apart."""

    __tablename__ = "requests"
    __table_args__ = (
        Index("requests_by_state", "state"),
        Index("requests_one_runs", "target", unique=True, sqlite_where=_RUNS, postgresql_where=_RUNS),  # E3
        Index("requests_by_service", "service", "environment", "created_at"),
        Index("requests_by_requester", "requester_user", "created_at"),
    )

    id: str = Field(primary_key=True)
    rev: int
    state: str
    service: str
    environment: str
    target: str  # Target.key: one request at a time runs on it (E3)
    plan: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    requester_team: str
    requester_user: str
    origin: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    rule: str
    requirements: list[Any] = Field(sa_column=Column(JSON, nullable=False))
    missing: list[Any] = Field(sa_column=Column(JSON, nullable=False))
    created_at: str
    approve_by: str | None = None
    remind_at: str | None = None
    reminded_at: str | None = None  # set by whoever reminds: of several replicas one
    escalate_at: str | None = None
    escalate_to: list[Any] = Field(sa_column=Column(JSON, nullable=False))
    escalated_at: str | None = None
    run_by: str | None = None
    finished_at: str | None = None
    reason: str = Field(default="", sa_column=Column(Text, nullable=False))
    reason_by: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    emergency: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    review: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    step: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    outcome: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    fence: int = Field(default=0, sa_column_kwargs={"server_default": "0"})  # grows with every hold of it
    runner: str | None = None  # who runs it, and until when that counts as alive
    lease_until: str | None = None
    unwatched: bool = False  # somebody asked to stop watching


class DecisionRow(Table, table=True):
    """One person's decision. Never changed, never removed (A5)."""

    __tablename__ = "decisions"
    __table_args__ = (UniqueConstraint("request_id", "approver_user"),)

    id: int | None = Field(default=None, primary_key=True)
    request_id: str = Field(foreign_key="requests.id", index=True)
    digest: str
    approver_team: str
    approver_user: str
    approve: bool
    at: str
    reason: str
    lent_team: str | None = None  # whose key it was, where it was handed over
    lent_user: str | None = None


class DelegationRow(Table, table=True):
    """Somebody's key in somebody else's hands, until then."""

    __tablename__ = "delegations"
    __table_args__ = (Index("delegations_live", "ended_at", "until"),)

    id: int | None = Field(default=None, primary_key=True)
    giver_team: str
    giver_user: str
    taker_team: str
    taker_user: str
    since: str
    until: str
    ended_at: str | None = None  # taken back before its time


class AuditRow(Table, table=True):
    """One entry of the audit log. Never changed, never removed; the hash covers `body`, `request_id` only finds it."""

    __tablename__ = "audit_events"

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    request_id: str | None = Field(default=None, index=True)
    prev: str
    hash: str
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class EvidenceRow(Table, table=True):
    """One piece of evidence that an outcome came with: a chart, a file, a quote or a table. Only ever added."""

    __tablename__ = "evidence"

    owner: str = Field(primary_key=True)  # the id of the request
    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    piece: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class EvalRunRow(Table, table=True):
    """Where in the audit log the runs of a version are: the entry is what counts, this only finds it.

    Never changed, never removed, since a run that did not pass would be out of sight then.
    """

    __tablename__ = "eval_runs"
    __table_args__ = (Index("eval_runs_by_version", "service", "suite", "version", "seq"),)

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})  # of the audit entry
    service: str
    suite: str
    version: str


class EvalKeepsakeRow(Table, table=True):
    """The entry of a run that was archived, and the way from it to the root of the seal. Never changed, never removed.

    So it still proves what it proved; only whoever seals adds one.
    """

    __tablename__ = "eval_keepsakes"

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})  # of the audit entry
    size: int  # of the seal
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    path: bytes = Field(sa_column=Column(LargeBinary, nullable=False))  # the hashes of RFC 9162's PATH


class EvalEvidenceRow(Table, table=True):
    """One piece of evidence of an eval's run. Apart from that of outcomes: the gateway writes this, the runner that."""

    __tablename__ = "eval_evidence"

    run_id: str = Field(primary_key=True)
    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    piece: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class CheckpointRow(Table, table=True):
    """A checkpoint that was signed, and the tree's frontier at that size. Never changed, never removed."""

    __tablename__ = "audit_checkpoints"

    size: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: str
    note: str = Field(sa_column=Column(Text, nullable=False))
    key: str  # the verifier key that it was signed for
    peaks: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class SealRow(Table, table=True):
    """Entries up to `size` may be removed, since they are archived. Never changed, never removed."""

    __tablename__ = "audit_seals"

    size: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: str
    head: str
    peaks: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class PolicyRow(Table, table=True):
    """A policy that came into force; the newest one is. Its audit entry has the same number. Only ever added (A9)."""

    __tablename__ = "policies"

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    version: str
    content: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class PolicyDraftRow(Table, table=True):
    """A policy that would weaken the one in force (`before`), and so is held back. Only ever added (A9)."""

    __tablename__ = "policy_drafts"

    id: str = Field(primary_key=True)  # of both versions together, so that no file is held back twice
    version: str
    before: str
    content: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class CatalogRow(Table, table=True):
    """A catalogue that came into force; the newest one is. As with policies (A9)."""

    __tablename__ = "catalogs"

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    version: str
    content: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class CatalogDraftRow(Table, table=True):
    """A catalogue that would weaken what holds under the one in force (`before`). As with policies (A9)."""

    __tablename__ = "catalog_drafts"

    id: str = Field(primary_key=True)
    version: str
    before: str
    content: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class ProcessRow(Table, table=True):
    """A process that runs, and when it last said so; one that says nothing any longer was killed."""

    __tablename__ = "processes"

    name: str = Field(primary_key=True)
    role: str
    seen_at: str


class WatermarkRow(Table, table=True):
    """The latest time that any process has seen; a clock that jumps back extends nothing (A6)."""

    __tablename__ = "watermark"

    id: int = Field(primary_key=True)
    at: str


requests = Table.metadata.tables["requests"]
decisions = Table.metadata.tables["decisions"]
delegations = Table.metadata.tables["delegations"]
audit_events = Table.metadata.tables["audit_events"]
evidence = Table.metadata.tables["evidence"]
eval_runs = Table.metadata.tables["eval_runs"]
eval_keepsakes = Table.metadata.tables["eval_keepsakes"]
eval_evidence = Table.metadata.tables["eval_evidence"]
audit_checkpoints = Table.metadata.tables["audit_checkpoints"]
audit_seals = Table.metadata.tables["audit_seals"]
policies = Table.metadata.tables["policies"]
policy_drafts = Table.metadata.tables["policy_drafts"]
catalogs = Table.metadata.tables["catalogs"]
catalog_drafts = Table.metadata.tables["catalog_drafts"]
processes = Table.metadata.tables["processes"]
watermark = Table.metadata.tables["watermark"]


def as_text(moment: datetime) -> str:
    """A time as the tables hold it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def as_time(text: str) -> datetime:
    """And back."""
    return datetime.fromisoformat(text)
