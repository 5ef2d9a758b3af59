"""What the store needs to know of one database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from sqlalchemy import URL, Connection, Engine

from approvals.request import State

APPEND_ONLY = (
    "audit_events",
    "audit_checkpoints",
    "audit_seals",
    "decisions",
    "policies",
    "policy_drafts",
    "catalogs",
    "catalog_drafts",
    "eval_runs",
    "eval_keepsakes",
)
"""The tables whose rows are only ever added (A3, A5, A9, L2); entries that a seal says are archived may go."""


WORDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("requests", "state"): tuple(state.value for state in State),
    ("processes", "role"): ("all", "gateway", "runner"),
}
"""The columns that hold one of a few words, which the database holds them to. A new word takes a migration, if only to
bring the guards of stores that are there up to date."""

GROWS = (("requests", "fence"), ("watermark", "at"))
"""The columns that never go back: a run that was taken away stays so (E2), and so does time (A6)."""


class Dialect(Protocol):
    """One database behind the store's face."""

    schemes: frozenset[str]  # of the URLs that mean it
    makes_itself: bool  # whether opening it brings its tables up to date
    cursor: Mapping[str, Any]  # what the driver is told for a cursor whose bytes come as they are
    as_bytes: str  # the type to which a column is cast that may hold something else by somebody's hand

    def engine(self, url: URL, patience: float, make: bool) -> Engine:
        """An engine whose writing transactions come one after the other. Raises ConfigError where the URL is wrong."""
        ...

    def begin(self, connection: Connection, writes: bool) -> None:
        """The first statement of a transaction; whoever writes waits here for the one before it. Raises DBAPIError.

        Called by `reading` and `writing` instead of being an event of the engine: one listener anywhere makes
        SQLAlchemy look for listeners at every step of every statement.
        """
        ...

    def failed(self, connection: Connection) -> bool:
        """Whether the transaction cannot be committed any more: PostgreSQL takes it back and calls that no error."""
        ...

    def blank(self, url: URL) -> URL:
        """The URL as SQLAlchemy wants it."""
        ...

    def name_of(self, url: URL) -> str:
        """What people call this store; without its password."""
        ...

    def reach(self, url: URL) -> Mapping[str, Any]:
        """What the driver is told beside the URL when it connects, but where the URL says it."""
        ...

    def guards(self) -> Iterable[str]:
        """The statements that make the tables append-only. May be run again."""
        ...
