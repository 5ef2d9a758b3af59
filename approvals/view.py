"""What is looked up just before a ruling, and the verdict on a request in its light. Pure (A3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import JsonValue

from actions.errors import BadInput
from actions.plan import Plan
from actions.registry import Registry
from approvals import verdict as verdicts
from approvals.actor import Actor
from approvals.policy_model import Policy
from approvals.quorum import Groups
from approvals.request import Delegation
from approvals.verdict import Forbidden, Verdict


@dataclass(frozen=True)
class View:
    """What was looked up for one ruling: today's policy, groups, and which of the people concerned are people."""

    policy: Policy
    registry: Registry
    groups: Groups
    people: frozenset[Actor]
    delegations: tuple[Delegation, ...] = ()  # to the people concerned
    unproven: tuple[str, ...] = ()  # which evals the version of this plan has not passed, in words
    amendment: Verdict | None = None  # what the policy in force says to another policy, where that is the plan (A9)
    clock: datetime | None = None  # the time by this machine; the one that counts is ahead where another's ever was


def judge_plan(view: View, plan: Plan, requester: Actor, now: datetime) -> Verdict:
    """The verdict on a plan: on its action, and on the rollback that its guard may run, whichever is stricter."""
    verdict = judge(view, plan.action, requester, now)
    if plan.guard is None:
        return verdict
    return verdicts.both(verdict, judge_back(view, plan, requester, now))


def judge_back(view: View, plan: Plan, requester: Actor, now: datetime) -> Verdict:
    """The verdict on the rollback that a plan's guard may run; no eval is asked of a version that ran here before."""
    if plan.guard is None:
        return Forbidden("", "It has no guard, so there is nothing that it may roll back by itself.")
    return judge(replace(view, unproven=()), plan.guard.action, requester, now)


def judge(view: View, action_json: dict[str, JsonValue], requester: Actor, now: datetime) -> Verdict:
    """The policy's verdict, with what the policy cannot know: the verb exists, and a person asks (A4, A8)."""
    if requester not in view.people:
        return Forbidden("", "Only a full member of this workspace may ask for this, not an app and not a guest.")
    if view.amendment:
        return view.amendment
    try:
        action = view.registry.parse(action_json)
    except BadInput as error:
        return Forbidden("", error.say)
    said = verdicts.judge(view.policy, action, requester, view.groups, now, view.unproven)
    if view.clock is None or now <= view.clock or isinstance(said, Forbidden):
        return said
    # Nobody ends a freeze early by a clock of theirs that is fast, or by writing down a later time than it is (A6).
    by_ours = verdicts.judge(view.policy, action, requester, view.groups, view.clock, view.unproven)
    return by_ours if isinstance(by_ours, Forbidden) else said
