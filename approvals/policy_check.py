"""What is wrong with a policy that reads well: it names what is not there, or asks for what nobody can give (A7)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from actions import durations, quantities
from actions.catalog import Catalog
from actions.registry import Registry
from approvals import quorum, subjects
from approvals.actor import Actor, Directory
from approvals.policy_model import ANYONE, Match, Policy, Rule
from approvals.quorum import Groups
from approvals.verdict import TESTED, matches, overriding, rule_for

Loc = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong; `loc` is the path of the key in the file."""

    loc: Loc
    say: str

    @property
    def key(self) -> str:
        """`rules.2.approvals.0.from`."""
        return ".".join(str(part) for part in self.loc)


def membership(policy: Policy, directory: Directory) -> dict[str, frozenset[Actor]]:
    """Who is in each group of the policy now. Raises DirectoryDown."""
    return directory.members({name: group.source for name, group in policy.groups.items()})


def check(policy: Policy, catalog: Catalog, registry: Registry, groups: Groups | None = None) -> list[Problem]:
    """Everything that is wrong, in the order of the file; an empty list means that it may be served."""
    known = _known(policy, groups)
    found = [Problem(("rules",), "there is no rule, so everything is forbidden.")] if not policy.rules else []
    found += _names(policy, catalog, registry)
    found += _never(policy, catalog, registry)
    found += _delegation(policy, known)
    if policy.break_glass:
        who = enumerate(policy.break_glass.who)
        found += _missing([(("break_glass", "who", place), name) for place, name in who], policy, known)
    found += _evals(policy, catalog)
    for index, rule in enumerate(policy.rules):
        found += _groups(policy, index, rule, known)
        found += _reach(index, rule, known)
        found += _in_time(policy, index, rule)
    return found


def assumed(policy: Policy) -> dict[str, frozenset[Actor]]:
    """Groups where nobody can be asked: the members that the file lists, and enough strangers in every user group."""
    listed = _known(policy, None)
    needed = sum(approval.count for rule in policy.rules for approval in (*rule.approvals, *rule.override))
    return {
        name: listed.get(name)
        or frozenset(Actor(team_id="", user_id=f"member {n} of {name}") for n in range(needed + 1))
        for name in policy.groups
    }


def _known(policy: Policy, groups: Groups | None) -> dict[str, frozenset[Actor]]:
    """The groups whose members are known: the looked-up ones, else those that the file lists itself."""
    if groups is not None:
        return {name: groups.get(name, frozenset()) for name in policy.groups}
    return {
        name: frozenset(Actor(team_id=group.team or "", user_id=user) for user in group.members)
        for name, group in policy.groups.items()
        if group.members is not None
    }


def _names(policy: Policy, catalog: Catalog, registry: Registry) -> Iterator[Problem]:
    """Verbs, services and environments that do not exist."""
    verbs = [action.verb for action in registry]
    places: list[tuple[Loc, Match]] = [(("rules", i, "match"), rule.match) for i, rule in enumerate(policy.rules)]
    for i, window in enumerate(policy.freezes):
        places.append((("freezes", i, "match"), window.match))
        places += [(("freezes", i, "exempt", j), match) for j, match in enumerate(window.exempt)]
    if policy.break_glass:
        places.append((("break_glass", "match"), policy.break_glass.match))
    for loc, match in places:
        for key, names, there in (
            ("verbs", match.verbs, verbs),
            ("services", match.services, catalog.services),
            ("environments", match.environments, catalog.environments),
        ):
            for position, name in enumerate(names or ()):
                if name not in there:
                    what = "action" if key == "verbs" else key[:-1]
                    some = f"; it is one of: {', '.join(there)}" if len(there) <= 12 else " in the catalogue"
                    yield Problem((*loc, key, position), f'there is no {what} "{name}"{some}.')


def _never(policy: Policy, catalog: Catalog, registry: Registry) -> Iterator[Problem]:
    """Rules that decide nothing: earlier ones take all that they match, together or alone."""
    asked = list(subjects.every((policy,), catalog, registry))
    first: set[str] = set()
    for subject in asked:
        rule = rule_for(policy, subject)
        if rule is not None:
            first.add(rule.name)
    for index, rule in enumerate(policy.rules):
        if rule.name in first:
            continue
        taken = [subject for subject in asked if matches(rule.match, subject)]
        loc = ("rules", index, "match")
        if not taken:
            yield Problem(loc, "nothing in the catalogue fits this, so the rule never decides.")
        else:
            by = dict.fromkeys(r.name for subject in taken if (r := rule_for(policy, subject)))
            names = " and ".join(f'"{name}"' for name in by)
            take = "take" if len(by) > 1 else "takes"
            yield Problem(loc, f"{names} before it {take} all that this matches, so the rule never decides.")


