"""A change of a request as a value: said by a pure ruling, carried out by the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import JsonValue

from actions.errors import TwokeyError
from actions.outcome import Evidence
from approvals.actor import Actor
from approvals.request import Decision, Event, Request


class Outrun(TwokeyError):
    """Somebody else changed this request at the same moment; look again."""


@dataclass(frozen=True)
class Move:
    """One change of a request, and the audit entry that records it."""

    kind: str  # of the audit entry
    event: Event | None  # None: it stays where it is
    actor: Actor | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)  # fields of the request
    data: Mapping[str, JsonValue] = field(default_factory=dict)  # for the audit entry; its state is added
    decision: Decision | None = None
    unwatch: bool = False  # somebody asked to stop watching
    evidence: tuple[Evidence, ...] = ()  # kept beside the request, for its thread


MoveRule = Callable[[Request, datetime], Move | None]
"""Says what happens to a request, given how it is now and what time it is; None leaves it. May raise."""
