"""A9: which of two policies is weaker is told by their verdicts over the catalogue, never by their text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from actions.catalog import Catalog
from approvals import comparison, quorum
from approvals.actor import Actor
from approvals.policy_model import Policy
from approvals.request import Requirement
from approvals.shift import Shift
from bot.cli import policy as commands
from tests.approvals.doubles import PLAYGROUND
from tests.approvals.test_policy_check import CATALOG, REGISTRY

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
Change = Callable[[dict[str, Any]], object]
WEEKEND = {"name": "w", "match": {"environments": ["prod"]}, "zone": "Europe/Athens"}
HOURS = {"weekly": {"from": "fri 16:00", "until": "mon 08:00"}}
SHORTER = {"weekly": {"from": "fri 17:00", "until": "mon 08:00"}}
ESCALATES = {"escalate_after": "30m", "escalate_to": ["engineers"]}


def shifts(change: Change, before: Change = lambda p: None) -> list[Shift]:
    old, new = (yaml.safe_load(PLAYGROUND.read_text()) for _ in range(2))
    before(old)
    before(new)
    change(new)
    return comparison.compare(Policy.model_validate(old), Policy.model_validate(new), CATALOG, REGISTRY, NOW)


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p["rules"][3].update(approvals=[{"from": "sre"}]),
        lambda p: p["rules"][4].update(approvals=[]),
        lambda p: p["rules"][4].update(approvals=[{"from": "engineers"}]),
        lambda p: p["rules"][4].update(approvals=[{"from": "anyone", "count": 5}]),
        lambda p: p["rules"][2].update(ask="anyone"),
        lambda p: p["rules"][0].update(guests=True),
        lambda p: p["rules"].pop(3),
        lambda p: p["rules"].insert(0, p["rules"].pop(4)),
        lambda p: p["rules"][4].update(approve_within="2h"),
        lambda p: p["defaults"].update(run_within="16m"),
        lambda p: p["rules"][4].update(ESCALATES),
        lambda p: p["groups"].update(sre={"usergroup": "S0OTHER"}),
        lambda p: p["delegation"].update(to="anyone"),
        lambda p: p["delegation"].update(longest="13h"),
        lambda p: p["break_glass"].update(who=["engineers"]),
        lambda p: p["break_glass"].update(match={}),
        lambda p: (
            p["rules"].append({"name": "x", "match": {}, "ask": "anyone", "approvals": []})
            or p["rules"][4].update(match={"verbs": ["scale"], "environments": ["prod"]})
        ),
    ],
    ids=range(17),
)
def test_what_lets_something_through_is_weaker(change: Change) -> None:
    """A9: fewer, other or no approvals, more who may ask, guests, another order, more time, another group, a glass."""
    assert any(shift.weaker for shift in shifts(change))


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p["rules"][4].update(approvals=[{"from": "sre", "count": 2}]),
        lambda p: p["rules"][2].update(approvals=[{"from": "engineers"}, {"from": "sre"}]),
        lambda p: p["rules"][1].update(approvals=[{"from": "sre"}]),
        lambda p: p["rules"].pop(1),
        lambda p: p["rules"][4].update(run_within="5m"),
        lambda p: p.update(delegation=None),
        lambda p: p.update(break_glass=None),
        lambda p: p.update(freezes=[WEEKEND | HOURS]),
    ],
    ids=range(8),
)
def test_what_holds_more_back_is_stricter(change: Change) -> None:
    """A9."""
    found = shifts(change)
    assert found
    assert not any(shift.weaker for shift in found)


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p["rules"][4].update(name="another name"),
        lambda p: p["groups"].update(ops=p["groups"]["sre"]) or p["rules"][4].update(approvals=[{"from": "ops"}]),
        lambda p: p["rules"].insert(2, {**p["rules"][1], "name": "twice"}),
        lambda p: p["rules"][4].update(remind_after="5m"),
    ],
    ids=["renamed rule", "renamed group", "said twice", "a reminder"],
)
def test_what_is_only_written_otherwise_changes_nothing(change: Change) -> None:
    """A9: by verdicts, not by text."""
    assert shifts(change) == []


@pytest.mark.parametrize(
    ("before", "after", "weaker"),
    [(HOURS, SHORTER, True), (SHORTER, HOURS, False), (HOURS, None, True), (None, HOURS, False)],
)
def test_a_freeze_is_compared_moment_by_moment(
    before: dict[str, Any] | None, after: dict[str, Any] | None, weaker: bool
) -> None:
    """A9: an hour less on a Friday is weaker, also where summer time changes in between."""
    found = shifts(
        lambda p: p.update(freezes=[WEEKEND | after] if after else []),
        before=lambda p: p.update(freezes=[WEEKEND | before] if before else []),
    )
    assert found
    assert any(shift.weaker for shift in found) is weaker
    assert {shift.environment for shift in found} == {"prod"}


def test_an_eval_that_is_required_no_more_is_weaker() -> None:
    """A9: judged with and without a passing run; nothing but a deploy has a version that one could have passed."""

    def evals(p: dict[str, Any], wanted: str | None) -> None:
        p["rules"][4]["evals"] = wanted

    found = shifts(lambda p: evals(p, None), before=lambda p: evals(p, "required"))
    assert {shift.verb for shift in found if shift.weaker} == {"deploy"}
    assert not any(s.weaker for s in shifts(lambda p: evals(p, "required"), before=lambda p: evals(p, None)))


def test_what_holds_for_services_that_are_still_to_come_is_compared_too() -> None:
    """A9: else it is loosened where every service has a rule of its own, and a new one walks in afterwards."""
    everywhere = {name: {"environments": ["dev"]} for name in CATALOG.services} | {
        "payments": {"environments": ["prod"]}
    }
    catalog = Catalog.model_validate({"environments": {"prod": {}, "dev": {}, "empty": {}}, "services": everywhere})

    def policy(*approvals: dict[str, str]) -> Policy:
        data = yaml.safe_load(PLAYGROUND.read_text())
        guarded = {"name": "others", "match": {"environments": ["prod", "empty"]}, "ask": ["engineers"]}
        data["rules"] = [data["rules"][3], {**guarded, "approvals": list(approvals)}, data["rules"][2]]
        return Policy.model_validate(data)

    found = comparison.compare(policy({"from": "sre"}), policy(), catalog, REGISTRY, NOW)
    assert {(s.service, s.environment) for s in found if s.verb == "scale" and s.weaker} == {
        ("any other service", "prod"),
        ("any other service", "empty"),
    }
    assert comparison.compare(policy(), policy(), catalog, REGISTRY, NOW) == []


def test_members_of_a_list_are_compared_person_by_person() -> None:
    """A9: a shorter list of approvers is stricter, a longer one weaker."""

    def members(*people: str) -> Change:
        return lambda p: p["groups"].update(sre={"members": list(people)})

    assert not any(s.weaker for s in shifts(members("U1"), before=members("U1", "U2")) if s.verb == "scale")
    assert any(s.weaker for s in shifts(members("U1", "U2", "U3"), before=members("U1", "U2")))


def test_the_quorum_of_what_gets_weaker_has_to_agree() -> None:
    """A9: those whose key is taken away, each group as often as the policy in force asks for it."""
    current = Policy.model_validate(yaml.safe_load(PLAYGROUND.read_text()))
    payments = shifts(lambda p: p["rules"][3].update(approvals=[{"from": "sre"}]))
    assert set(comparison.quorum_for(current, payments)) == {
        Requirement(group="sre", count=1),
        Requirement(group="payments-owners", count=1),
    }
    keys = shifts(lambda p: p["delegation"].update(longest="13h"))
    assert {r.group for r in comparison.quorum_for(current, keys)} == {"engineers", "sre", "payments-owners"}


def test_what_gets_weaker_beside_something_else_needs_nobody_less() -> None:
    """A9: what is forbidden takes all groups, also in a file that makes staging weaker as well; and two mean two."""
    current = Policy.model_validate(yaml.safe_load(PLAYGROUND.read_text()))
    both = shifts(lambda p: (p["delegation"].update(longest="13h"), p["rules"][2].update(approvals=[])))
    assert {r.group for r in comparison.quorum_for(current, both)} == {"engineers", "sre", "payments-owners"}

    def wants(*approvals: dict[str, str]) -> Change:
        return lambda p: p["rules"][4].update(approvals=list(approvals), override=[{"from": "sre"}])

    for more in ({"from": "anyone"}, {"from": "sre"}):
        before = wants({"from": "sre"}, more)
        found = shifts(lambda p: p["rules"][4].update(approvals=[], override=[]), before=before)
        needed = comparison.quorum_for(current, found)
        assert sum(r.count for r in needed) == 3, "sre, the other one, and who overrides the eval"


def test_a_rule_that_is_dropped_is_not_brought_back_by_fewer_people() -> None:
    """A9: to forbid is stricter, and yet it may take away the keys without which nothing is let through again."""

    def locked(p: dict[str, Any]) -> None:
        p["rules"] = p["rules"][:3]  # prod is forbidden, and sre asked for nothing

    (lost,) = [shift for shift in shifts(locked) if shift.weaker]
    assert lost.say.endswith("-> one of engineers")
    assert lost.needed == (Requirement(group="sre", count=1), Requirement(group="payments-owners", count=1))
    one = shifts(lambda p: p["rules"].pop(4))
    assert one
    assert not any(shift.weaker for shift in one), "both groups are asked for payments still"


_PLACES = st.lists(
    st.builds(Requirement, group=st.sampled_from([None, "a", "b", "c"]), count=st.integers(1, 3)), max_size=4
)


@given(st.lists(_PLACES, max_size=4), st.lists(st.frozensets(st.sampled_from("abc")), max_size=12))
def test_who_is_enough_for_all_quorums_together_is_enough_for_each(
    quorums: list[list[Requirement]], people: list[frozenset[str]]
) -> None:
    """A9, A3: and nobody is wanted where none of them wants anybody."""
    actors = {Actor(team_id="", user_id=str(number)): groups for number, groups in enumerate(people)}
    seats = {name: frozenset(actor for actor, groups in actors.items() if name in groups) for name in "abc"}
    if not quorum.missing(quorum.together(quorums), actors, seats):
        assert not any(quorum.missing(each, actors, seats) for each in quorums)
    assert bool(quorum.together(quorums)) == any(quorums)


def test_the_command_lists_each_verdict_that_changes(tmp_path: Path) -> None:
    data = yaml.safe_load(PLAYGROUND.read_text())
    data["rules"][3]["approvals"] = [{"from": "sre"}]
    weaker = tmp_path / "weaker.yaml"
    weaker.write_text(yaml.safe_dump(data, sort_keys=False))
    env = {"TWOKEY_CATALOG": str(PLAYGROUND.parent / "catalog.yaml")}

    def diff(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(commands.app, ["diff", *words], env=env)
        return result.exit_code, result.output

    code, said = diff(str(PLAYGROUND), str(weaker))
    assert code == 1
    assert re.match(r"\d+ verdicts change; weaker: it needs ", said), "the sum comes first"
    assert "WEAKER  scale payments in prod, by engineers: one of sre and one of payments-owners within 1h" in said
    assert "it needs one of sre and one of payments-owners." in said
    found = json.loads(diff(str(PLAYGROUND), str(weaker), "--json")[1])
    assert {(c["verb"], c["environment"], c["service"]) for c in found["changes"]} == {
        (verb, "prod", "payments") for verb in ("deploy", "rollback", "scale", "restart", "autoscale")
    } & {(verb.verb, "prod", "payments") for verb in REGISTRY}
    assert diff(str(weaker), str(PLAYGROUND))[0] == 0
    assert diff(str(PLAYGROUND), str(PLAYGROUND)) == (0, "No verdict changes.\n")


def test_others_who_are_asked_sooner_are_weaker_and_later_are_not() -> None:
    """A9: by the moment at which an escalation opens."""
    sooner = {**ESCALATES, "escalate_after": "10m"}
    found = shifts(lambda p: p["rules"][4].update(sooner), lambda p: p["rules"][4].update(ESCALATES))
    assert found
    assert all(shift.weaker for shift in found)
    back = shifts(lambda p: p["rules"][4].update(ESCALATES), lambda p: p["rules"][4].update(sooner))
    assert not any(shift.weaker for shift in back)
