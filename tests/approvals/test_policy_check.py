"""A7: what can never work is refused when the policy loads. And the counting that this rests on."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions import catalog, yamlfile
from actions.errors import ConfigError
from actions.registry import Registry
from actions.verbs import VERBS
from approvals import policy, quorum
from approvals.actor import Actor
from approvals.policy import Policy
from approvals.request import Requirement
from tests.approvals.doubles import ANA, BEN, CARLA, GROUPS, PLAYGROUND, Folk

CATALOG = catalog.load(PLAYGROUND.parent / "catalog.yaml")
REGISTRY = Registry(VERBS)
GROUP_LINES = "groups: {a: {members: [U0A]}, b: {members: [U0A]}, ab: {members: [U0A, U0B]}, away: {usergroup: S0X}}\n"


def complaints(rules: str, groups: quorum.Groups | None = None) -> list[str]:
    read = yamlfile.parse(GROUP_LINES + rules, Policy, "policy.yaml")
    return [f"{p.key}: {p.say}" for p in policy.check(read, CATALOG, REGISTRY, groups)]


def rule(name: str = "r", match: str = "{}", ask: str = "anyone", approvals: str = "[]") -> str:
    return f"  - {{name: {name}, match: {match}, ask: {ask}, approvals: {approvals}}}\n"


def test_the_playground_is_without_fault() -> None:
    """A7."""
    read = policy.load(PLAYGROUND)
    assert policy.check(read, CATALOG, REGISTRY) == []
    assert policy.check(read, CATALOG, REGISTRY, policy.membership(read, Folk())) == []


@pytest.mark.parametrize(
    ("rules", "complaint"),
    [
        (rule(approvals="[{from: nobody}]"), 'rules.0.approvals.0.from: there is no group "nobody"'),
        (rule(ask="[nobody]"), 'rules.0.ask.0: there is no group "nobody"'),
        (rule(approvals="[{from: a, count: 2}]"), "rules.0.approvals: 2 of a cannot be found"),
        (rule(approvals="[{from: a}, {from: b}]"), "one of a and one of b cannot be found"),  # both are one person
        (rule(approvals="[{from: ab, count: 2}, {from: a}]"), "cannot be found"),
        (rule(ask="[a]", approvals="[{from: b}]"), "besides the one who asks"),  # only one's own approval is left
        (rule(match="{verbs: [explode]}"), 'rules.0.match.verbs.0: there is no action "explode"'),
        (rule(match="{services: [chekout]}"), 'rules.0.match.services.0: there is no service "chekout"'),
        (rule(match="{environments: [qa]}"), 'rules.0.match.environments.0: there is no environment "qa"'),
        (rule(match="{services: [payments], environments: [dev]}"), "nothing in the catalogue fits this"),
        (rule("one") + rule("two", "{environments: [prod]}"), '"one" before it takes all that this matches'),
        (
            rule("low", "{risk: [read, low]}") + rule("high", "{risk: [high]}") + rule("rest"),
            '"high" and "low" before it take',
        ),
    ],
)
def test_what_can_never_work_is_named_with_its_key(rules: str, complaint: str) -> None:
    """A7: quorum out of reach, empty or unknown group, dead rule, overlap that needs more people than there are."""
    found = complaints(f"rules:\n{rules}")
    parts = complaint.split('"high" and "low"') if '"high" and "low"' in complaint else [complaint]
    assert any(all(part.split(" before it take")[0] in line for part in parts) for line in found), found


EVALS = "rules: [{{name: r, match: {match}, ask: anyone, approvals: [{{from: a}}], evals: required, override: {over}}}]"


@pytest.mark.parametrize(
    ("match", "over", "complaint"),
    [
        ("{services: [checkout]}", "[]", "rules.0.evals: it matches no deploy of a service with evals"),
        ("{verbs: [scale]}", "[]", "rules.0.evals: it matches no deploy"),
        ("{}", "[{from: nobody}]", 'rules.0.override.0.from: there is no group "nobody"'),
        ("{}", "[{from: b}]", "rules.0.override: one of a and one of b cannot be found"),
    ],
)
def test_an_eval_that_protects_nobody_or_that_nobody_can_override_is_named(
    match: str, over: str, complaint: str
) -> None:
    """A7: both are one person, so that the override could never be given beside the approval."""
    assert any(line.startswith(complaint) for line in complaints(EVALS.format(match=match, over=over)))


def test_a_rule_that_rests_on_evals_without_a_threshold_is_named() -> None:
    """A7: no run of such a suite lets anything through, since whoever runs it names what it is held against."""
    entries = {"bot": [catalog.EvalSuite(suite="tone")], "other": [catalog.EvalSuite(suite="facts", threshold=0.9)]}
    services = {name: catalog.Service(evals=tuple(suites)) for name, suites in entries.items()}
    known = catalog.Catalog(environments=CATALOG.environments, services=services)
    for match, named in (("{}", True), ("{services: [bot]}", True), ("{services: [other]}", False)):
        read = yamlfile.parse(GROUP_LINES + EVALS.format(match=match, over="[]"), Policy, "policy.yaml")
        found = [p.say for p in policy.check(read, known, REGISTRY) if p.key == "rules.0.evals"]
        assert (
            found
            == ["tone of bot has no threshold in the catalogue, so any baseline would do. Give it one, like 0.9."]
            * named
        )


def test_an_override_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="override is for what evals requires"):
        complaints("rules: [{name: r, match: {}, ask: anyone, approvals: [], override: [{from: a}]}]")


def test_what_can_work_is_not_complained_about() -> None:
    for good in ("[{from: ab, count: 2}]", "[{from: a}, {from: ab}]", "[{from: away, count: 9}]", "[{from: anyone}]"):
        assert complaints(f"rules:\n{rule(approvals=good)}") == []
    assert complaints(EVALS.format(match="{}", over="[{from: ab}]")) == []
    assert complaints(f"rules:\n{rule(ask='[ab]', approvals='[{from: ab}]')}") == []


def test_an_empty_group_is_refused_once_somebody_looked() -> None:
    """A7: a user group that holds nobody, or not enough, when the program starts."""
    away = f"rules:\n{rule(approvals='[{from: away, count: 2}]')}"
    assert complaints(away) == []
    assert complaints(away, {"away": frozenset()}) == [
        'rules.0.approvals.0.from: nobody is in the group "away".',
    ]
    assert "cannot be found" in complaints(away, {"away": frozenset({ANA})})[0]


def test_a_policy_without_rules_is_refused_when_it_loads() -> None:
    """A7, A8."""
    assert complaints("") == ["rules: there is no rule, so everything is forbidden."]


def test_a_wrong_policy_does_not_load_and_says_file_line_and_key(tmp_path: Path) -> None:
    """A7."""
    file = tmp_path / "policy.yaml"
    file.write_text(f"{GROUP_LINES}rules:\n{rule('fine', '{environments: [dev]}')}{rule(approvals='[{from: sree}]')}")
    with pytest.raises(ConfigError) as refused:
        policy.load_checked(file, CATALOG, REGISTRY)
    assert f'{file}:4: rules.1.approvals.0.from: there is no group "sree"' in refused.value.say
    assert policy.load_checked(PLAYGROUND, CATALOG, REGISTRY).version == policy.load(PLAYGROUND).version


def test_ten_thousand_services_are_checked_without_crossing_them_all() -> None:
    many = {f"s{n}": catalog.Service() for n in range(10_000)}
    large = catalog.Catalog(environments=CATALOG.environments, services={**CATALOG.services, **many})
    assert policy.check(policy.load(PLAYGROUND), large, REGISTRY) == []


PEOPLE = tuple(Actor(team_id="T", user_id=f"U{n}") for n in range(5))
some = st.frozensets(st.sampled_from(PEOPLE))
requirements = st.lists(
    st.builds(Requirement, group=st.sampled_from(["x", "y", "z", None]), count=st.integers(1, 2)), max_size=3
)


def fewest_missing(needs: list[Requirement], people: frozenset[Actor], groups: quorum.Groups) -> int:
    """By trying every way to seat the people: slow, and obviously right."""
    places = [r.group for r in needs for _ in range(r.count)]
    seats = [*people, *([None] * len(places))]
    best = len(places)
    for seating in set(permutations(seats, len(places))) if len(places) <= 4 else ():
        filled = sum(p is not None and (g is None or p in groups[g]) for p, g in zip(seating, places, strict=True))
        best = min(best, len(places) - filled)
    return best


@given(requirements.filter(lambda r: sum(x.count for x in r) <= 4), some, some, some, some)
def test_one_person_fills_one_place_and_as_many_places_as_possible_are_filled(
    needs: list[Requirement],
    people: frozenset[Actor],
    x: frozenset[Actor],
    y: frozenset[Actor],
    z: frozenset[Actor],
) -> None:
    """A7, A5: the count of what is missing equals that of an exhaustive search."""
    groups = {"x": x, "y": y, "z": z}
    left = quorum.missing(needs, people, groups)
    assert sum(r.count for r in left) == fewest_missing(needs, people, groups)


def test_somebody_in_two_groups_is_put_where_fewest_others_could_be() -> None:
    needs = (Requirement(group="sre", count=1), Requirement(group="payments-owners", count=1))
    assert quorum.missing(needs, [CARLA], GROUPS) == (Requirement(group="sre", count=1),)
    assert quorum.missing(needs, [BEN], GROUPS) == (Requirement(group="payments-owners", count=1),)
    assert quorum.missing(needs, [CARLA, BEN], GROUPS) == ()


def test_one_person_in_two_workspaces_counts_once() -> None:
    """A4, A5: an alias of an approver is the same approver."""
    alias = Actor(team_id="T1OTHER", user_id=BEN.user_id)
    assert quorum.missing([Requirement(group=None, count=2)], [BEN, alias], {}) == (Requirement(group=None, count=1),)


def test_somebody_who_was_put_in_one_place_moves_to_another_where_that_helps() -> None:
    """A7: first come, first seated would leave a place empty that could be filled."""
    first, second, third, fourth = PEOPLE[:4]
    groups = {"x": frozenset({first, second}), "y": frozenset({first, third, fourth})}
    needs = [Requirement(group="x", count=1), Requirement(group="y", count=1)]
    for approvers in ([first, second], [second, first]):
        assert quorum.missing(needs, approvers, groups) == ()
