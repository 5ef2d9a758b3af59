"""Turning a key: who may, for what, and what a decision does. Pure rulings, evaluated inside the transaction (A3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from actions.errors import TwokeyError
from approvals import delegation, endings, escalating, quorum
from approvals.actor import Actor, same
from approvals.moves import Move
from approvals.policy_model import Policy
from approvals.request import Decision, Event, Request, Requirement, State
from approvals.verdict import Forbidden
from approvals.view import View, judge_plan

REPLACED = "another card takes its place"


class DecisionRefused(TwokeyError):
    """That decision does not count."""


@dataclass(frozen=True)
class Ballot:
    """What somebody clicked: for which digest, and which way."""

    digest: str
    actor: Actor
    approve: bool
    reason: str = ""


def on_ballot(request: Request, now: datetime, view: View, ballot: Ballot) -> Move:
    """Count a decision (A1–A6). Raises DecisionRefused with the explanation for the one who clicked."""
    _check_ballot(request, view, ballot)
    over = endings.due(request, now)
    if request.plan.amends:  # under another policy nobody can say any more who may decide on it
        over = over or endings.other_policy(request, now, view.policy)
    if over:
        return over
    if any(same(decision.approver, ballot.actor) for decision in request.decisions):
        raise DecisionRefused("You have already decided on this one, and a decision stays.")
    keys = [key for key in _keys(request, view, ballot.actor) if _fits(request, view, ballot.actor, key)]
    if not keys:
        raise DecisionRefused(f"This one needs {quorum.say(request.requirements)}, and you are not among them.")
    return _approve(request, now, view, ballot, keys) if ballot.approve else _deny(request, now, ballot, keys[0])


def on_withdrawal(request: Request, now: datetime, actor: Actor, instead: str = "") -> Move:
    """The requester takes it back while it waits, `instead` being what takes its place. Raises DecisionRefused."""
    if not same(request.requester, actor):
        raise DecisionRefused("Only the person who asked can withdraw this. You can deny it if you may approve it.")
    if request.state is not State.WAITING:
        raise DecisionRefused(_too_late(request))
    changes = {"reason_by": actor, "finished_at": now, "reason": REPLACED if instead else "withdrawn"}
    data: dict[str, JsonValue] = {"for": instead} if instead else {}
    return endings.due(request, now) or Move("request.withdrawn", Event.WITHDRAW, actor, changes, data)


def could_approve(request: Request, candidate: Actor, view: View) -> bool:
    """Whether this person's approval would bring the request closer to running."""
    if same(candidate, request.requester) or any(same(candidate, d.approver) for d in request.decisions):
        return False
    return any(_helps(request, view, candidate, key) for key in _keys(request, view, candidate))


def _keys(request: Request, view: View, actor: Actor) -> list[Actor | None]:
    """Whose keys this person could turn: their own (None) first, then those that they hold for others."""
    return [None, *delegation.held(view, actor, request.requester)]


def _fits(request: Request, view: View, actor: Actor, key: Actor | None) -> bool:
    return quorum.eligible(request.requirements, actor, delegation.lend(view, actor, key))


def _helps(request: Request, view: View, actor: Actor, key: Actor | None) -> bool:
    """Whether an approval with this key, which nobody has turned yet, leaves less to be found."""
    owner = key or actor
    if any(decision.approve and same(decision.key, owner) for decision in request.decisions):
        return False
    return _left(request, view, (actor, key)) != _left(request, view)


def _left(request: Request, view: View, more: tuple[Actor, Actor | None] | None = None) -> tuple[Requirement, ...]:
    """What is missing after the approvals so far; and after one more, by this person with that one's key."""
    given, groups = delegation.counted(view, request.decisions, request.requester)
    if more:
        given, groups = [*given, more[0]], delegation.lend(view, *more, groups)
    return quorum.missing(request.requirements, given, groups)


