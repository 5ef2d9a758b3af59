"""What a run rests on, read back from the audit log: nothing in the other tables counts without its entry there.

Whoever can only change rows (of requests, decisions or delegations) is found out here, at the moment of use. Whoever
can append entries to the log can also invent a person's decision: that takes the gateway's own rights, and SECURITY
says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, bindparam, func, select

from actions.errors import BadInput, GrantRefused, TwokeyError
from approvals import audit, logbook
from approvals.request import Decision, Emergency, Request, Review
from approvals.store.direct import Direct
from approvals.tables import as_text, as_time, audit_events, audit_seals, delegations, requests

MOST_HANDS = 10
"""So many runners may take one run over: whatever kills each of them is no accident."""

_TRIPPED = "request.guard_tripped"
_DECIDED = {"request.approved": True, "request.denied": False}

_before = audit_events.alias("before")
_came_before = func.coalesce(_before.c.hash, audit_seals.c.head)  # the last that was archived has no row any more
_ENTRIES = (
    select(audit_events.c.seq, audit_events.c.prev, audit_events.c.hash, audit_events.c.body, _came_before)
    .outerjoin(_before, _before.c.seq == audit_events.c.seq - 1)
    .outerjoin(audit_seals, audit_seals.c.size == audit_events.c.seq - 1)
)
_TRAIL = Direct(_ENTRIES.where(audit_events.c.request_id == bindparam("its_id")).order_by(audit_events.c.seq))
_NO_REQUESTS = _ENTRIES.where(audit_events.c.request_id.is_(None)).order_by(audit_events.c.seq.desc())
_NO_REQUESTS = _NO_REQUESTS.execution_options(yield_per=500)
_ROW = select(requests.c.state, requests.c.emergency, requests.c.review).where(requests.c.id == bindparam("its_id"))
_GLASS = b'"kind":"request.glass_broken"'
_ABOUT_KEYS = b'"kind":"delegation.'  # as every canonical body of such a kind holds it
_LENT = select(delegations.c.id).where(
    delegations.c.giver_user == bindparam("giver"),
    delegations.c.taker_user == bindparam("taker"),
    delegations.c.ended_at.is_(None),
    delegations.c.until > bindparam("now"),
)


class Altered(TwokeyError):
    """The store holds something else than the audit log, so nothing is run. Check it with `twokey audit verify`."""


def require(connection: Connection, request: Request, now: datetime) -> None:
    """Raises Altered where the log does not say what the tables say of this request: plan, asker, decisions, state.

    And of the keys that were lent for it, as far as they are `now`.
    """
    trail = _trail(connection, request.id)
    if not trail or trail[0]["kind"] != "request.submitted":
        raise Altered
    submitted = trail[0]
    asked = (submitted["data"].get("digest"), submitted["actor"], submitted["at"])
    if asked != (request.plan.digest, _person(request.requester), as_text(request.created_at)):
        raise Altered
    try:
        state = audit.replay(trail).get(request.id)
    except BadInput:
        raise Altered from None
    if state is not request.state:
        raise Altered
    if _times(trail, "request.escalated") != [as_text(at) for at in (request.escalated_at,) if at]:
        raise Altered
    if _decided(trail) != [_as_logged(decision) for decision in request.decisions]:
        raise Altered
    if _broken(trail) != _as_broken(request.emergency):
        raise Altered
    for decision in request.decisions:
        _require_lent(connection, decision, as_text(now))


def require_declared(connection: Connection, request: Request) -> None:
    """That this run declared a second effect when it began, and has not begun it yet (E1).

    Also where others took it over since: whoever holds it is who the log says. Raises GrantRefused where it was begun
    before, Altered where the log does not say that it may be.
    """
    trail = _trail(connection, request.id)
    if any(entry["kind"] == _TRIPPED for entry in trail):
        raise GrantRefused("Its rollback was begun already, and is never begun twice.")
    held = [entry for entry in trail if entry["kind"] in {"request.running", "request.taken_over"}]
    back = request.plan.way_back
    if back is None or [entry["kind"] for entry in held].count("request.running") != 1:
        raise Altered
    if (held[0]["data"].get("declares"), held[-1]["data"]["fence"]) != (back.digest, request.fence):
        raise Altered


def left_under(connection: Connection, request: Request) -> bool:
    """Whether the rollback of this run was begun under the very fence that it has. Raises Altered."""
    trips = [entry["data"]["fence"] for entry in _trail(connection, request.id) if entry["kind"] == _TRIPPED]
    return trips == [request.fence]


def require_takeable(connection: Connection, request: Request) -> None:
    """That another runner may watch on for this run. Raises as `require_declared`, and where too many did (E2)."""
    require_declared(connection, request)
    if sum(entry["kind"] == "request.taken_over" for entry in _trail(connection, request.id)) >= MOST_HANDS:
        raise GrantRefused(f"{MOST_HANDS} runners took it over one after the other, and none lived.")


def watched_since(connection: Connection, request: Request) -> datetime | None:
    """When the guard of this run began to watch, as the log says; None where it has not. Raises Altered."""
    began = [entry["at"] for entry in _trail(connection, request.id) if entry["kind"] == "request.watching"]
    return as_time(began[0]) if began else None


def require_emergencies(connection: Connection) -> None:
    """That the table has every emergency of the log as the log has it: who broke the glass, its state, its review.

    So nobody ends one, or reviews it, in the table alone (A10). Reads the whole log. Raises Altered.
    """
    broken = {str(row[-1]) for row in logbook.bare(connection) if _GLASS in row[1]}
    for request_id in sorted(broken):
        row = connection.execute(_ROW, {"its_id": request_id}).first() or (None, None, None)
        trail = _trail(connection, request_id)
        states = [entry["data"]["state"] for entry in trail if "state" in entry["data"]]
        if [states[-1:], _broken(trail), _reviewed(trail)] != _as_emergency(*row):
            raise Altered(
                f"The store says something else of the emergency of request {request_id} than the audit log, so "
                "nothing more is done. Whoever keeps the database has to find out who changed that row."
            )


def _trail(connection: Connection, request_id: str) -> list[Mapping[str, Any]]:
    return [_entry(row, request_id) for row in _TRAIL.all(connection, its_id=request_id)]


def _require_lent(connection: Connection, decision: Decision, now: str) -> None:
    """Where the table lends this key now, the last that its owner said of it in the log has to be just that."""
    giver, taker = decision.lent_by, decision.approver
    if giver is None or not decision.approve:
        return
    if not connection.execute(_LENT, {"giver": giver.user_id, "taker": taker.user_id, "now": now}).first():
        return  # it counts no more, which is for the rulings to say
    with connection.execute(_NO_REQUESTS) as found:
        about = (_entry(row, None) for row in found if _ABOUT_KEYS in row.body)
        last = next((entry for entry in about if entry["actor"] == _person(giver)), None)
    if last is None or last["kind"] != "delegation.given":
        raise Altered
    if last["data"]["to"] != taker.user_id or last["data"]["until"] <= now:
        raise Altered


def _entry(row: Sequence[Any], request_id: str | None) -> Mapping[str, Any]:
    """An entry's fields, if it is linked to the one before it and its content fits its hash."""
    seq, prev, written, body, before = row
    if audit.link(prev, body) != written or prev != (before or (audit.GENESIS if seq == 1 else None)):
        raise Altered  # nothing comes before the first alone: what is numbered below it no verifier of exports sees
    fields: dict[str, Any] = json.loads(body)
    if fields["seq"] != seq or fields["request"] != request_id:
        raise Altered
    return fields


