"""One verdict held against another, as it is for one kind of person at every moment that matters. Pure (A9).

Weaker is what lets something through that was held back: fewer or other approvals, more who may ask, a longer time to
approve or to start, a freeze less, a glass that may be broken where it could not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import product
from typing import NamedTuple

from actions import durations
from actions.terms import Risk
from approvals import freeze, quorum, subjects
from approvals.actor import Actor
from approvals.crowd import Crowd
from approvals.policy_model import Policy
from approvals.request import Requirement
from approvals.verdict import (
    TESTED,
    Allowed,
    Escalation,
    Forbidden,
    NeedsApproval,
    Subject,
    Verdict,
    judge_subject,
    matches,
    rule_for,
)

MEMBERS = 100
"""Objects or services of one line that are named one by one, in Details and in the log."""

_UNPROVEN = ("Its version has not passed its evals",)
_RANK = {Forbidden: 0, NeedsApproval: 1, Allowed: 2}


class Members(NamedTuple):
    """The objects or services to which the same happens."""

    whole: tuple[str, ...]  # one by one, and how many more there are
    brief: str  # in a line of a card

    @classmethod
    def of(cls, whole: Sequence[str], brief: Sequence[str], count: int, room: int) -> Members:
        """Of this many there are these, and in a line with room for `room` of them so many are named."""
        more = [f"and {count - len(whole)} more"] if count > len(whole) else []
        hidden = [f"{count - room} more, in Details"] if count > room else []
        return cls((*whole, *more), subjects.listed([*brief, *hidden]))


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
    members: Members | None = field(default=None, compare=False)  # what `service` stands for, where that is several

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


def in_lines(shifts: Iterable[Shift]) -> tuple[str, ...]:
    """Each change in a line, and what the label of several stands for behind them all."""
    found = list(shifts)
    return (*(shift.say for shift in found), *one_by_one(found))


def one_by_one(shifts: Iterable[Shift]) -> tuple[str, ...]:
    """What the labels of these changes stand for."""
    labels = {f"{shift.service}:": shift.members.whole for shift in shifts if shift.members}
    return tuple(line for label, whole in labels.items() for line in (label, *(f"  {each}" for each in whole)))


def briefly(shifts: Iterable[Shift]) -> tuple[str, ...]:
    """The same in a line each, as far as there is room in it."""
    return tuple(dict.fromkeys(shift.members.brief for shift in shifts if shift.members))


class Side(NamedTuple):
    """What is asked for, and the policy that judges it."""

    policy: Policy
    subject: Subject
    unproven: tuple[str, ...] = ()  # which evals its version has not passed, or not often enough


def proven(old: Side, new: Side) -> Iterator[tuple[Side, Side]]:
    """Both sides for a version that passed its evals often enough for either, and for fewer passes as they matter.

    Only a deploy brings a version; of what else can be asked there are just both sides.
    """
    rules = [rule_for(side.policy, side.subject) for side in (old, new)]
    wanted = [rule.passes if rule and new.subject.verb == TESTED else 0 for rule in rules]
    for passed in sorted({*wanted, *(n - 1 for n in wanted if n)}, reverse=True):
        lacking = [_UNPROVEN if many > passed else () for many in wanted]
        yield old._replace(unproven=lacking[0]), new._replace(unproven=lacking[1])


def between(old: Side, new: Side, crowd: Crowd, actor: Actor, times: Sequence[datetime]) -> Shift | None:
    """How the verdicts on both sides differ for this person, at these moments; None where they do not."""
    before, after = (_thawed(side, crowd, actor, times[0]) for side in (old, new))
    asked = before if isinstance(before, NeedsApproval) else None
    said = [_say(side, v, crowd, actor) for side, v in ((old, before), (new, after))]
    weaker, stricter = (
        _glass_wider(one, other, crowd, actor, then)
        or (_guests(other) and not _guests(one))
        or _weaker(one.policy, other.policy, crowd, first, then, other.subject.risk is Risk.READ)
        for one, other, first, then in ((old, new, before, after), (new, old, after, before))
    )
    what = (new.subject.verb, new.subject.environment, new.subject.service, (), said[0], said[1], weaker)
    same = Shift(*what, asked.requirements, asked.escalation) if asked else Shift(*what)
    thaw = _first(times, lambda at: _frozen(old, at) and not _frozen(new, at))
    hold = _first(times, lambda at: _frozen(new, at) and not _frozen(old, at))
    if thaw and not isinstance(after, Forbidden):
        return replace(same, before=f"frozen at {thaw:%d %b %H:%M} UTC", weaker=True)
    if not weaker and not stricter and hold and not isinstance(before, Forbidden):
        return replace(same, after=f"frozen at {hold:%d %b %H:%M} UTC", weaker=False)
    return same if weaker or stricter else None


def moments(policies: Iterable[Policy], now: datetime) -> list[datetime]:
    """Now, and everywhere around which a freeze of these policies begins or ends within a year."""
    edges = {at for policy in policies for window in policy.freezes for at in freeze.edges(window, now)}
    around = (timedelta(0), timedelta(minutes=1), timedelta(minutes=-1), timedelta(hours=1), timedelta(hours=-1))
    return sorted({now} | {at + shift for at in edges for shift in around if at + shift >= now})


def _thawed(side: Side, crowd: Crowd, actor: Actor, at: datetime) -> Verdict:
    """The verdict without regard to freezes, which are compared moment by moment."""
    policy = side.policy.model_copy(update={"freezes": ()})
    return judge_subject(policy, side.subject, actor, crowd.groups(side.policy), at, side.unproven)


def _frozen(side: Side, at: datetime) -> bool:
    policy, subject, _ = side
    return subject.risk is not Risk.READ and any(
        matches(w.match, subject) and not any(matches(e, subject) for e in w.exempt) and freeze.is_on(w, at)
        for w in policy.freezes
    )


def _first(times: Sequence[datetime], holds: Callable[[datetime], bool]) -> datetime | None:
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


def _glass_wider(old: Side, new: Side, crowd: Crowd, actor: Actor, after: Verdict) -> bool:
    """Whether this person may break the glass where they could not, or has longer to start then."""
    wider = _glass(new, crowd, actor) > _glass(old, crowd, actor)
    return wider and isinstance(after, NeedsApproval)


def _glass(side: Side, crowd: Crowd, actor: Actor) -> timedelta:
    """How long somebody who breaks the glass has to start; nothing where they cannot."""
    policy, subject, _ = side
    rule, groups = policy.break_glass, crowd.groups(policy)
    if rule is None or subject.risk is Risk.READ or not matches(rule.match, subject):
        return timedelta(0)
    allowed = any(actor in groups.get(name, frozenset()) for name in rule.who)
    return durations.parse(rule.start_within) if allowed else timedelta(0)


def _guests(side: Side) -> bool:
    """Whether people who are no members of the workspace may read this."""
    rule = rule_for(side.policy, side.subject)
    return side.subject.risk is Risk.READ and rule is not None and rule.guests


def _say(side: Side, verdict: Verdict, crowd: Crowd, actor: Actor) -> str:
    if isinstance(verdict, Forbidden):
        return "forbidden"
    starts = durations.spell(verdict.run_within.total_seconds())
    if isinstance(verdict, Allowed):
        if side.subject.risk is Risk.READ:
            return "nobody else, guests too" if _guests(side) else "nobody else"
        return f"nobody else, starts within {starts}"
    waits = durations.spell(verdict.approve_within.total_seconds())
    text = f"{quorum.say(verdict.requirements)} within {waits}, starts within {starts}"
    if verdict.escalation:
        after = durations.spell(verdict.escalation.after.total_seconds())
        text += f", or {' or '.join(verdict.escalation.groups)} after {after}"
    return text + (", or break-glass" if _glass(side, crowd, actor) else "")
