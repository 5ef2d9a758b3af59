"""Looks up what a ruling needs to know, just before it: the policy, the groups and the people concerned (A3, A8)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from actions.clients.protocols import EvalRuns
from actions.plan import Plan
from actions.readiness import Standards
from actions.registry import Registry
from approvals import proof, quorum
from approvals.actor import Actor, Directory
from approvals.policy_model import ANYONE, Policy
from approvals.request import Delegation, Request
from approvals.verdict import Forbidden, NeedsApproval, Subject, Verdict, groups_needed, rule_for
from approvals.view import View


class Lookup:
    """Every question is asked anew: the policy in force (A9), and people, which may raise DirectoryDown."""

    def __init__(
        self,
        in_force: Callable[[], Policy],
        directory: Directory,
        registry: Registry,
        runs: EvalRuns,
        standards: Standards,
    ) -> None:
        self._in_force = in_force
        self._directory, self._registry, self._runs, self._standards = directory, registry, runs, standards
        self.delegations: Callable[[datetime], tuple[Delegation, ...]] = lambda now: ()
        self.amendment: Callable[[Plan], Verdict] = lambda plan: Forbidden("", "Nothing can change the policy here.")

    def by(self, in_force: Callable[[], Policy]) -> Lookup:
        """The same, by a policy that is looked up in another way."""
        other = Lookup(in_force, self._directory, self._registry, self._runs, self._standards)
        other.delegations, other.amendment = self.delegations, self.amendment
        return other

    @property
    def policy(self) -> Policy:
        """The policy that holds now, whichever process adopted it. Raises NoPolicy (A8)."""
        return self._in_force()

    def view(self, plan: Plan, actors: Iterable[Actor], now: datetime) -> View:
        """Everything that a ruling on this plan may look at; `actors` are those who take part, `now` by our clock."""
        policy, concerned = self.policy, frozenset(actors)
        if plan.amends:  # no key that was handed over opens that
            said = self.amendment(plan)
            groups = self.members(policy, _named(said))
            return View(policy, self._registry, groups, self.people(concerned), amendment=said, clock=now)
        handed = tuple(d for d in self.delegations(now) if d.taker in concerned)
        names = _concerned(policy, plan)
        if handed and policy.delegation and policy.delegation.to != ANYONE:
            names += policy.delegation.to
        people = self.people(concerned | {d.giver for d in handed})
        members = self.members(policy, names)
        return View(policy, self._registry, members, people, handed, self.unproven(policy, plan), clock=now)

    def asking(self, policy: Policy, plan: Plan, actor: Actor, now: datetime) -> View:
        """The same for somebody who asks for it, by the policy that it was planned under. A lent key asks nothing."""
        members, people = self.members(policy, _concerned(policy, plan)), self.people((actor,))
        return View(policy, self._registry, members, people, unproven=self.unproven(policy, plan), clock=now)

    def unproven(self, policy: Policy, plan: Plan) -> tuple[str, ...]:
        """Which evals the version of this plan has not passed, or not as often as this policy wants; in words."""
        rule = rule_for(policy, Subject.of_plan(plan))
        return proof.lacking(plan, self._runs, self._standards, rule.passes if rule else 1)

    def within(self, view: View, now: datetime) -> View:
        """The same inside the transaction: by today's policy, and without a key that was taken back meanwhile."""
        live = self.delegations(now) if view.delegations else ()
        return replace(view, policy=self.policy, delegations=tuple(d for d in view.delegations if d in live))

    def bare(self, subject: Subject, actor: Actor, asks_only: bool) -> View:
        """For a judgement before there is a plan; who only reads needs to be no member where the rule says so."""
        policy = self.policy
        rule = rule_for(policy, subject)
        people = frozenset({actor}) if asks_only and rule and rule.guests else self.people((actor,))
        return View(policy, self._registry, self.members(policy, groups_needed(policy, subject)), people)

    def among(self, request: Request, now: datetime) -> View:
        """For showing who could approve: whoever is in a group counts as a person, since a key is never turned here."""
        policy, handed = self.policy, () if request.plan.amends else self.delegations(now)
        rule = policy.delegation
        named = rule.to if handed and rule and rule.to != ANYONE else ()
        groups = self.members(policy, [*quorum.named(request.requirements), *named])
        people = frozenset(actor for members in groups.values() for actor in members)
        approvers = frozenset(decision.approver for decision in request.decisions)
        return View(policy, self._registry, groups, people | approvers, handed)

    def members(self, policy: Policy, names: Iterable[str]) -> dict[str, frozenset[Actor]]:
        """Who is in these groups of this policy now."""
        groups = policy.groups
        return self._directory.members({name: groups[name].source for name in names if name in groups})

    def people(self, actors: Iterable[Actor]) -> frozenset[Actor]:
        """Those of them who are living, full members."""
        return frozenset(actor for actor in set(actors) if self._directory.is_person(actor))


def _concerned(policy: Policy, plan: Plan) -> list[str]:
    """The groups that a ruling on what this plan may do asks for."""
    names = [name for subject in Subject.of_effects(plan) for name in groups_needed(policy, subject)]
    return [*names, *(policy.break_glass.who if policy.break_glass else ())]


def _named(said: Verdict) -> tuple[str, ...]:
    """Every group whose members may have to agree, now or in time."""
    if not isinstance(said, NeedsApproval):
        return ()
    return (*quorum.named(said.requirements), *(said.escalation.groups if said.escalation else ()))
