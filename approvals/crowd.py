"""Invented people, so that two policies can be held against each other without asking who is in which group.

Groups are told apart by where their people come from, not by their names: a group that got another name is the same,
a group with another source is another one. Somebody of a list of members is also in every longer list.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from itertools import combinations

from approvals.actor import Actor
from approvals.policy_model import ANYONE, Policy

STRANGER = "somebody in no group"
SIZE = 24  # people of each kind: more than any quorum that a policy may want of one group, twice


class Crowd:
    """Enough people of every kind that these policies know."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        self._sources: dict[str, Mapping[str, object]] = {}
        self._names: dict[str, str] = {}
        for policy in policies:
            for name, group in policy.groups.items():
                key = _key(group.source)
                taken = name in self._names.values()
                self._names.setdefault(key, f"{name} as it would be" if taken else name)
                self._sources.setdefault(key, group.source)
        self._people = {
            key: [Actor(team_id="", user_id=f"{name} {number}") for number in range(SIZE)]
            for key, name in self._names.items()
        }
        self._seats: dict[str, dict[str, frozenset[Actor]]] = {}

    def kinds(self) -> dict[Actor, frozenset[str]]:
        """One person of each kind that may ask, and the groups they are in: none, one, or two."""
        names = self._names.values()
        pairs = (frozenset(pair) for pair in combinations(names, 2))
        every = [frozenset[str](), *(frozenset({name}) for name in names), *pairs]
        return {Actor(team_id="", user_id=" and ".join(sorted(kind)) or STRANGER): kind for kind in every}

    def groups(self, policy: Policy) -> dict[str, frozenset[Actor]]:
        """Who is in the groups of this policy."""
        if policy.version not in self._seats:
            self._seats[policy.version] = self._seated(policy)
        return self._seats[policy.version]

    def _seated(self, policy: Policy) -> dict[str, frozenset[Actor]]:
        return {
            name: frozenset(
                person
                for key, people in self._people.items()
                if _within(self._sources[key], group.source)
                for person in [*people, *(asker for asker, kind in self.kinds().items() if self._names[key] in kind)]
            )
            for name, group in policy.groups.items()
        }

    def some(self, policy: Policy, group: str | None, count: int, start: int) -> list[Actor]:
        """So many people who are in this group and in as few others as may be; of "anyone", strangers."""
        if group is None or group == ANYONE or group not in policy.groups:
            return [Actor(team_id="", user_id=f"stranger {number}") for number in range(start, start + count)]
        key = _key(policy.groups[group].source)
        return self._people[key][start : start + count]


def least(kinds: Collection[frozenset[str]]) -> tuple[str, ...]:
    """Kinds of people in words, without those that are only more of another one."""
    found = [kind for kind in kinds if not any(other < kind for other in kinds)]
    return tuple(" and ".join(sorted(kind)) or STRANGER for kind in found)


def _within(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    if one == other:
        return True
    few, many = one.get("members"), other.get("members")
    same_place = one.get("team") == other.get("team")
    return isinstance(few, list) and isinstance(many, list) and same_place and set(few) <= set(many)


def _key(source: Mapping[str, object]) -> str:
    return json.dumps(source, sort_keys=True)
