"""What may happen to a request: pure rules that the ledger evaluates inside the transaction (A3).

Each takes the request as it is, the time, and what was looked up just before, and says the move or refuses.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from actions.errors import BadInput, TwokeyError
from actions.outcome import Outcome
from actions.registry import Registry
from approvals import keepsakes, quorum
from approvals import verdict as verdicts
from approvals.actor import Actor
from approvals.moves import Hold, Move, Outrun
from approvals.policy_model import Policy
from approvals.quorum import Groups
from approvals.request import Decision, Event, Request, Requirement, State, advance
from approvals.verdict import Forbidden, NeedsApproval, Verdict

CHANGED_POLICY = "The policy changed since this plan was made. Ask again to have it judged by the one that holds now."


class DecisionRefused(TwokeyError):
    """That decision does not count."""


@dataclass(frozen=True)
class View:
    """What was looked up for one ruling: today's policy, groups, and which of the people concerned are people."""

    policy: Policy
    registry: Registry
    groups: Groups
    people: frozenset[Actor]


@dataclass(frozen=True)
class Ballot:
    """What somebody clicked: for which digest, and which way."""

    digest: str
    actor: Actor
    approve: bool
    reason: str = ""


def judge(view: View, action_json: dict[str, JsonValue], requester: Actor, now: datetime) -> Verdict:
    """The policy's verdict, with what the policy cannot know: the verb exists, and a person asks (A4, A8)."""
    try:
        action = view.registry.parse(action_json)
    except BadInput as error:
        return Forbidden("", error.say)
    if requester not in view.people:
        return Forbidden("", "Only a full member of this workspace may ask for a change, not an app and not a guest.")
    return verdicts.judge(view.policy, action, requester, view.groups, now)


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
        }
    return {"state": advance(State.PROPOSED, Event.ALLOW), "run_by": now + verdict.run_within}


def on_ballot(request: Request, now: datetime, view: View, ballot: Ballot) -> Move:
    """Count a decision (A1–A6). Raises DecisionRefused with the explanation for the one who clicked."""
    _check_ballot(request, view, ballot)
    late = due(request, now)
    if late:
        return late
    if any(_same(decision.approver, ballot.actor) for decision in request.decisions):
        raise DecisionRefused("You have already decided on this one, and a decision stays.")
    if not _eligible(request.requirements, ballot.actor, view.groups):
        raise DecisionRefused(f"This one needs {quorum.say(request.requirements)}, and you are not among them.")
    return _approve(request, now, view, ballot) if ballot.approve else _deny(request, now, ballot)


def on_withdrawal(request: Request, now: datetime, actor: Actor) -> Move:
    """The requester takes it back while it waits. Raises DecisionRefused."""
    if not _same(request.requester, actor):
        raise DecisionRefused("Only the person who asked can withdraw this. You can deny it if you may approve it.")
    if request.state is not State.WAITING:
        raise DecisionRefused(_too_late(request))
    return due(request, now) or Move(
        "request.withdrawn", Event.WITHDRAW, actor, {"reason_by": actor, "finished_at": now, "reason": "withdrawn"}
    )


def due(request: Request, now: datetime) -> Move | None:
    """Expiry: one limit for approving, another for starting (A6)."""
    limit = {State.WAITING: request.approve_by, State.READY: request.run_by}.get(request.state)
    if limit is None or now < limit:
        return None
    waited = "for approval" if request.state is State.WAITING else "to be started after its approval"
    reason = f"It waited too long {waited}. Ask again to get a fresh preview."
    return _end("request.expired", Event.EXPIRE, now, reason)


def before_reading(request: Request, now: datetime, policy: Policy) -> Move | None:
    """What ends a ready request without a look at the cluster: its expiry, or another policy (A1, A6)."""
    if request.state is not State.READY:
        return None
    return due(request, now) or _other_policy(request, now, policy)


