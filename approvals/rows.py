"""Between a request as a value and as rows of the tables. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, TypeAdapter
from sqlalchemy import RowMapping

from actions.outcome import Evidence
from approvals.actor import Actor
from approvals.request import Decision, Request
from approvals.tables import as_text, as_time

Row = Mapping[str, Any] | RowMapping

_EVIDENCE: TypeAdapter[Evidence] = TypeAdapter(Evidence)
_TIMES = (
    *("created_at", "approve_by", "remind_at", "reminded_at", "escalate_at", "escalated_at", "run_by", "finished_at"),
    "lease_until",
)
_AS_THEY_ARE = (
    *("id", "rev", "state", "plan", "origin", "rule", "requirements", "missing", "escalate_to"),
    *("reason", "emergency", "review", "step", "outcome", "fence", "runner"),
)
_MOVING = (*(name for name in _AS_THEY_ARE if name not in {"id", "plan", "origin"}), *_TIMES, "reason_by")


def to_row(request: Request) -> dict[str, Any]:
    """The columns of a request; the wish to stop watching is the ledger's own."""
    plan = request.plan
    dumped = request.model_dump(mode="json", exclude={"decisions", "requester", *_TIMES})
    return {
        **dumped,
        **{name: _text(getattr(request, name)) for name in _TIMES},
        "service": plan.service,
        "environment": plan.environment,
        "target": plan.target.key,
        "requester_team": request.requester.team_id,
        "requester_user": request.requester.user_id,
    }


def changed(before: Request, after: Request) -> dict[str, Any]:
    """The columns in which two versions of a request differ; its plan, origin and requester never do."""
    names = {name for name in _MOVING if getattr(before, name) != getattr(after, name)}
    times = {name: _text(getattr(after, name)) for name in names.intersection(_TIMES)}
    return {**after.model_dump(mode="json", include=names.difference(_TIMES)), **times}


def to_request(row: Row, decisions: Iterable[Row]) -> Request:
    """A request from its row and the rows of its decisions, oldest first."""
    return Request.model_validate(
        {
            **{name: row[name] for name in _AS_THEY_ARE},
            **{name: as_time(row[name]) if row[name] else None for name in _TIMES},
            "reason_by": row["reason_by"],
            "requester": Actor(team_id=row["requester_team"], user_id=row["requester_user"]),
            "decisions": tuple(_decision(found) for found in decisions),
        }
    )


def decision_row(decision: Decision) -> dict[str, Any]:
    """The columns of a decision."""
    return {
        "request_id": decision.request_id,
        "digest": decision.digest,
        "approver_team": decision.approver.team_id,
        "approver_user": decision.approver.user_id,
        "approve": decision.approve,
        "at": as_text(decision.at),
        "reason": decision.reason,
        "lent_team": decision.lent_by.team_id if decision.lent_by else None,
        "lent_user": decision.lent_by.user_id if decision.lent_by else None,
    }


def json_of(value: BaseModel) -> dict[str, Any]:
    """A value as a JSON column holds it."""
    return value.model_dump(mode="json")


def to_evidence(piece: dict[str, Any]) -> Evidence:
    """A piece of evidence from its JSON column."""
    return _EVIDENCE.validate_python(piece)


def _decision(row: Row) -> Decision:
    return Decision(
        request_id=row["request_id"],
        digest=row["digest"],
        approver=Actor(team_id=row["approver_team"], user_id=row["approver_user"]),
        approve=row["approve"],
        at=as_time(row["at"]),
        reason=row["reason"],
        lent_by=Actor(team_id=row["lent_team"], user_id=row["lent_user"]) if row["lent_user"] else None,
    )


def _text(moment: datetime | None) -> str | None:
    return as_text(moment) if moment else None