def _times(trail: Sequence[Mapping[str, Any]], kind: str) -> list[str]:
    return [entry["at"] for entry in trail if entry["kind"] == kind]


def _decided(trail: Sequence[Mapping[str, Any]]) -> list[tuple[object, ...]]:
    return [
        (entry["actor"], entry["data"]["digest"], _DECIDED[entry["kind"]], entry["at"], entry["data"].get("key_of"))
        for entry in trail
        if entry["kind"] in _DECIDED
    ]


def _as_logged(decision: Decision) -> tuple[object, ...]:
    whose = decision.lent_by.user_id if decision.lent_by else None
    return (_person(decision.approver), decision.digest, decision.approve, as_text(decision.at), whose)


def _broken(trail: Sequence[Mapping[str, Any]]) -> tuple[object, ...] | None:
    found = [entry for entry in trail if entry["kind"] == "request.glass_broken"]
    return (found[-1]["actor"], found[-1]["at"], found[-1]["data"]["reason"]) if found else None


def _as_broken(found: Emergency | None) -> tuple[object, ...] | None:
    return (_person(found.by), as_text(found.at), found.reason) if found else None


def _reviewed(trail: Sequence[Mapping[str, Any]]) -> tuple[object, ...] | None:
    """By somebody else than the one who broke the glass, after that."""
    by, found = None, None
    for entry in trail:
        if entry["kind"] == "request.glass_broken":
            by, found = entry["actor"], None
        elif entry["kind"] == "request.reviewed" and entry["actor"] != by:
            found = (entry["actor"], entry["at"], entry["data"]["note"])
    return found


def _as_emergency(state: str | None, emergency: Any, review: Any) -> list[object] | None:
    """A row as the log would have it; None where no entry can say that."""
    try:
        broken = Emergency.model_validate(emergency) if emergency else None
        looked = Review.model_validate(review) if review else None
    except ValidationError:
        return None
    said = (_person(looked.by), as_text(looked.at), looked.note) if looked else None
    return [[state], _as_broken(broken), said]


def _person(actor: Any) -> dict[str, str]:
    return {"team": actor.team_id, "user": actor.user_id}
