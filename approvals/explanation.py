"""The policy in plain sentences: which rule decides, who could approve, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from actions import durations
from actions.terms import Risk
from approvals import delegation, freeze, quorum
from approvals.actor import Actor, same
from approvals.policy_model import ANYONE, Match, Policy, Rule
from approvals.quorum import Groups
from approvals.request import Delegation
from approvals.verdict import (
    TESTED,
    Allowed,
    NeedsApproval,
    Subject,
    Verdict,
    judge_subject,
    matches,
    overriding,
    rule_for,
)


@dataclass(frozen=True)
class Explanation:
    """A verdict, and how the policy came to it."""

    verdict: Verdict
    lines: tuple[str, ...]


def explain(
    policy: Policy,
    subject: Subject,
    actor: Actor,
    groups: Groups,
    now: datetime,
    unnamed: Collection[str] = (),
    lent: Collection[Delegation] = (),
) -> Explanation:
    """The same verdict as `policy.judge`, with the way there. The members of `unnamed` groups are not listed.

    `lent` are the keys that are in other hands now.
    """
    verdict = judge_subject(policy, subject, actor, groups, now)
    named = {name: members for name, members in groups.items() if name not in unnamed}
    lines = [*_lines(policy, subject, verdict, named, actor, now), *_lent(policy, verdict, groups, actor, lent)]
    return Explanation(verdict, tuple(lines))


def _lent(
    policy: Policy, verdict: Verdict, groups: Groups, actor: Actor, lent: Collection[Delegation]
) -> Iterator[str]:
    """Who may turn another's key for this: as `delegation.held` has it, never for a request of either of them."""
    if not isinstance(verdict, NeedsApproval) or policy.delegation is None:
        return
    for found in lent:
        opens = [r.group for r in verdict.requirements if found.giver in groups.get(r.group or "", frozenset())]
        theirs = any(same(actor, person) for person in (found.giver, found.taker))
        if (
            set(opens) & set(policy.delegation.groups)
            and not theirs
            and delegation.allows(policy.delegation, found, groups)
        ):
            until = f"{found.until:%a %d %b %H:%M} UTC"
            yield f"{found.taker.user_id} may turn the key of {found.giver.user_id} ({opens[0]}) until {until}."


def _lines(
    policy: Policy, subject: Subject, verdict: Verdict, groups: Groups, actor: Actor, now: datetime
) -> Iterator[str]:
    rule = rule_for(policy, subject)
    if rule is None:
        yield f"None of the {len(policy.rules)} rules is about {subject}. What no rule allows is forbidden."
        return
    place = policy.rules.index(rule)
    where = f'Rule {place + 1} of {len(policy.rules)}, "{rule.name}"'
    yield f"{where}, decides about {subject}: it is for {_about(rule.match)}."
    if place:
        before = "one before it does" if place == 1 else f"{place} before it do"
        yield f"The {before} not fit: {', '.join(_misfit(r) for r in policy.rules[:place])}."
    yield _askers(rule)
    if rule.evals and subject.verb == TESTED:
        otherwise = f", or else {quorum.say(overriding(rule))} have to agree" if rule.override else ""
        many = f"its last {rule.passes} runs" if rule.passes > 1 else "the last run"
        yield f"A deploy of a service with evals needs {many} of exactly its version to have passed{otherwise}."
    if isinstance(verdict, Allowed):
        starts = durations.spell(verdict.run_within.total_seconds())
        yield "Nobody else is needed." + ("" if subject.risk is Risk.READ else f" It has to start within {starts}.")
    elif isinstance(verdict, NeedsApproval):
        yield from _approvals(verdict, groups, actor)
    else:
        yield verdict.say
    glass = policy.break_glass
    if glass and isinstance(verdict, NeedsApproval) and matches(glass.match, subject):
        yield f"In an emergency members of {' or '.join(glass.who)} may run their own without them."
    for window in policy.freezes:
        if matches(window.match, subject):
            state = f"is on until {freeze.ends(window)}" if freeze.is_on(window, now) else "is not on now"
            yield f'The freeze "{window.name}" {state}.'


def _askers(rule: Rule) -> str:
    if rule.ask != ANYONE:
        return f"Members of {' or '.join(rule.ask)} may ask."
    return "Anyone in the workspace may ask." + (" Guests may read, too." if rule.guests else "")


def _approvals(verdict: NeedsApproval, groups: Groups, actor: Actor) -> Iterator[str]:
    waits = durations.spell(verdict.approve_within.total_seconds())
    starts = durations.spell(verdict.run_within.total_seconds())
    yield f"It needs {quorum.say(verdict.requirements)}, never the one who asks, and one person counts once."
    for name in dict.fromkeys(r.group for r in verdict.requirements if r.group):
        could = sorted(a.user_id for a in groups.get(name, frozenset()) if a.user_id != actor.user_id)
        if could:
            yield f"Of {name} could approve: {', '.join(could)}."
    if verdict.escalation:
        after, others = verdict.escalation.after.total_seconds(), verdict.escalation.groups
        yield f"After {durations.spell(after)} without them members of {' or '.join(others)} may approve, too."
    yield f"It waits {waits} for approvals; once approved it has to start within {starts}."


def _about(match: Match) -> str:
    parts = [
        f"{word} {' or '.join(names)}"
        for word, names in (
            ("the action", match.verbs),
            ("risk", match.risk),
            ("the service", match.services),
            ("the environment", match.environments),
        )
        if names
    ]
    return ", ".join(parts) or "everything"


def _misfit(rule: Rule) -> str:
    """`"dev" is for the environments dev`."""
    return f'"{rule.name}" is for {_about(rule.match)}'
