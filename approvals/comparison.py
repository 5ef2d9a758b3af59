"""Two policies held against each other by what they say, not by how they are written (A9).

Over the catalogue: each verb, environment and class of service, and in each environment any service that is still to
come, asked for by each kind of person, at every moment at which a freeze of either begins or ends within a year. Weaker
is what lets something through that was held back: fewer or other approvals, more who may ask, a longer time to approve
or to start, a freeze less, a key that may be handed over or a glass that may be broken where it could not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain

from actions import durations
from actions.catalog import Catalog
from actions.registry import Registry
from approvals import quorum, subjects
from approvals.actor import Actor
from approvals.crowd import Crowd, least
from approvals.policy_model import Policy
from approvals.request import Requirement
from approvals.shift import MEMBERS, Members, Shift, Side, between, moments, proven
from approvals.verdict import Escalation, overriding


def compare(old: Policy, new: Policy, catalog: Catalog, registry: Registry, now: datetime) -> list[Shift]:
    """Every verdict that changes, in the order of the catalogue; kinds of people with the same change are one."""
    crowd = Crowd((old, new))
    times = moments((old, new), now)
    classes = subjects.classes((old, new), catalog) | {subjects.ANOTHER: ("any other service",)}
    found: dict[Shift, list[frozenset[str]]] = {}
    for subject in chain(*(ask((old, new), catalog, registry) for ask in (subjects.every, subjects.others))):
        for actor, kind in crowd.kinds().items():
            for shift in _by_evals(Side(old, subject), Side(new, subject), crowd, actor, times):
                found.setdefault(_labelled(shift, classes), []).append(kind)
    shifts = [*(replace(shift, who=least(kinds)) for shift, kinds in found.items()), *_keys(old, new, crowd)]
    return [*shifts, *_amending(old, new, crowd, shifts)]


def _labelled(shift: Shift, classes: Mapping[str, tuple[str, ...]]) -> Shift:
    """By every service of its class."""
    if shift.service is None:
        return shift
    services = classes[shift.service]
    room = subjects.fitting(services)
    members = Members.of(services[:MEMBERS], services[:room], len(services), room) if services[1:] else None
    return replace(shift, service=subjects.label(services), members=members)


def _by_evals(old: Side, new: Side, crowd: Crowd, actor: Actor, times: Sequence[datetime]) -> dict[Shift, None]:
    """How the verdicts differ on a version that passed its evals; and, where that differs otherwise, on others."""
    first, *others = (between(*sides, crowd, actor, times) for sides in proven(old, new))
    found = dict.fromkeys([first] if first else [])
    for shift in others:
        if shift and shift != first:
            found[replace(shift, after=f"{shift.after}, where an eval was not passed")] = None
    return found


def quorum_for(current: Policy, shifts: list[Shift]) -> tuple[Requirement, ...]:
    """Whose agreement weakening needs: as many of each group as the policy in force asks for anything that gets weaker.

    For what nobody can agree to there, as many as it asks for anything at all.
    """
    at_most = _at_most(current)
    return quorum.together(shift.needed or at_most for shift in shifts if shift.weaker)


def escalation_for(shifts: Iterable[Shift]) -> Escalation | None:
    """Who else may agree in time: only groups that the policy in force would ask for everything that gets weaker."""
    found = [shift.escalation if shift.needed else None for shift in shifts if shift.weaker]
    opened = [escalation for escalation in found if escalation]
    if not opened or len(opened) < len(found):
        return None
    common = [name for name in opened[0].groups if all(name in escalation.groups for escalation in opened)]
    return Escalation(max(escalation.after for escalation in opened), tuple(common)) if common else None


def _at_most(policy: Policy) -> tuple[Requirement, ...]:
    """What is enough for anything that this policy lets through."""
    return quorum.together(overriding(rule) for rule in policy.rules)


def _keys(old: Policy, new: Policy, crowd: Crowd) -> Iterator[Shift]:
    """Who may hand over a key to whom, and for how long."""
    who = [_handed(policy, crowd) for policy in (old, new)]
    if who[0] != who[1]:
        weaker = not who[1][0] <= who[0][0] or (bool(who[1][0]) and who[1][1] > who[0][1])
        said = [_hand_words(policy) for policy in (old, new)]
        yield Shift("hand over a key", None, None, ("its owner",), said[0], said[1], weaker)


def _amending(old: Policy, new: Policy, crowd: Crowd, shifts: list[Shift]) -> Iterator[Shift]:
    """Whether what is forbidden could be let through by fewer people than before, as far as `shifts` do not say so.

    Otherwise whoever has the file would drop a rule, which is stricter, and bring it back without those of its quorum.
    """
    at_most = [_at_most(policy) for policy in (old, new)]
    later, groups = [p for r in at_most[1] for p in crowd.some(new, r.group, r.count, 0)], crowd.groups(old)
    agree = [p for r in quorum_for(old, shifts) for p in crowd.some(old, r.group, r.count, 0)]
    lost = [
        wanted
        for wanted in map(overriding, old.rules)
        if quorum.missing(wanted, later, groups) and quorum.missing(wanted, agree, groups)
    ]
    if lost:
        said = [quorum.say(requirements) for requirements in at_most]
        what = ("let through what is forbidden", None, None, ("a change of the policy",))
        yield Shift(*what, said[0], said[1], weaker=True, needed=quorum.together(lost))


def _handed(policy: Policy, crowd: Crowd) -> tuple[frozenset[tuple[str, str]], timedelta]:
    rule, groups = policy.delegation, crowd.groups(policy)
    if rule is None:
        return frozenset(), timedelta(0)
    everybody = crowd.kinds()
    givers = [a for a in everybody if any(a in groups.get(name, frozenset()) for name in rule.groups)]
    to = [a for a in everybody if rule.to == "anyone" or any(a in groups.get(name, frozenset()) for name in rule.to)]
    return frozenset((g.user_id, t.user_id) for g in givers for t in to), durations.parse(rule.longest)


def _hand_words(policy: Policy) -> str:
    rule = policy.delegation
    if rule is None:
        return "nobody can"
    to = rule.to if isinstance(rule.to, str) else " or ".join(rule.to)
    return f"{' or '.join(rule.groups)} to {to}, for {rule.longest} at most"
