"""Counting approvals: one person fills one place, whatever groups they are in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from approvals.actor import Actor
from approvals.request import Requirement

Groups = Mapping[str, frozenset[Actor]]
"""Who is in which group. A group that is not there has no members (A8)."""


def missing(requirements: Iterable[Requirement], approvers: Iterable[Actor], groups: Groups) -> tuple[Requirement, ...]:
    """What is still needed after these people approved, in the order of the requirements.

    A largest matching between places and people (Kuhn's augmenting paths), so that somebody in two groups is put
    where they help most. Places of small groups are filled first: what is left is what is easiest to find.
    """
    people = _distinct(approvers)
    wanted = list(requirements)
    taken: dict[int, int] = {}  # person -> index into `wanted`
    left = [0] * len(wanted)
    candidates = [_candidates(r, people, groups) for r in wanted]
    for index in sorted(range(len(wanted)), key=lambda i: _scarcity(wanted[i].group, groups)):
        for _ in range(wanted[index].count):
            left[index] += not _place(index, candidates, taken, set())
    return tuple(r.model_copy(update={"count": n}) for r, n in zip(wanted, left, strict=True) if n)


def reachable(requirements: Iterable[Requirement], groups: Groups, without: Collection[Actor] = ()) -> bool:
    """Whether enough different people are in the groups, leaving some out. "Anyone" can always be found."""
    out = {actor.user_id for actor in without}
    named = [r for r in requirements if r.group is not None]
    people = {a for r in named for a in groups.get(r.group or "", ()) if a.user_id not in out}
    return not missing(named, people, groups)


def together(wanted: Iterable[Iterable[Requirement]]) -> tuple[Requirement, ...]:
    """What is enough for each of these quorums, so that none gets easier beside another.

    Of each group as many as any of them wants, and of anyone as many more as the largest of them has people.
    """
    most: Counter[str | None] = Counter()
    largest = 0
    for requirements in wanted:
        places: Counter[str | None] = Counter()
        for requirement in requirements:
            places[requirement.group] += requirement.count
        largest = max(largest, places.total())
        most |= places
    del most[None]
    if more := largest - most.total():
        most[None] = max(0, more)
    return tuple(Requirement(group=group, count=count) for group, count in most.items() if count)


def say(requirements: Iterable[Requirement]) -> str:
    """`one of sre and one of payments-owners`, `2 of anyone else`, `one of sre or leads`, `nobody`."""
    parts = [f"{'one' if r.count == 1 else r.count} of {_either(r)}" for r in requirements]
    return " and ".join(parts) or "nobody"


def named(requirements: Iterable[Requirement]) -> tuple[str, ...]:
    """Every group whose members may fill one of these places."""
    return tuple(dict.fromkeys(name for r in requirements if r.group for name in (r.group, *r.also)))


def eligible(requirements: Iterable[Requirement], actor: Actor, groups: Groups) -> bool:
    """Whether this person could fill any of these places at all."""
    return any(_candidates(requirement, [actor], groups) for requirement in requirements)


def _either(requirement: Requirement) -> str:
    return " or ".join((requirement.group, *requirement.also)) if requirement.group else "anyone else"


def _distinct(people: Iterable[Actor]) -> list[Actor]:
    """One entry a person; the same user id in two workspaces of one organisation is the same person (A4, A5)."""
    return list({actor.user_id: actor for actor in people}.values())


def _scarcity(group: str | None, groups: Groups) -> int:
    return 2**31 if group is None else len(groups.get(group, ()))


def _candidates(requirement: Requirement, people: list[Actor], groups: Groups) -> list[int]:
    if requirement.group is None:
        return list(range(len(people)))
    open_to = [groups.get(name, frozenset()) for name in (requirement.group, *requirement.also)]
    return [index for index, actor in enumerate(people) if any(actor in members for members in open_to)]


def _place(place: int, candidates: list[list[int]], taken: dict[int, int], seen: set[int]) -> bool:
    """Find somebody for one more place, moving others to places that they can also fill."""
    for person in candidates[place]:
        if person not in seen:
            seen.add(person)
            if person not in taken or _place(taken[person], candidates, taken, seen):
                taken[person] = place
                return True
    return False
