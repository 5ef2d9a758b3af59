"""Who may: a pure judgement over an action, a person, the groups and the time. What nothing allows is forbidden."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from actions import durations
from actions.action import Action
from actions.plan import Plan
from actions.terms import Risk
from approvals import freeze, quorum
from approvals.actor import Actor
from approvals.policy_model import ANYONE, Approval, Match, Policy, Rule
from approvals.quorum import Groups
from approvals.request import Requirement

TESTED = "deploy"
"""The verb that brings a version somewhere, so the one of which a rule can want passed evals."""


@dataclass(frozen=True)
class Subject:
    """What of an action the policy looks at. An eval has neither service nor environment."""

    verb: str
    risk: Risk
    service: str | None
    environment: str | None

    @classmethod
    def of(cls, action: Action) -> Subject:
        """The subject of a typed action."""
        data = action.as_json()
        service, environment = data.get("service"), data.get("environment")
        return cls(
            verb=action.verb,
            risk=action.risk,
            service=str(service) if service else None,
            environment=str(environment) if environment else None,
        )

    @classmethod
    def of_plan(cls, plan: Plan) -> Subject:
        """The subject of a plan, of which the verb may not exist any more."""
        return cls(plan.verb, plan.risk, plan.service, plan.environment)

    @classmethod
    def of_effects(cls, plan: Plan) -> tuple[Subject, ...]:
        """Of the plan, and of what its guard may run."""
        return tuple(cls.of_plan(each) for each in (plan, plan.way_back) if each)

    def __str__(self) -> str:
        where = f" {self.service}" if self.service else ""
        return f"{self.verb}{where}" + (f" in {self.environment}" if self.environment else "")


@dataclass(frozen=True)
class Allowed:
    """It may go ahead, and has to start within `run_within`."""

    rule: str
    run_within: timedelta


@dataclass(frozen=True)
class Escalation:
    """After so long without enough approvals the members of these groups may approve, too."""

    after: timedelta
    groups: tuple[str, ...]


@dataclass(frozen=True)
class NeedsApproval:
    """It may go ahead once these have approved in time; then it has to start within `run_within`."""

    rule: str
    requirements: tuple[Requirement, ...]
    approve_within: timedelta
    run_within: timedelta
    remind_after: timedelta | None = None
    escalation: Escalation | None = None


@dataclass(frozen=True)
class Forbidden:
    """It may not; `say` tells the person why and what would help. `rule` is empty where no rule matches."""

    rule: str
    say: str


Verdict = Allowed | NeedsApproval | Forbidden


def judge(
    policy: Policy, action: Action, actor: Actor, groups: Groups, now: datetime, unproven: tuple[str, ...] = ()
) -> Verdict:
    """What the policy says to this action by this person now. `unproven` says which evals its version has not passed.

    `groups` holds at least `groups_needed(policy, …)`; whom it does not list is in no group. Fails closed (A8).
    """
    return judge_subject(policy, Subject.of(action), actor, groups, now, unproven)


def judge_subject(
    policy: Policy, subject: Subject, actor: Actor, groups: Groups, now: datetime, unproven: tuple[str, ...] = ()
) -> Verdict:
    """The same, where only verb, service and environment are known."""
    rule = rule_for(policy, subject)
    if rule is None:
        return Forbidden("", f"No rule of the policy allows {subject}, so it is forbidden.")
    if not may_ask(rule, actor, groups):
        say = f'Only members of {_either(rule.ask)} may ask for this: {subject} (rule "{rule.name}"). One of them can.'
        return Forbidden(rule.name, say)
    for window in policy.freezes:
        if (
            subject.risk is not Risk.READ
            and _freezes(window.match, window.exempt, subject)
            and freeze.is_on(window, now)
        ):
            say = f'The freeze "{window.name}" holds {subject} back until {freeze.ends(window)}. Ask again after that.'
            return Forbidden(rule.name, say)
    if rule.evals and unproven:
        if not rule.override:
            return Forbidden(rule.name, f'{_sentence(unproven)} Rule "{rule.name}" wants that before this.')
        return _quorum(policy, rule, actor, groups, overriding(rule))
    return _quorum(policy, rule, actor, groups, requirements_of(rule))


def both(change: Verdict, back: Verdict) -> Verdict:
    """What is said to a change whose guard may roll it back: each of the two has to be allowed, by enough people.

    So many people as are enough for either, within the shorter times. Others are asked later only where both
    rules say so, and the same.
    """
    if isinstance(change, Forbidden):
        return change
    if isinstance(back, Forbidden):
        return Forbidden(
            back.rule, f"Its guard could not roll it back: {back.say} Without the guard it may be asked for."
        )
    rule = change.rule if change.rule == back.rule else f"{change.rule} and {back.rule}"
    run_within = min(change.run_within, back.run_within)
    if isinstance(change, Allowed) and isinstance(back, Allowed):
        return Allowed(rule, run_within)
    wanting = [verdict for verdict in (change, back) if isinstance(verdict, NeedsApproval)]
    reminders = [verdict.remind_after for verdict in wanting if verdict.remind_after]
    escalations = {verdict.escalation for verdict in wanting}
    return NeedsApproval(
        rule,
        quorum.together(verdict.requirements for verdict in wanting),
        min(verdict.approve_within for verdict in wanting),
        run_within,
        min(reminders, default=None),
        escalations.pop() if len(escalations) == 1 else None,
    )


def rule_for(policy: Policy, subject: Subject) -> Rule | None:
    """The first rule that matches, whoever asks."""
    return next((rule for rule in policy.rules if matches(rule.match, subject)), None)


def groups_needed(policy: Policy, subject: Subject) -> tuple[str, ...]:
    """The groups whose members have to be known to judge this."""
    rule = rule_for(policy, subject)
    return tuple(dict.fromkeys(groups_of(rule))) if rule else ()


def groups_of(rule: Rule) -> Iterator[str]:
    """Every group that a rule names, those who ask first."""
    if rule.ask != ANYONE:
        yield from rule.ask
    yield from (a.source for a in (*rule.approvals, *rule.override) if a.source != ANYONE)
    yield from rule.escalate_to or ()


def requirements_of(rule: Rule) -> tuple[Requirement, ...]:
    """Its approvals as a request carries them."""
    return _required(rule.approvals)


def overriding(rule: Rule) -> tuple[Requirement, ...]:
    """The same, and those who have to agree where a passing eval is lacking."""
    return _required((*rule.approvals, *rule.override))


def may_ask(rule: Rule, actor: Actor, groups: Groups) -> bool:
    """Whether this person is among those who may ask."""
    return rule.ask == ANYONE or any(actor in groups.get(group, frozenset()) for group in rule.ask)


def matches(match: Match, subject: Subject) -> bool:
    """Whether every key that is given fits."""
    return (
        _fits(match.verbs, subject.verb)
        and _fits(match.risk, subject.risk)
        and _fits(match.services, subject.service)
        and _fits(match.environments, subject.environment)
    )


def _fits(wanted: tuple[str, ...] | None, value: str | None) -> bool:
    return wanted is None or value in wanted


def _freezes(match: Match, exempt: tuple[Match, ...], subject: Subject) -> bool:
    return matches(match, subject) and not any(matches(other, subject) for other in exempt)


def _required(approvals: Iterable[Approval]) -> tuple[Requirement, ...]:
    return tuple(Requirement(group=None if a.source == ANYONE else a.source, count=a.count) for a in approvals)


def _sentence(reasons: tuple[str, ...]) -> str:
    return " ".join(f"{reason}." for reason in reasons)


def _quorum(policy: Policy, rule: Rule, actor: Actor, groups: Groups, requirements: tuple[Requirement, ...]) -> Verdict:
    run_within = durations.parse(rule.run_within or policy.defaults.run_within)
    if not requirements:
        return Allowed(rule.name, run_within)
    if not quorum.reachable(requirements, groups, without=(actor,)):
        say = (
            f'This needs {quorum.say(requirements)} (rule "{rule.name}"), and without the person who asks there are '
            "not enough different people in those groups. Let somebody else ask, or have the groups extended."
        )
        return Forbidden(rule.name, say)
    approve_within = durations.parse(rule.approve_within or policy.defaults.approve_within)
    remind = rule.remind_after or policy.defaults.remind_after
    escalation = None
    if rule.escalate_after and rule.escalate_to:
        escalation = Escalation(durations.parse(rule.escalate_after), rule.escalate_to)
    return NeedsApproval(
        rule.name, requirements, approve_within, run_within, durations.parse(remind) if remind else None, escalation
    )


def _either(names: tuple[str, ...] | str) -> str:
    return names if isinstance(names, str) else " or ".join(names)
