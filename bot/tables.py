"""The edge's own tables, in the ledger's store: deliveries, cards, threads, readings, calls. None of them decides."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class EdgeTable(SQLModel, registry=registry()):
    """Keeps these tables apart from the ledger's, which only the ledger writes."""


class DeliveryRow(EdgeTable, table=True):
    """One delivery from Slack, by its event id, trigger id or signature."""

    __tablename__ = "slack_deliveries"
    __table_args__ = (Index("slack_deliveries_open", "finished"),)

    key: str = Field(primary_key=True)
    at: str
    owner: str  # the process that works on it
    finished: bool = False
    payload: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))


class GatewayRow(EdgeTable, table=True):
    """A gateway process that works on deliveries, for as long as it says that it lives."""

    __tablename__ = "slack_gateways"

    owner: str = Field(primary_key=True)
    alive_until: str


class CopyRow(EdgeTable, table=True):
    """One message that shows a request's card."""

    __tablename__ = "slack_cards"
    __table_args__ = (Index("slack_cards_at", "channel", "ts"), Index("slack_cards_open", "settled"))

    request_id: str = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    ts: str | None = None  # None: reserved, not yet posted
    thread: str | None = None
    reserved_at: str
    rev: int = -1  # of the request, as last shown
    settled: bool = False  # shows the final state; nothing follows


class ToldRow(EdgeTable, table=True):
    """A line of a request's story that its thread has."""

    __tablename__ = "slack_story"

    request_id: str = Field(primary_key=True)
    line: str = Field(primary_key=True)


class ThreadRow(EdgeTable, table=True):
    """An action that the bot took up in a thread: typed, never anybody's text."""

    __tablename__ = "slack_threads"
    __table_args__ = (Index("slack_threads_where", "channel", "thread"),)

    id: int | None = Field(default=None, primary_key=True)
    channel: str
    thread: str  # the thread's first message; empty for a direct conversation as a whole
    at: str
    action: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    request_id: str | None = None


class CallRow(EdgeTable, table=True):
    """What one call of a model was allowed to cost, and then what it did cost."""

    __tablename__ = "model_calls"
    __table_args__ = (Index("model_calls_at", "at"),)

    id: int | None = Field(default=None, primary_key=True)
    at: str
    team: str
    person: str
    channel: str
    nano_usd: int = Field(sa_column=Column(BigInteger, nullable=False))  # 0 where no limit is in money


class ReadingRow(EdgeTable, table=True):
    """How one sentence was read, and what the person made of it; the words only where that was opted for."""

    __tablename__ = "readings"
    __table_args__ = (Index("readings_at", "at"), Index("readings_delivery", "delivery"))

    id: int | None = Field(default=None, primary_key=True)
    at: str
    delivery: str  # of the message; a request's origin has the same
    words_hash: str | None = None  # SHA-256 of the words without secrets
    words: str | None = None
    engine: str
    kind: str  # command, question or refusal
    reason: str | None = None  # of a refusal
    action: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    thread: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    channel: str | None = None  # its name, where that is kept with the words
    meant: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))


deliveries = EdgeTable.metadata.tables["slack_deliveries"]
gateways = EdgeTable.metadata.tables["slack_gateways"]
copies = EdgeTable.metadata.tables["slack_cards"]
told = EdgeTable.metadata.tables["slack_story"]
threads = EdgeTable.metadata.tables["slack_threads"]
model_calls = EdgeTable.metadata.tables["model_calls"]
readings = EdgeTable.metadata.tables["readings"]
