"""Everything that can be asked for, as far as policies tell it apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, product

from actions.catalog import Catalog
from actions.registry import Registry
from approvals.policy_model import Match, Policy
from approvals.verdict import Subject

ANOTHER = ""
"""Stands for every service that no policy names, whether the catalogue has one or not."""

NAMED, ROOM = 8, 120  # names and characters of one line, which is read on a phone


def every(policies: Iterable[Policy], catalog: Catalog, registry: Registry) -> Iterator[Subject]:
    """Each verb, environment and class of services; a class is asked about by its first service."""
    for action, service in product(registry, classes(policies, catalog)):
        if "service" in action.model_fields:
            for environment in catalog.environments_of(service):
                yield Subject(action.verb, action.risk, service, environment)
    for action in registry:
        if "service" not in action.model_fields:
            yield Subject(action.verb, action.risk, None, None)


def others(policies: Iterable[Policy], catalog: Catalog, registry: Registry) -> Iterator[Subject]:
    """Each verb for a service that no policy names, in each environment where the catalogue has none to ask about.

    What is said of it there holds for the first that comes.
    """
    told_apart = named(policies)
    unnamed = [name for name in catalog.services if name not in told_apart]
    asked = {environment for name in unnamed for environment in catalog.environments_of(name)}
    for action, environment in product(registry, catalog.environments):
        if "service" in action.model_fields and environment not in asked:
            yield Subject(action.verb, action.risk, ANOTHER, environment)


def classes(policies: Iterable[Policy], catalog: Catalog) -> dict[str, tuple[str, ...]]:
    """Services by the first of their class: one that a policy names is alone, others go by where they run."""
    told_apart = named(policies)
    found: dict[str, list[str]] = {name: [name] for name in catalog.services if name in told_apart}
    first: dict[tuple[str, ...], str] = {}
    for name in catalog.services:
        if name not in told_apart:
            leader = first.setdefault(catalog.environments_of(name), name)
            found.setdefault(leader, []).append(name)
    return {leader: tuple(members) for leader, members in found.items()}


def named(policies: Iterable[Policy]) -> frozenset[str]:
    """Every service that one of these policies names."""
    return frozenset(name for policy in policies for match in _matches(policy) for name in match.services or ())


def fitting(names: Sequence[str]) -> int:
    """How many of them a line of a card has room for; one at least."""
    widths = accumulate(len(name) + len(", ") for name in names[:NAMED])
    return max(1, sum(width <= ROOM for width in widths))


def label(members: Sequence[str]) -> str:
    """`payments`, or `cart and 3 more`."""
    return members[0] if len(members) == 1 else f"{members[0]} and {len(members) - 1} more"


def listed(names: Sequence[str]) -> str:
    """`deploy`, `deploy and scale`, or `deploy, rollback and scale`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _matches(policy: Policy) -> Iterator[Match]:
    yield from (rule.match for rule in policy.rules)
    for window in policy.freezes:
        yield from (window.match, *window.exempt)
    if policy.break_glass:
        yield policy.break_glass.match
