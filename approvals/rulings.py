"""What may happen to a request: pure rules that the ledger evaluates inside the transaction (A3).

Each takes the request as it is, the time, and what was looked up just before, and says the move or refuses.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from pydantic import JsonValue

from actions import objects
from actions.errors import GrantRefused
from actions.outcome import Outcome, Trip
from approvals import breakglass, delegation, endings, escalating, keepsakes, quorum
from approvals.moves import Move, Outrun
from approvals.policy_model import Policy
from approvals.request import Event, Request, Requirement, State, advance
from approvals.verdict import Forbidden, NeedsApproval, Verdict
from approvals.view import View, judge_back, judge_plan

_EVENTS = {True: Event.SUCCEED, False: Event.FAIL, None: Event.LOSE}


def on_verdict(verdict: Verdict, now: datetime) -> dict[str, object]:
    """The fields of a new request that follow from its verdict."""
    if isinstance(verdict, Forbidden):
        refused = advance(State.PROPOSED, Event.REFUSE)
        return {"state": refused, "reason": verdict.say, "finished_at": now}
    if isinstance(verdict, NeedsApproval):
        return {
            "state": advance(State.PROPOSED, Event.WAIT),
            "requirements": verdict.requirements,
            "missing": verdict.requirements,
            "approve_by": now + verdict.approve_within,
            "remind_at": now + verdict.remind_after if verdict.remind_after else None,
            **_escalation(verdict, now),
        }
    return {"state": advance(State.PROPOSED, Event.ALLOW), "run_by": now + verdict.run_within}


def on_waiting(request: Request, now: datetime) -> Move | None:
    """What a request that still waits is due for: other groups are asked too, or its approvers are reminded.

    The move says so in the store, so that of several replicas one does it.
    """
    if request.state is not State.WAITING:
        return None
    if request.escalate_at and not request.escalated_at and now >= request.escalate_at:
        opened = {
            name: escalating.opened(getattr(request, name), request.escalate_to) for name in ("requirements", "missing")
        }
        data: dict[str, JsonValue] = {"to": list(request.escalate_to)}
        return Move("request.escalated", None, changes={**opened, "escalated_at": now}, data=data)
    if request.remind_at and not request.reminded_at and now >= request.remind_at:
        return Move("request.reminded", None, changes={"reminded_at": now})
    return None


def outgrown(request: Request, now: datetime, policy: Policy, over: bool) -> Move | None:
    """What ends a request for another policy or catalogue when yet another one came into force (A1)."""
    if request.state is not State.WAITING:
        return None
    return endings.other_policy(request, now, policy) or (endings.other_charter(now) if over else None)


def before_reading(request: Request, now: datetime, policy: Policy) -> Move | None:
    """What ends a ready request without a look at the cluster: its expiry, or another policy (A1, A6)."""
    if request.state is not State.READY:
        return None
    return endings.due(request, now) or endings.other_policy(request, now, policy)


def on_start(request: Request, now: datetime, view: View, runner: str, lease_until: datetime) -> Move:
    """Everything once more, at the moment of use (A1, A3, A5, A6): START, or the move that ends the request.

    Raises Outrun where it is not ready any more.
    """
    if request.state is not State.READY:
        raise Outrun
    early = before_reading(request, now, view.policy)
    if early:
        return early
    verdict = judge_plan(view, request.plan, request.requester, now)
    if isinstance(verdict, Forbidden):
        return refuse(request, now, verdict.say)
    if any(not decision.approve for decision in request.decisions):
        return refuse(request, now, "Somebody denied it.")
    late = None if breakglass.stands(request, now, view) else endings.too_late(request, now, verdict)
    if late:
        return late
    left = _still_missing(request, now, view, verdict)
    if left:
        say = f"Not everybody who approved still may: {quorum.say(left)} is missing. Ask again."
        return refuse(request, now, say)
    back = request.plan.way_back
    data: dict[str, JsonValue] = {
        "digest": request.plan.digest,
        "policy": view.policy.version,
        "approvers": [d.approver.user_id for d in request.decisions],
        "patch": request.plan.patch.for_request(request.id).model_dump(mode="json"),
        "runner": runner,
        "fence": request.fence + 1,
        **({"declares": back.digest} if back else {}),
        **({"glass_broken_by": request.emergency.by.user_id} if request.emergency else {}),
    }
    held = {"runner": runner, "lease_until": lease_until, "fence": request.fence + 1}
    return Move("request.running", Event.START, changes=held, data=data)


def on_trip(request: Request, now: datetime, view: View, fence: int, trip: Trip) -> Move:
    """Leave for the rollback that a running plan declares, judged once more by itself (A3, E1).

    Raises GrantRefused that says why it may not be; Outrun where the run is not the one that asks.
    """
    back = request.plan.way_back
    if request.state is not State.RUNNING or request.fence != fence or back is None:
        raise Outrun
    verdict = judge_back(view, request.plan, request.requester, now)
    if isinstance(verdict, Forbidden):
        raise GrantRefused(verdict.say)
    left = _still_missing(request, now, view, verdict)
    if left:
        raise GrantRefused(f"Not everybody who approved it still may: {quorum.say(left)} is missing.")
    data: dict[str, JsonValue] = {
        "digest": back.digest,
        "policy": view.policy.version,
        "patch": back.patch.for_request(objects.back_id(request.id)).model_dump(mode="json"),
        "fence": fence,
        **trip.model_dump(mode="json"),
    }
    return Move("request.guard_tripped", Event.TRIP, data=data)


def refuse(request: Request, now: datetime, reason: str) -> Move:
    """End a ready request that may not run. Raises Outrun where it is elsewhere by now."""
    return _end_ready(request, "request.refused", Event.REFUSE, now, reason)


def outdate(request: Request, now: datetime, reason: str) -> Move:
    """End a ready request whose target moved. Raises Outrun where it is elsewhere by now."""
    return _end_ready(request, "request.stale", Event.OUTDATE, now, reason)


def lapsed(request: Request, now: datetime, runner: str) -> bool:
    """Whether nobody keeps a run alive; one of this very `runner` is one that it no longer works on."""
    alive = request.runner != runner and request.lease_until is not None and now < request.lease_until
    return request.state is State.RUNNING and not alive


def on_take_over(request: Request, now: datetime, runner: str, lease_until: datetime) -> Move | None:
    """Watch on for a guarded run that nobody keeps alive; its fence grows, so that they notice (E2). None elsewhere."""
    if request.plan.guard is None or not lapsed(request, now, runner):
        return None
    held = {"runner": runner, "lease_until": lease_until, "fence": request.fence + 1}
    data: dict[str, JsonValue] = {"runner": runner, "fence": request.fence + 1, "from": request.runner}
    return Move("request.taken_over", Event.TAKE_OVER, changes=held, data=data)


def on_lapse(request: Request, now: datetime, runner: str) -> Move | None:
    """Take a run away from whoever does not keep it alive; its fence grows, so that they notice (E2).

    None where it is alive, or does not run.
    """
    if not lapsed(request, now, runner):
        return None
    lost = Outcome(ok=None, summary="The runner stopped in the middle; reading back what became of it.")
    move = on_outcome(request, now, lost, "lease")
    return move and replace(move, changes={**move.changes, "fence": request.fence + 1})


def on_run(request: Request, now: datetime, outcome: Outcome, fence: int) -> Move | None:
    """What the run itself says; None where the hold under which it ran was taken away (E2)."""
    return on_outcome(request, now, outcome, "run") if request.fence == fence else None


def on_outcome(request: Request, now: datetime, outcome: Outcome, source: str) -> Move | None:
    """What came of it; `source` says who knows: the run itself, or a later look at the cluster.

    None where the request is final already, or unknown and this does not say more.
    """
    event = Event.ROLL_BACK if outcome.rolled_back else _EVENTS[outcome.ok]
    if request.state is not State.RUNNING and (request.state is not State.UNKNOWN or outcome.ok is None):
        return None
    kept, bare = keepsakes.split(outcome)
    changes: dict[str, object] = {"outcome": bare, "step": None}
    if outcome.ok is not None:
        changes["finished_at"] = now
    name = advance(request.state, event).value
    data: dict[str, JsonValue] = {"ok": outcome.ok, "summary": outcome.summary, "source": source}
    evidence = kept if outcome.ok is not None else ()  # what is unknown gets another outcome, which brings its own
    return Move(f"request.{name}", event, changes=changes, data=data, evidence=evidence)


def on_undo(run: Request, undo: Request) -> Move | None:
    """An approved request wants a target on which another one runs: where it takes back just that one, stop watching.

    What was changed stays changed, and is read back later; the undo has an approval of its own.
    """
    same = run.plan.target.key == undo.plan.target.key and run.plan.undo == undo.plan.action
    if run.state is not State.RUNNING or not same:
        return None
    return Move("request.unwatched", None, unwatch=True, data={"for": undo.id})


def _still_missing(request: Request, now: datetime, view: View, verdict: Verdict) -> tuple[Requirement, ...]:
    """What is missing of today's quorum; nothing where the glass was broken and that still stands (A10)."""
    if breakglass.stands(request, now, view):
        return ()
    given = [d for d in request.decisions if d.digest == request.plan.digest]
    return quorum.missing(escalating.wanted(request, verdict), *delegation.counted(view, given, request.requester))


def _end_ready(request: Request, kind: str, event: Event, now: datetime, reason: str) -> Move:
    if request.state is not State.READY:
        raise Outrun
    return endings.end(kind, event, now, reason)


def _escalation(verdict: NeedsApproval, now: datetime) -> dict[str, object]:
    if verdict.escalation is None:
        return {}
    return {"escalate_at": now + verdict.escalation.after, "escalate_to": verdict.escalation.groups}