def on_start(request: Request, now: datetime, view: View, runner: str, lease_until: datetime) -> Move:
    """Everything once more, at the moment of use (A1, A3, A5, A6): START, or the move that ends the request.

    Raises Outrun where it is not ready any more.
    """
    if request.state is not State.READY:
        raise Outrun
    early = before_reading(request, now, view.policy)
    if early:
        return early
    verdict = judge(view, request.plan.action, request.requester, now)
    if isinstance(verdict, Forbidden):
        return refuse(request, now, verdict.say)
    if any(not decision.approve for decision in request.decisions):
        return refuse(request, now, "Somebody denied it.")
    wanted = verdict.requirements if isinstance(verdict, NeedsApproval) else ()
    left = quorum.missing(wanted, _approvers(request, view), view.groups)
    if left:
        say = f"Not everybody who approved still may: {quorum.say(left)} is missing. Ask again."
        return refuse(request, now, say)
    data: dict[str, JsonValue] = {
        "digest": request.plan.digest,
        "policy": view.policy.version,
        "approvers": [d.approver.user_id for d in request.decisions],
        "patch": request.plan.patch.for_request(request.id).model_dump(mode="json"),
        "runner": runner,
    }
    return Move("request.running", Event.START, data=data, hold=Hold(runner, lease_until))


def refuse(request: Request, now: datetime, reason: str) -> Move:
    """End a ready request that may not run. Raises Outrun where it is elsewhere by now."""
    return _end_ready(request, "request.refused", Event.REFUSE, now, reason)


def outdate(request: Request, now: datetime, reason: str) -> Move:
    """End a ready request whose target moved. Raises Outrun where it is elsewhere by now."""
    return _end_ready(request, "request.stale", Event.OUTDATE, now, reason)


def on_outcome(request: Request, now: datetime, outcome: Outcome, source: str) -> Move | None:
    """What came of it; `source` says who knows: the run itself, or a later look at the cluster.

    None where the request is final already, or unknown and this does not say more.
    """
    event = {True: Event.SUCCEED, False: Event.FAIL, None: Event.LOSE}[outcome.ok]
    if request.state is not State.RUNNING and (request.state is not State.UNKNOWN or outcome.ok is None):
        return None
    kept, bare = keepsakes.split(outcome)
    changes: dict[str, object] = {"outcome": bare, "step": None}
    if outcome.ok is not None:
        changes["finished_at"] = now
    name = {True: "succeeded", False: "failed", None: "unknown"}[outcome.ok]
    data: dict[str, JsonValue] = {"ok": outcome.ok, "summary": outcome.summary, "source": source}
    evidence = kept if outcome.ok is not None else ()  # what is unknown gets another outcome, which brings its own
    return Move(f"request.{name}", event, changes=changes, data=data, evidence=evidence)


def could_approve(request: Request, candidate: Actor, groups: Groups) -> bool:
    """Whether this person's approval would bring the request closer to running."""
    if _same(candidate, request.requester) or any(_same(candidate, d.approver) for d in request.decisions):
        return False
    given = [decision.approver for decision in request.decisions if decision.approve]
    before = quorum.missing(request.requirements, given, groups)
    return quorum.missing(request.requirements, [*given, candidate], groups) != before


def _check_ballot(request: Request, view: View, ballot: Ballot) -> None:
    if ballot.digest != request.plan.digest:
        raise DecisionRefused("That card shows another plan than the one that waits here. Look at the newest card.")
    if ballot.actor not in view.people:
        raise DecisionRefused("Only a full member of this workspace can turn a key, not an app and not a guest.")
    if _same(ballot.actor, request.requester):
        if not ballot.approve:
            raise DecisionRefused("You asked for this one yourself: withdraw it instead.")
        who = quorum.say(request.missing)
        raise DecisionRefused(f"You asked for this one, so somebody else has to turn the second key: {who}.")
    stoppable = {State.WAITING} if ballot.approve else {State.WAITING, State.READY}
    if request.state not in stoppable:
        raise DecisionRefused(_too_late(request))


