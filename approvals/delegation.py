"""Keys that were handed over for a time: whose they are, and whom they let approve. Pure.

A delegation lends the giver's own memberships, never what was lent to them: so it cannot be handed on. It counts only
as long as the giver is in the group, the policy allows it, and its time is not up; all of that is looked at again when
the request runs (A3). A key is turned once in a request, by its owner or by who holds it (A5).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from actions import durations
from approvals.actor import Actor, same
from approvals.policy_model import ANYONE, Delegating
from approvals.quorum import Groups
from approvals.request import Decision, Delegation
from approvals.view import View


def allows(rule: Delegating, found: Delegation, groups: Groups) -> bool:
    """Whether the policy lets this person hold somebody's key for so long."""
    if found.length > durations.parse(rule.longest) or same(found.giver, found.taker):
        return False
    return rule.to == ANYONE or any(found.taker in groups.get(name, frozenset()) for name in rule.to)


def held(view: View, taker: Actor, requester: Actor) -> Iterator[Actor]:
    """Whose keys this person holds, for a request of that one. Never the requester's own (A4)."""
    rule = view.policy.delegation
    for found in view.delegations if rule else ():
        fits = found.taker == taker and found.giver in view.people and not same(found.giver, requester)
        if rule and fits and allows(rule, found, view.groups):
            yield found.giver


def lend(view: View, taker: Actor, owner: Actor | None, groups: Groups | None = None) -> Groups:
    """The groups as they are for somebody who turns another's key: with them where its owner is, if it may be lent."""
    rule, base = view.policy.delegation, view.groups if groups is None else groups
    if owner is None or rule is None:
        return base
    lent = {name for name in rule.groups if owner in view.groups.get(name, frozenset())}
    return {name: members | {taker} if name in lent else members for name, members in base.items()}


def counted(view: View, decisions: Iterable[Decision], requester: Actor) -> tuple[list[Actor], Groups]:
    """Whose approvals count, and the groups as they are for them: by people, not the requester, each key once."""
    people: list[Actor] = []
    keys: set[str] = set()
    groups = view.groups
    for decision in decisions:
        owner = decision.lent_by
        stands = decision.approver in view.people and not same(decision.approver, requester)
        if not decision.approve or not stands or decision.key.user_id in keys:
            continue
        if owner is not None and owner not in held(view, decision.approver, requester):
            continue
        keys.add(decision.key.user_id)
        people.append(decision.approver)
        groups = lend(view, decision.approver, owner, groups)
    return people, groups