def _delegation(policy: Policy, known: Groups) -> Iterator[Problem]:
    rule = policy.delegation
    named = {"groups": rule.groups, "to": () if rule.to == ANYONE else rule.to} if rule else {}
    for key, names in named.items():
        yield from _missing([(("delegation", key, place), name) for place, name in enumerate(names)], policy, known)


def _missing(places: Iterable[tuple[Loc, str]], policy: Policy, known: Groups) -> Iterator[Problem]:
    """Groups that are not defined, or have nobody in them."""
    for loc, group in places:
        if group not in policy.groups:
            yield Problem(loc, f'there is no group "{group}"; define it under groups.')
        elif group in known and not known[group]:
            yield Problem(loc, f'nobody is in the group "{group}".')


def _groups(policy: Policy, index: int, rule: Rule, known: Groups) -> Iterator[Problem]:
    """The groups that a rule names."""
    asks: list[tuple[Loc, str]] = []
    if rule.ask != ANYONE:
        asks = [(("rules", index, "ask", position), group) for position, group in enumerate(rule.ask)]
    gives: list[tuple[Loc, str]] = [
        (("rules", index, key, position, "from"), approval.source)
        for key, approvals in (("approvals", rule.approvals), ("override", rule.override))
        for position, approval in enumerate(approvals)
        if approval.source != ANYONE
    ]
    later: list[tuple[Loc, str]] = [
        (("rules", index, "escalate_to", position), group) for position, group in enumerate(rule.escalate_to or ())
    ]
    yield from _missing(chain(asks, gives, later), policy, known)


def _reach(index: int, rule: Rule, known: Groups) -> Iterator[Problem]:
    """A quorum that nobody who may ask could ever find, counting each person once and never the one who asks."""
    if any(not known.get(group, True) for group in _approving(rule)):
        return  # an empty group has been named already
    # Groups that nobody looked up are taken to be large enough.
    wanted = [r for r in overriding(rule) if r.group is None or r.group in known]
    askers: Iterable[Actor] = ()
    if rule.ask != ANYONE and all(group in known for group in rule.ask):
        askers = frozenset(actor for group in rule.ask for actor in known[group])
    if not wanted or any(quorum.reachable(wanted, known, without=(actor,)) for actor in askers):
        return
    if askers or not quorum.reachable(wanted, known):
        people = len({actor.user_id for r in wanted if r.group for actor in known[r.group]})
        there = quantities.count(people, "person is", "people are")
        say = f"{quorum.say(wanted)} cannot be found besides the one who asks: {there} in those groups."
        yield Problem(("rules", index, "override" if rule.override else "approvals"), say)


def _in_time(policy: Policy, index: int, rule: Rule) -> Iterator[Problem]:
    """A reminder or an escalation that would come when the request has expired, or where nobody has to approve."""
    limit = durations.parse(rule.approve_within or policy.defaults.approve_within)
    for key in ("remind_after", "escalate_after"):
        after = getattr(rule, key)
        if after and not rule.approvals:
            yield Problem(("rules", index, key), "nobody has to approve, so nobody waits for it.")
        elif after and durations.parse(after) >= limit:
            say = f"by then the request has expired: it waits {durations.spell(limit.total_seconds())}."
            yield Problem(("rules", index, key), say)


def _approving(rule: Rule) -> set[str]:
    return {approval.source for approval in (*rule.approvals, *rule.override) if approval.source != ANYONE}


def _evals(policy: Policy, catalog: Catalog) -> Iterator[Problem]:
    """A rule that wants evals of services that have none, which would protect nobody; or evals without a bar."""
    tested = {name: service.evals for name, service in catalog.services.items() if service.evals}
    for index, rule in enumerate(policy.rules):
        if rule.evals is None:
            continue
        deploys = rule.match.verbs is None or TESTED in rule.match.verbs
        names = tested if rule.match.services is None else [name for name in tested if name in rule.match.services]
        if not deploys or not names:
            yield Problem(("rules", index, "evals"), "it matches no deploy of a service with evals in the catalogue.")
            continue
        bare = [f"{entry.suite} of {name}" for name in names for entry in tested[name] if entry.threshold is None]
        if bare:
            more = f" and {len(bare) - 1} more" if bare[1:] else ""
            say = f"{bare[0]}{more} has no threshold in the catalogue, so any baseline would do. Give it one, like 0.9."
            yield Problem(("rules", index, "evals"), say)
