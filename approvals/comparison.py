"""Two policies held against each other by what they say, not by how they are written (A9).

Over the catalogue: each verb, environment and class of service, asked for by each kind of person, at every moment at
which a freeze of either begins or ends within a year. Weaker is what lets something through that was held back: fewer
or other approvals, more who may ask, a longer time to approve or to start, a freeze less, a key that may be handed over
or a glass that may be broken where it could not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import product

from actions import durations
from actions.catalog import Catalog
from actions.registry import Registry
from actions.terms import Risk
from approvals import freeze, quorum, subjects
from approvals.actor import Actor
from approvals.crowd import STRANGER, Crowd
from approvals.policy_model import Policy
from approvals.request import Requirement
from approvals.verdict import (
    Allowed,
    Escalation,
    Forbidden,
    NeedsApproval,
    Subject,
    Verdict,
    judge_subject,
    matches,
    overriding,
    rule_for,
)

_UNPROVEN = ("Its version has not passed its evals",)
_RANK = {Forbidden: 0, NeedsApproval: 1, Allowed: 2}


@dataclass(frozen=True)
class Shift:
    """One verdict that is another one in the new policy, for some kinds of person."""

    verb: str
    environment: str | None
    service: str | None
    who: tuple[str, ...]
    before: str
    after: str
    weaker: bool
    needed: tuple[Requirement, ...] = ()  # whose agreement the old policy asked for
    escalation: Escalation | None = None  # and who else would be asked in time

    @property
    def of_any_verb(self) -> Shift:
        """The same, whatever the verb: what is equal then can be said in one line."""
        return replace(self, verb="", needed=(), escalation=None)

    @property
    def kind(self) -> str:
        """`WEAKER` or `stricter`."""
        return "WEAKER" if self.weaker else "stricter"

    def worded(self, verb: str) -> str:
        """`scale payments in prod, by engineers`."""
        where = f" {self.service}" if self.service else ""
        where += f" in {self.environment}" if self.environment else ""
        return f"{verb}{where}, by {' or '.join(self.who)}"

    @property
    def say(self) -> str:
        """`WEAKER  scale payments in prod, by engineers: one of sre -> nobody else`."""
        return f"{self.kind}  {self.worded(self.verb.replace('_', ' '))}: {self.before} -> {self.after}"


def compare(old: Policy, new: Policy, catalog: Catalog, registry: Registry, now: datetime) -> list[Shift]:
    """Every verdict that changes, in the order of the catalogue; kinds of people with the same change are one."""
    crowd = Crowd((old, new))
    times = sorted(_moments((old, new), now))
    classes = subjects.classes((old, new), catalog)
    found: dict[Shift, list[frozenset[str]]] = {}
    for subject in subjects.every((old, new), catalog, registry):
        for actor, kind in crowd.kinds().items():
            label = subjects.label(classes[subject.service]) if subject.service else None
            proven, unproven = (_shift(old, new, crowd, subject, actor, times, lacking) for lacking in ((), _UNPROVEN))
            if unproven and unproven != proven:
                unproven = replace(unproven, after=f"{unproven.after}, where an eval was not passed")
            for shift in dict.fromkeys((proven, unproven)):
                if shift:
                    found.setdefault(replace(shift, service=label), []).append(kind)
    shifts = [*(replace(shift, who=_least(kinds)) for shift, kinds in found.items()), *_keys(old, new, crowd)]
    return [*shifts, *_amending(old, new, crowd, shifts)]


def _least(kinds: list[frozenset[str]]) -> tuple[str, ...]:
    """The kinds of people in words, without those that are only more of another one."""
    least = [kind for kind in kinds if not any(other < kind for other in kinds)]
    return tuple(" and ".join(sorted(kind)) or STRANGER for kind in least)


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


def _shift(
    old: Policy,
    new: Policy,
    crowd: Crowd,
    subject: Subject,
    actor: Actor,
    times: list[datetime],
    unproven: tuple[str, ...],
) -> Shift | None:
    before, after = (_thawed(p, crowd, subject, actor, times[0], unproven) for p in (old, new))
    asked = before if isinstance(before, NeedsApproval) else None
    said = [_say(p, v, crowd, subject, actor) for p, v in ((old, before), (new, after))]
    weaker, stricter = (
        _glass_wider(one, other, crowd, subject, actor, then)
        or (_guests(other, subject) and not _guests(one, subject))
        or _weaker(one, other, crowd, first, then, subject.risk is Risk.READ)
        for one, other, first, then in ((old, new, before, after), (new, old, after, before))
    )
    what = (subject.verb, subject.environment, subject.service, (), said[0], said[1], weaker)
    same = Shift(*what, asked.requirements, asked.escalation) if asked else Shift(*what)
    thaw = _first(times, lambda at: _frozen(old, subject, at) and not _frozen(new, subject, at))
    hold = _first(times, lambda at: _frozen(new, subject, at) and not _frozen(old, subject, at))
    if thaw and not isinstance(after, Forbidden):
        return replace(same, before=f"frozen at {thaw:%d %b %H:%M} UTC", weaker=True)
    if not weaker and not stricter and hold and not isinstance(before, Forbidden):
        return replace(same, after=f"frozen at {hold:%d %b %H:%M} UTC", weaker=False)
    return same if weaker or stricter else None


def _thawed(
    policy: Policy, crowd: Crowd, subject: Subject, actor: Actor, at: datetime, unproven: tuple[str, ...]
) -> Verdict:
    """The verdict without regard to freezes, which are compared moment by moment."""
    return judge_subject(policy.model_copy(update={"freezes": ()}), subject, actor, crowd.groups(policy), at, unproven)


def _frozen(policy: Policy, subject: Subject, at: datetime) -> bool:
    return subject.risk is not Risk.READ and any(
        matches(w.match, subject) and not any(matches(e, subject) for e in w.exempt) and freeze.is_on(w, at)
        for w in policy.freezes
    )


def _first(times: list[datetime], holds: Callable[[datetime], bool]) -> datetime | None:
    return next((at for at in times if holds(at)), None)


def _weaker(old: Policy, new: Policy, crowd: Crowd, before: Verdict, after: Verdict, at_once: bool) -> bool:
    if _RANK[type(before)] != _RANK[type(after)]:
        return _RANK[type(after)] > _RANK[type(before)]
    if isinstance(before, Forbidden) or isinstance(after, Forbidden):
        return False
    if after.run_within > before.run_within and not at_once:
        return True
    if isinstance(before, NeedsApproval) and isinstance(after, NeedsApproval):
        return after.approve_within > before.approve_within or not _satisfies(old, new, crowd, before, after)
    return False


def _satisfies(old: Policy, new: Policy, crowd: Crowd, before: NeedsApproval, after: NeedsApproval) -> bool:
    """Whether whoever is enough for the new one is enough for the old one, before and after its escalation."""
    later = after.escalation
    stages: list[tuple[tuple[str | None, ...], ...]] = [tuple((r.group,) for r in after.requirements)]
    if later:
        stages.append(tuple((r.group, *later.groups) for r in after.requirements))
    for index, options in enumerate(stages):
        opened = before.escalation if index and later and _in_time(before.escalation, later) else None
        wanted = before.requirements
        if opened:
            wanted = tuple(r.model_copy(update={"also": opened.groups}) for r in wanted)
        for choice in product(*options):
            people: list[Actor] = []
            for requirement, group in zip(after.requirements, choice, strict=True):
                people += crowd.some(new, group, requirement.count, len(people))
            if quorum.missing(wanted, people, crowd.groups(old)):
                return False
    return True


def _in_time(old: Escalation | None, new: Escalation) -> bool:
    return old is not None and old.after <= new.after


def _glass_wider(old: Policy, new: Policy, crowd: Crowd, subject: Subject, actor: Actor, after: Verdict) -> bool:
    """Whether this person may break the glass where they could not, or has longer to start then."""
    wider = _glass(new, crowd, subject, actor) > _glass(old, crowd, subject, actor)
    return wider and isinstance(after, NeedsApproval)


def _glass(policy: Policy, crowd: Crowd, subject: Subject, actor: Actor) -> timedelta:
    """How long somebody who breaks the glass has to start; nothing where they cannot."""
    rule, groups = policy.break_glass, crowd.groups(policy)
    if rule is None or subject.risk is Risk.READ or not matches(rule.match, subject):
        return timedelta(0)
    allowed = any(actor in groups.get(name, frozenset()) for name in rule.who)
    return durations.parse(rule.start_within) if allowed else timedelta(0)


def _guests(policy: Policy, subject: Subject) -> bool:
    """Whether people who are no members of the workspace may read this."""
    rule = rule_for(policy, subject)
    return subject.risk is Risk.READ and rule is not None and rule.guests


def _say(policy: Policy, verdict: Verdict, crowd: Crowd, subject: Subject, actor: Actor) -> str:
    if isinstance(verdict, Forbidden):
        return "forbidden"
    starts = durations.spell(verdict.run_within.total_seconds())
    if isinstance(verdict, Allowed):
        if subject.risk is Risk.READ:
            return "nobody else, guests too" if _guests(policy, subject) else "nobody else"
        return f"nobody else, starts within {starts}"
    waits = durations.spell(verdict.approve_within.total_seconds())
    text = f"{quorum.say(verdict.requirements)} within {waits}, starts within {starts}"
    if verdict.escalation:
        after = durations.spell(verdict.escalation.after.total_seconds())
        text += f", or {' or '.join(verdict.escalation.groups)} after {after}"
    return text + (", or break-glass" if _glass(policy, crowd, subject, actor) else "")


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


def _moments(policies: tuple[Policy, Policy], now: datetime) -> set[datetime]:
    """Now, and everywhere around which a freeze of either policy begins or ends within a year."""
    edges = {at for policy in policies for window in policy.freezes for at in freeze.edges(window, now)}
    around = (timedelta(0), timedelta(minutes=1), timedelta(minutes=-1), timedelta(hours=1), timedelta(hours=-1))
    return {now} | {at + shift for at in edges for shift in around if at + shift >= now}