def _check_ballot(request: Request, view: View, ballot: Ballot) -> None:
    if ballot.digest != request.plan.digest:
        raise DecisionRefused("That card shows another plan than the one that waits here. Look at the newest card.")
    if ballot.actor not in view.people:
        raise DecisionRefused("Only a full member of this workspace can turn a key, not an app and not a guest.")
    if same(ballot.actor, request.requester):
        if not ballot.approve:
            raise DecisionRefused("You asked for this one yourself: withdraw it instead.")
        who = quorum.say(request.missing)
        raise DecisionRefused(f"You asked for this one, so somebody else has to turn the second key: {who}.")
    stoppable = {State.WAITING} if ballot.approve else {State.WAITING, State.READY}
    if request.state not in stoppable:
        raise DecisionRefused(_too_late(request))


def _approve(request: Request, now: datetime, view: View, ballot: Ballot, keys: list[Actor | None]) -> Move:
    outdated = endings.other_policy(request, now, view.policy)
    if outdated:
        return outdated
    verdict = judge_plan(view, request.plan, request.requester, now)
    if isinstance(verdict, Forbidden):
        raise DecisionRefused(verdict.say)
    late = endings.too_late(request, now, verdict)
    if late:
        return late
    helping = [key for key in keys if _helps(request, view, ballot.actor, key)]
    if not helping:
        raise DecisionRefused(_no_help(request, ballot.actor))
    key = helping[0]
    left = _left(request, view, (ballot.actor, key))
    if request.plan.amends:  # nothing judges it again afterwards, so the quorum that counts is today's (A3)
        today = request.model_copy(update={"requirements": escalating.wanted(request, verdict)})
        left = left or _left(today, view, (ballot.actor, key))
    changes: dict[str, object] = {"missing": left}
    if not left:
        changes |= {"finished_at": now} if request.plan.amends else {"run_by": now + verdict.run_within}
    last = Event.ADOPT if request.plan.amends else Event.APPROVE
    return Move(
        "request.approved",
        None if left else last,
        ballot.actor,
        changes,
        _ballot_data(ballot, view.policy, key),
        _decision(request, now, ballot, key),
    )


def _no_help(request: Request, actor: Actor) -> str:
    turned = next((d for d in request.decisions if d.approve and d.lent_by and same(d.lent_by, actor)), None)
    if turned:
        return "Your key has been turned already, by the one to whom you handed it."
    return f"Your group has approved enough; what is missing is {quorum.say(request.missing)}."


def _deny(request: Request, now: datetime, ballot: Ballot, key: Actor | None) -> Move:
    """A deny ends it, also when the last approval came first and it has not started yet (A5)."""
    event = Event.DENY if request.state is State.WAITING else Event.REFUSE
    reason = ballot.reason or "denied"
    changes = {"reason": reason, "reason_by": ballot.actor, "finished_at": now}
    data: dict[str, JsonValue] = {"digest": ballot.digest, "reason": ballot.reason}
    if key:
        data["key_of"] = key.user_id
    return Move("request.denied", event, ballot.actor, changes, data, _decision(request, now, ballot, key))


def _ballot_data(ballot: Ballot, policy: Policy, key: Actor | None) -> dict[str, JsonValue]:
    data: dict[str, JsonValue] = {"digest": ballot.digest, "policy": policy.version, "reason": ballot.reason}
    return {**data, "key_of": key.user_id} if key else data


def _decision(request: Request, now: datetime, ballot: Ballot, key: Actor | None) -> Decision:
    return Decision(
        request_id=request.id,
        digest=ballot.digest,
        approver=ballot.actor,
        approve=ballot.approve,
        at=now,
        reason=ballot.reason,
        lent_by=key,
    )


def _too_late(request: Request) -> str:
    done = {
        State.READY: "It is approved already and about to start.",
        State.RUNNING: "It is running already. You can stop watching it, or undo it afterwards.",
        State.DENIED: "Somebody denied it before you.",
        State.EXPIRED: "It has expired. Ask again to get a fresh preview.",
        State.WITHDRAWN: "It was withdrawn by the person who asked.",
        State.STALE: "The target or the policy moved since this preview. Ask again to get a fresh one.",
        State.ADOPTED: "It is in force already.",
        State.REFUSED: "It was refused, so there is nothing left to decide.",
    }
    return done.get(request.state, f"It is over already: {request.state.value}.")