def _approve(request: Request, now: datetime, view: View, ballot: Ballot) -> Move:
    outdated = _other_policy(request, now, view.policy)
    if outdated:
        return outdated
    verdict = judge(view, request.plan.action, request.requester, now)
    if isinstance(verdict, Forbidden):
        raise DecisionRefused(verdict.say)
    if not could_approve(request, ballot.actor, view.groups):
        raise DecisionRefused(f"Your group has approved enough; what is missing is {quorum.say(request.missing)}.")
    given = [decision.approver for decision in request.decisions if decision.approve]
    left = quorum.missing(request.requirements, [*given, ballot.actor], view.groups)
    changes: dict[str, object] = {"missing": left}
    if not left:
        changes["run_by"] = now + verdict.run_within
    return Move(
        "request.approved",
        None if left else Event.APPROVE,
        ballot.actor,
        changes,
        _ballot_data(ballot, view.policy),
        _decision(request, now, ballot),
    )


def _deny(request: Request, now: datetime, ballot: Ballot) -> Move:
    """A deny ends it, also when the last approval came first and it has not started yet (A5)."""
    event = Event.DENY if request.state is State.WAITING else Event.REFUSE
    reason = ballot.reason or "denied"
    changes = {"reason": reason, "reason_by": ballot.actor, "finished_at": now}
    data: dict[str, JsonValue] = {"digest": ballot.digest, "reason": ballot.reason}
    return Move("request.denied", event, ballot.actor, changes, data, _decision(request, now, ballot))


def _ballot_data(ballot: Ballot, policy: Policy) -> dict[str, JsonValue]:
    return {"digest": ballot.digest, "policy": policy.version, "reason": ballot.reason}


def _decision(request: Request, now: datetime, ballot: Ballot) -> Decision:
    return Decision(
        request_id=request.id,
        digest=ballot.digest,
        approver=ballot.actor,
        approve=ballot.approve,
        at=now,
        reason=ballot.reason,
    )


def _other_policy(request: Request, now: datetime, policy: Policy) -> Move | None:
    if request.plan.policy_version == policy.version:
        return None
    return _end("request.stale", Event.OUTDATE, now, CHANGED_POLICY)


def _end_ready(request: Request, kind: str, event: Event, now: datetime, reason: str) -> Move:
    if request.state is not State.READY:
        raise Outrun
    return _end(kind, event, now, reason)


def _end(kind: str, event: Event, now: datetime, reason: str) -> Move:
    return Move(kind, event, changes={"reason": reason, "finished_at": now}, data={"reason": reason})


def _approvers(request: Request, view: View) -> list[Actor]:
    """Whose approval counts: for this very digest, by somebody who is still a person here, not the requester."""
    return [
        decision.approver
        for decision in request.decisions
        if decision.approve
        and decision.digest == request.plan.digest
        and decision.approver in view.people
        and not _same(decision.approver, request.requester)
    ]


def _eligible(requirements: Iterable[Requirement], actor: Actor, groups: Groups) -> bool:
    return any(r.group is None or actor in groups.get(r.group, frozenset()) for r in requirements)


def _same(one: Actor, other: Actor) -> bool:
    """The same person, also when they come through another workspace of the same organisation (A4)."""
    return one.user_id == other.user_id


def _too_late(request: Request) -> str:
    done = {
        State.READY: "It is approved already and about to start.",
        State.RUNNING: "It is running already. You can stop watching it, or undo it afterwards.",
        State.DENIED: "Somebody denied it before you.",
        State.EXPIRED: "It has expired. Ask again to get a fresh preview.",
        State.WITHDRAWN: "It was withdrawn by the person who asked.",
        State.STALE: "The target or the policy moved since this preview. Ask again to get a fresh one.",
        State.REFUSED: "It was refused, so there is nothing left to decide.",
    }
    return done.get(request.state, f"It is over already: {request.state.value}.")
