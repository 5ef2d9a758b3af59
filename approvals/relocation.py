"""Two catalogues held against each other by what the policy says of each object in the clusters (A9). Pure.

Weaker is: an object is reached by a name for which the policy asks for less than for each of its names before; one
that was reached by none is asked for less than the other workloads of its namespace, or stands where there were none;
one is left out, since it could come back as anything; it may have more replicas, another repository or container for
its image; or fewer evals than before. Everything else (aliases, texts, runbooks, queries) weakens nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from pydantic import JsonValue

from actions.action import Action
from actions.catalog import Catalog, EvalSuite
from actions.registry import Registry
from actions.terms import Risk
from approvals import quorum, subjects, whereabouts
from approvals.actor import Actor
from approvals.crowd import Crowd, least
from approvals.policy_model import Policy
from approvals.request import Requirement
from approvals.shift import MEMBERS, Members, Shift, Side, between, moments, proven
from approvals.verdict import Subject, overriding, rule_for
from approvals.whereabouts import Bound, Place, Terms, Way, Whereabouts

_Holds = Callable[[Terms, Terms], bool]  # whether ours are no looser than theirs
_NOTHING = Policy()  # what no catalogue reaches is as good as forbidden
_ANYBODY = ("whoever may ask",)
_NAMED = 50  # services of each kind in an entry of the log
_WAYS = 3  # names of one object that a line has room for


@dataclass(frozen=True)
class _Guard:
    """What whoever wants to reach an object has to satisfy: any one of these names, or every one of them."""

    ways: frozenset[Way]
    every: bool = False


_UNREACHED = _Guard(frozenset())


def compare(policy: Policy, old: Catalog, new: Catalog, registry: Registry, now: datetime) -> list[Shift]:
    """Everything that gets weaker with the new catalogue; objects to which the same happens are one.

    First what needs fewer people, since a card shows what comes first; then what the same people may do more of.
    """
    told_apart = subjects.named((policy,))
    before, after = (whereabouts.of(catalog, told_apart) for catalog in (old, new))
    judged = _Judged(policy, registry, now)
    shifts: list[Shift] = []
    moved: dict[tuple[_Guard, _Guard | None], list[Place]] = {}
    loosened: dict[Shift, list[Place]] = {}
    for place in dict.fromkeys((*before.places, *after.places)):
        was, becomes = before.places.get(place), after.places.get(place)
        guard = _Guard(was.ways) if was else _around(before, place)
        if was is None or becomes is None or was.ways != becomes.ways:
            moved.setdefault((guard, _Guard(becomes.ways) if becomes else None), []).append(place)
        if was and becomes:
            for shift in judged.unbound(was, becomes):
                loosened.setdefault(shift, []).append(place)
    for (old_guard, new_guard), places in moved.items():
        bounds = (after if new_guard else before).places
        label = _label(places, bounds)
        found = judged.reached(label, old_guard, new_guard) if new_guard else [judged.left_out(label, old_guard)]
        members = _members(places, bounds)
        shifts += (replace(shift, members=members) for shift in found)
    for where, environments in before.namespaces.items():
        others = after.namespaces.get(where, environments)
        if others != environments:
            label = f"any other workload in {where[1]}"
            shifts += judged.reached(label, *(_Guard(_unnamed(found), every=True) for found in (environments, others)))
    for shift, places in loosened.items():
        label, members = _label(places, after.places), _members(places, after.places)
        shifts.append(replace(shift, service=label, members=members))
    return shifts


class _Judged:
    """By one policy at one time."""

    def __init__(self, policy: Policy, registry: Registry, now: datetime) -> None:
        self._policy, self._registry = policy, registry
        self._crowd, self._times = Crowd((policy, _NOTHING)), moments((policy,), now)
        self._easing: dict[tuple[str, Way, Way], frozenset[Actor]] = {}

    def reached(self, label: str, old: _Guard, new: _Guard) -> Iterator[Shift]:
        """Each verb that somebody gets more easily; kinds of people with the same change are one."""
        for action in self._registry:
            if "service" in action.model_fields and old != new:
                found: dict[Shift, list[frozenset[str]]] = {}
                for actor, kind in self._crowd.kinds().items():
                    shift = self._weaker(action, old, new, actor)
                    if shift:
                        found.setdefault(shift, []).append(kind)
                for shift, kinds in found.items():
                    yield replace(shift, environment=None, service=label, who=least(kinds))

    def unbound(self, old: Bound, new: Bound) -> Iterator[Shift]:
        """What an object's names let go of, though they are as well guarded as before; each by those as easy as itself.

        Of no object yet: those to which the same happens are one.
        """
        if old.terms == new.terms:
            return
        was, becomes = self._freed("scale", old, new, lambda our, their: our.most <= their.most)
        if becomes:
            most = [max(each.most for each in terms) for terms in (was, becomes)]
            yield self._loosened("scale", old, f"{most[0]} replicas at most", f"{most[1]} at most")
        was, becomes = self._freed("deploy", old, new, lambda our, their: our.brings == their.brings)
        if becomes:
            brings = [_listed({each.brings for each in terms}) for terms in (was, becomes)]
            yield self._loosened("deploy", old, *brings)
        was, becomes = self._freed("deploy", old, new, lambda our, their: _covers(our.proofs, their.proofs))
        if becomes and any(rule.evals for rule in self._policy.rules):
            suites = [_listed({suite.suite for each in terms for suite in each.proofs}) for terms in (was, becomes)]
            yield self._loosened("deploy", old, f"evals {suites[0]}", f"evals {suites[1]}, or easier")

    def _freed(self, verb: str, old: Bound, new: Bound, holds: _Holds) -> tuple[list[Terms], list[Terms]]:
        """The terms that no name as easy as theirs had, and those that their names had before."""
        freed = [terms for terms in new.terms if self._lets_go(verb, old, terms, holds)]
        ways = {terms.way for terms in freed}
        return [terms for terms in old.terms if terms.way in ways] or list(old.terms), freed

    def _lets_go(self, verb: str, old: Bound, ours: Terms, holds: _Holds) -> bool:
        """Whether somebody gets by this name what no name before gave as easily; what is easier itself is `reached`."""
        if any(theirs.way == ours.way and holds(ours, theirs) for theirs in old.terms):
            return False
        for actor in self._crowd.kinds():
            alike = [theirs for theirs in old.terms if actor not in self._eased(verb, theirs.way, ours.way)]
            if alike and not any(holds(ours, theirs) for theirs in alike):
                return True
        return False

    def _eased(self, verb: str, was: Way, way: Way) -> frozenset[Actor]:
        """For whom this name is easier than that one."""
        key, action = (verb, was, way), self._registry[verb]
        if key not in self._easing:
            everybody = self._crowd.kinds()
            self._easing[key] = frozenset(actor for actor in everybody if self._easier(action, was, way, actor))
        return self._easing[key]

    def left_out(self, label: str, guard: _Guard) -> Shift:
        """An object to which no name leads any more."""
        changes = [action for action in self._registry if action.risk is not Risk.READ]
        needed = self._needed(guard.ways, changes)
        after = "out of the catalogue, so it could come back as anything"
        return Shift(
            "change",
            None,
            label,
            _ANYBODY,
            quorum.say(needed) if needed else "forbidden",
            after,
            weaker=True,
            needed=needed,
        )

    def _loosened(self, verb: str, old: Bound, before: str, after: str) -> Shift:
        needed = self._needed(old.ways, [self._registry[verb]])
        return Shift(verb, None, None, _ANYBODY, before, after, weaker=True, needed=needed)

    def _needed(self, ways: Iterable[Way], actions: list[type[Action]]) -> tuple[Requirement, ...]:
        """Everybody whom any of these asks for, and somebody at least; nobody in particular where one is forbidden."""
        rules = [rule_for(self._policy, _subject(action, way)) for way in ways for action in actions]
        found = [overriding(rule) for rule in rules if rule]
        return (quorum.together(found) or (Requirement(group=None, count=1),)) if len(found) == len(rules) else ()

    def _weaker(self, action: type[Action], old: _Guard, new: _Guard, actor: Actor) -> Shift | None:
        """How one of the new ways is easier than what was asked for; of a namespace, than every way into it."""
        if new.every:
            for was in sorted(old.ways):
                found = [self._easier(action, was, way, actor) for way in sorted(new.ways)]
                if all(found):
                    return found[0]
            return None
        for way in sorted(new.ways, key=str):
            found = [self._easier(action, was, way, actor) for was in sorted(old.ways, key=str) or (None,)]
            easier = [shift for shift in found if shift]
            if easier and (old.every or len(easier) == len(found)):
                needed = [shift.needed for shift in easier]
                said = " or ".join(dict.fromkeys(shift.before for shift in easier))
                return replace(
                    easier[0], before=said, needed=quorum.together(needed) if all(needed) else (), escalation=None
                )
        return None

    def _easier(self, action: type[Action], was: Way | None, way: Way, actor: Actor) -> Shift | None:
        """How this name is easier than that one, or than nothing at all."""
        new = Side(self._policy, _subject(action, way))
        old = Side(self._policy, _subject(action, was)) if was else Side(_NOTHING, new.subject)
        for sides in proven(old, new):
            shift = between(*sides, self._crowd, actor, self._times)
            if shift and shift.weaker:
                return shift
        return None


def _subject(action: type[Action], way: Way) -> Subject:
    return Subject(action.verb, action.risk, way.service or subjects.ANOTHER, way.environment)


def _around(catalog: Whereabouts, place: Place) -> _Guard:
    """What holds where no name reaches: as much as for any other workload of its namespace.

    And as for every other field of the same object, since who writes one may undo another.
    """
    environments = catalog.namespaces.get((place.cluster, place.namespace), ())
    ways = _unnamed(environments).union(catalog.objects.get(place.whole, ()))
    return _Guard(ways, every=True) if ways else _UNREACHED


def _unnamed(environments: Iterable[str]) -> frozenset[Way]:
    return frozenset(Way(None, environment) for environment in environments)


def _covers(ours: tuple[EvalSuite, ...], theirs: tuple[EvalSuite, ...]) -> bool:
    """Whether whoever passes our evals has passed theirs."""
    return all(any(_as_hard(our, their) for our in ours) for their in theirs)


def _as_hard(our: EvalSuite, their: EvalSuite) -> bool:
    same = ("suite", "file", "base_url", "model")
    return all(getattr(our, name) == getattr(their, name) for name in same) and (our.threshold or 0) >= (
        their.threshold or 0
    )


def _label(places: list[Place], bounds: Mapping[Place, Bound]) -> str:
    """`Deployment payments in shop, as payments in dev`, of the first of those to which the same happens."""
    return subjects.label([_alone(places[0], bounds[places[0]]), *map(str, places[1:])])


def _members(places: list[Place], bounds: Mapping[Place, Bound]) -> Members | None:
    """All of them, where they are several."""
    if not places[1:]:
        return None
    room = subjects.fitting([place.name for place in places])
    joined = ", ".join if places[room:] else subjects.listed
    brief = [str(where._replace(name=joined(names))) for where, names in _together(places[:room])]
    return Members.of([_alone(place, bounds[place]) for place in places[:MEMBERS]], brief, len(places), room)


def _together(places: list[Place]) -> Iterator[tuple[Place, list[str]]]:
    """The names of those that differ in nothing else."""
    for where, alike in groupby(places, lambda place: place._replace(name="")):
        yield where, [place.name for place in alike]


def _alone(place: Place, bound: Bound) -> str:
    """`Deployment payments in shop, as payments in dev`; only the object where that is its one name, too."""
    return str(place) if bound.names == (f"{place.name} in {place.namespace}",) else f"{place}, as {_names(bound)}"


def _names(bound: Bound) -> str:
    more = [f"{len(bound.names) - _WAYS} more"] if bound.names[_WAYS:] else []
    return " or ".join([*bound.names[:_WAYS], *more])


def _listed(found: Iterable[str]) -> str:
    return ", ".join(sorted(found)) or "none"


def summary(old: Catalog, new: Catalog) -> dict[str, JsonValue]:
    """Which services came, went and changed, for the log; of many the first."""
    both = [name for name in new.services if name in old.services]
    found = {
        "added": [name for name in new.services if name not in old.services],
        "removed": [name for name in old.services if name not in new.services],
        "changed": [name for name in both if new.services[name] != old.services[name]],
    }
    return {"services": {what: [*names[:_NAMED], *(["…"] if names[_NAMED:] else [])] for what, names in found.items()}}
