"""A run of words that was understood."""

from __future__ import annotations

from typing import Any, NamedTuple

READS = frozenset(("status", "history", "query_logs", "query_metrics", "run_eval", "triage"))


class Piece(NamedTuple):
    """Ends before `end`, may be part of these verbs (None: of any), and gives these arguments."""

    end: int
    verbs: frozenset[str] | None
    slots: tuple[tuple[str, Any], ...]
