"""Breaking the glass: one named change without its approvals, in an emergency (A10). Pure rulings.

Only the one who asked for exactly this plan, only with a reason, only where the policy says so. It has to start within
15 minutes and is used once; a freeze holds it back like any other change. Somebody else reviews it afterwards; until
then the glass is not broken again, by anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from actions import durations
from actions.plan import Plan
from approvals import endings, quorum
from approvals.actor import Actor, same
from approvals.ballot import DecisionRefused
from approvals.moves import Move
from approvals.policy_model import Policy
from approvals.request import Emergency, Event, Request, Review, State
from approvals.verdict import Forbidden, Subject, matches
from approvals.view import View, judge_plan

SHORTEST = 10  # characters of a reason that says anything

USED = {State.RUNNING, State.UNKNOWN, State.SUCCEEDED, State.FAILED, State.ROLLED_BACK}


@dataclass(frozen=True)
class Glass:
    """Who breaks it, for which plan, and why."""

    digest: str
    actor: Actor
    reason: str


def on_break(request: Request, now: datetime, view: View, glass: Glass, open_ones: Sequence[Request]) -> Move:
    """Make it ready without approvals. `open_ones` are those whose review is due. Raises DecisionRefused."""
    if glass.digest != request.plan.digest:
        raise DecisionRefused("That card shows another plan than the one that waits here. Look at the newest card.")
    if request.state is not State.WAITING:
        raise DecisionRefused(f"It is {request.state.value} already, so there is no glass to break.")
    if not same(request.requester, glass.actor):
        raise DecisionRefused("Only the person who asked can break the glass. You can approve it if you may.")
    over = endings.due(request, now) or endings.other_policy(request, now, view.policy)
    if over:
        return over
    problem = _barred(request, view, now)
    if problem:
        raise DecisionRefused(problem)
    if len(glass.reason) < SHORTEST:
        raise DecisionRefused("Say why, in a few words: somebody else will review it.")
    if open_ones:
        what = open_ones[0]
        raise DecisionRefused(
            f"The glass was broken before, for {what.plan.verb} {what.plan.service} in {what.plan.environment}, and "
            "nobody has reviewed that yet. Somebody else has to, before it can be broken again."
        )
    limit = durations.parse(view.policy.break_glass.start_within) if view.policy.break_glass else None
    changes = {
        "emergency": Emergency(by=glass.actor, at=now, reason=glass.reason),
        "run_by": now + limit if limit else now,
    }
    data: dict[str, JsonValue] = {"digest": glass.digest, "policy": view.policy.version, "reason": glass.reason}
    return Move("request.glass_broken", Event.BREAK_GLASS, glass.actor, changes, data)


def stands(request: Request, now: datetime, view: View) -> bool:
    """Whether it may run without its approvals, judged again at the moment of use (A3)."""
    found, rule = request.emergency, view.policy.break_glass
    if found is None or rule is None or not same(found.by, request.requester):
        return False
    return now < found.at + durations.parse(rule.start_within) and not _barred(request, view, now)


def on_review(request: Request, now: datetime, view: View, actor: Actor, note: str) -> Move:
    """Somebody else looked at it afterwards. Raises DecisionRefused."""
    if not review_due(request):
        raise DecisionRefused("There is nothing to review here.")
    if same(actor, request.requester):
        raise DecisionRefused("You broke the glass yourself, so somebody else has to review it.")
    if actor not in view.people or not quorum.eligible(request.requirements, actor, view.groups):
        raise DecisionRefused(
            f"It is reviewed by those who could have approved it: {quorum.say(request.requirements)}."
        )
    if not note:
        raise DecisionRefused("Say in a few words what you found.")
    return Move("request.reviewed", None, actor, {"review": Review(by=actor, at=now, note=note)}, {"note": note})


def review_due(request: Request) -> bool:
    """Whether the glass was broken for it, it was used, and nobody else has looked at it."""
    return request.emergency is not None and request.review is None and request.state in USED and request.state.final


def concerns(policy: Policy, plan: Plan) -> bool:
    """Whether the policy knows an emergency for changes of this kind, and for what its guard may run."""
    if plan.amends:  # the policy itself is no emergency (A9)
        return False
    rule = policy.break_glass
    return rule is not None and all(matches(rule.match, subject) for subject in Subject.of_effects(plan))


def _barred(request: Request, view: View, now: datetime) -> str:
    """Why the policy does not let this person run this without approvals; empty where it does."""
    rule = view.policy.break_glass
    if rule is None:
        return "The policy lets nobody break the glass; it has no `break_glass`."
    if not concerns(view.policy, request.plan):
        return "The policy lets nobody break the glass for a change of this kind."
    if not any(request.requester in view.groups.get(name, frozenset()) for name in rule.who):
        return f"Only members of {' or '.join(rule.who)} may break the glass."
    verdict = judge_plan(view, request.plan, request.requester, now)
    return verdict.say if isinstance(verdict, Forbidden) else ""
