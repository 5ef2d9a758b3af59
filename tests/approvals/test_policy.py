"""What the policy says, and how it says that a file is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from actions import yamlfile
from actions.action import Action
from actions.catalog import Catalog
from actions.errors import ConfigError
from actions.verbs.deploy import Deploy
from actions.verbs.restart import Restart
from actions.verbs.rollback import Rollback
from actions.verbs.run_eval import RunEval
from actions.verbs.status import Status
from approvals import policy
from approvals.actor import Actor
from approvals.policy import Allowed, Forbidden, NeedsApproval, Policy, Subject
from tests.approvals.doubles import ANA, BEN, CARLA, DORA, GROUPS, PLAYGROUND, SCALE

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


def read(text: str) -> Policy:
    return yamlfile.parse(text, Policy, "policy.yaml")


@pytest.fixture(scope="module")
def playground() -> Policy:
    return policy.load(PLAYGROUND)


def test_the_playground_lets_everybody_read(playground: Policy) -> None:
    reads: tuple[Action, ...] = (
        Status(service="payments", environment="prod"),
        RunEval(suite="support-quality", candidate="2.1"),
    )
    for actor, action in product((ANA, DORA), reads):
        assert isinstance(policy.judge(playground, action, actor, {}, NOW), Allowed)


@pytest.mark.parametrize(
    ("service", "environment", "needs"),
    [
        ("checkout", "dev", []),
        ("checkout", "staging", [("engineers", 1)]),
        ("checkout", "prod", [("sre", 1)]),
        ("payments", "staging", [("engineers", 1)]),
        ("payments", "prod", [("sre", 1), ("payments-owners", 1)]),
    ],
)
def test_the_playground_asks_for_the_agreement_that_the_design_names(
    playground: Policy, service: str, environment: str, needs: list[tuple[str, int]]
) -> None:
    said = policy.judge(playground, Restart(service=service, environment=environment), ANA, GROUPS, NOW)
    if not needs:
        assert isinstance(said, Allowed)
        return
    assert isinstance(said, NeedsApproval)
    assert [(r.group, r.count) for r in said.requirements] == needs
    assert (said.approve_within, said.run_within) == (timedelta(hours=1), timedelta(minutes=15))


def test_whom_the_policy_does_not_name_may_not_ask(playground: Policy) -> None:
    for environment in ("dev", "staging", "prod"):
        said = policy.judge(playground, Restart(service="cart", environment=environment), DORA, GROUPS, NOW)
        assert isinstance(said, Forbidden)
        assert "engineers" in said.say


def test_an_empty_policy_refuses_everything() -> None:
    """A8: fail closed, reads included."""
    for action in (SCALE, Status(service="checkout", environment="prod")):
        assert isinstance(policy.judge(Policy(), action, ANA, GROUPS, NOW), Forbidden)


def test_what_no_rule_matches_is_forbidden(playground: Policy) -> None:
    """A8: an environment that the policy does not know."""
    said = policy.judge(playground, Restart(service="cart", environment="qa"), ANA, GROUPS, NOW)
    assert said == Forbidden("", "No rule of the policy allows restart cart in qa, so it is forbidden.")


def test_a_group_that_was_not_looked_up_has_nobody_in_it(playground: Policy) -> None:
    """A8: the judgement of somebody whose membership is unknown is no."""
    for environment in ("dev", "staging", "prod"):
        said = policy.judge(playground, Restart(service="cart", environment=environment), ANA, {}, NOW)
        assert isinstance(said, Forbidden)
        assert "Only members of engineers" in said.say


def test_a_quorum_that_needs_the_requester_is_refused_when_it_is_asked_for(playground: Policy) -> None:
    """A4, A7: carla is the only payments owner, so she cannot ask for payments in prod herself."""
    said = policy.judge(playground, Restart(service="payments", environment="prod"), CARLA, GROUPS, NOW)
    assert isinstance(said, Forbidden)
    assert "Let somebody else ask" in said.say


@given(st.permutations(["reads are free", "dev needs nobody", "payments in prod", "one of sre for prod"]))
def test_the_first_rule_that_matches_decides(order: list[str]) -> None:
    playground = policy.load(PLAYGROUND)
    rules = {rule.name: rule for rule in playground.rules}
    shuffled = playground.model_copy(update={"rules": tuple(rules[name] for name in order)})
    said = policy.judge(shuffled, Restart(service="payments", environment="prod"), ANA, GROUPS, NOW)
    fitting = [name for name in order if name in {"payments in prod", "one of sre for prod"}]
    assert said.rule == fitting[0]


FROZEN = """
groups: {engineers: {usergroup: S0E}}
rules:
  - {name: all, match: {}, ask: [engineers], approvals: []}
freezes:
  - name: weekend
    match: {environments: [prod]}
    exempt: [{verbs: [rollback]}]
    zone: Europe/Athens
    weekly: {from: fri 16:00, until: mon 08:00}
  - name: year end
    match: {environments: [prod]}
    once: {from: 2026-12-23 18:00, until: 2027-01-05 08:00}
    zone: Europe/Athens
"""


@pytest.mark.parametrize(
    ("at", "frozen"),
    [
        ("2026-11-06T13:59:59+00:00", False),  # Friday 15:59:59 in Athens
        ("2026-11-06T14:00:00+00:00", True),
        ("2026-11-09T05:59:59+00:00", True),  # Monday 07:59:59
        ("2026-11-09T06:00:00+00:00", False),
        ("2026-07-03T13:00:00+00:00", True),  # in summer Athens is an hour further: Friday 16:00
        ("2026-07-03T12:59:59+00:00", False),
    ],
)
def test_a_weekly_freeze_follows_its_own_time_zone(at: str, frozen: bool) -> None:
    said = policy.judge(read(FROZEN), SCALE, ANA, GROUPS, datetime.fromisoformat(at))
    assert isinstance(said, Forbidden) == frozen
    if isinstance(said, Forbidden):
        assert "weekend" in said.say
        assert "mon 08:00 (Europe/Athens)" in said.say


def test_a_freeze_spares_what_it_exempts_and_what_only_reads() -> None:
    frozen = datetime(2026, 11, 7, 12, tzinfo=UTC)
    rollback, status = Rollback(service="cart", environment="prod"), Status(service="cart", environment="prod")
    assert isinstance(policy.judge(read(FROZEN), rollback, ANA, GROUPS, frozen), Allowed)
    assert isinstance(policy.judge(read(FROZEN), status, ANA, GROUPS, frozen), Allowed)
    assert isinstance(
        policy.judge(read(FROZEN), Deploy(service="cart", environment="dev", version="1"), ANA, GROUPS, frozen), Allowed
    )


@pytest.mark.parametrize(
    ("at", "frozen"),
    [
        ("2026-12-23T15:59:59+00:00", False),
        ("2026-12-23T16:00:00+00:00", True),
        ("2027-01-05T05:59:59+00:00", True),
        ("2027-01-05T06:00:00+00:00", False),
    ],
)
def test_a_single_freeze_begins_and_ends_at_its_local_times(at: str, frozen: bool) -> None:
    said = policy.judge(read(FROZEN), SCALE, ANA, GROUPS, datetime.fromisoformat(at))
    assert isinstance(said, Forbidden) == frozen


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("rules:\n  - name: a\n    match: {}\n    approvals: []\n", "policy.yaml:2: rules.0.ask: Field required"),
        ("rules:\n  - name: a\n    match: {}\n    ask: anyone\n", "rules.0.approvals: Field required"),
        ("rules:\n  - {name: a, match: {}, ask: [sre], guests: true, approvals: []}\n", "only where ask is anyone"),
        ("groups:\n  sre: {}\n", "policy.yaml:2: groups.sre: say either usergroup or members"),
        ("groups:\n  sre: {members: []}\n", "groups.sre.members"),
        ("groups:\n  anyone: {usergroup: S0X}\n", '"anyone" means everybody'),
        ("rulez: []\n", "policy.yaml:1: rulez: there is no such key"),
        ("defaults:\n  approve_within: soon\n", 'policy.yaml:2: defaults.approve_within: "soon" is no duration'),
        ("freezes:\n  - {name: x, zone: Mars/Olympus, weekly: {from: fri 16:00, until: mon 08:00}}\n", "Mars/Olympus"),
        ("freezes:\n  - {name: x}\n", "say either once or weekly"),
        ("freezes:\n  - {name: x, once: {from: 2026-12-20 18:00, until: 2026-12-20 18:00}}\n", "until has to come"),
        ("freezes:\n  - {name: x, weekly: {from: fri 16:00, until: fri 16:00}}\n", "the same moment"),
        ("rules:\n  - {name: a, match: {risk: [scary]}, ask: anyone, approvals: []}\n", "rules.0.match.risk.0"),
        ("rules:\n  - {name: a, match: {}, ask: anyone, approvals: [{from: sre, count: 0}]}\n", "approvals.0.count"),
        ("rules:\n" + 2 * "  - {name: a, match: {}, ask: anyone, approvals: []}\n", 'two rules are called "a"'),
        ("rules: []\nrules: []\n", "policy.yaml:2: rules: the key is there twice"),
        ("groups: [\n", "policy.yaml:2: is no valid YAML"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_line_and_key(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(text)
    assert complaint in refused.value.say


def test_the_version_is_that_of_the_content_not_of_its_spelling(playground: Policy) -> None:
    """A1: every difference in what holds is another version; comments and order of keys are not."""
    text = PLAYGROUND.read_text()
    assert read(f"# another comment\n{text}").version == playground.version
    turned = dict(reversed(list(yaml.safe_load(text).items())))
    assert Policy.model_validate(turned).version == playground.version
    for before, after in (("count: 1", "count: 2"), ("1h", "2h"), ("S0SRE", "S0OPS"), ("[dev]", "[staging]")):
        assert read(text.replace(before, after)).version != playground.version


def test_an_explanation_says_which_rule_who_could_and_why(playground: Policy) -> None:
    told = policy.explain(playground, Subject.of(SCALE), ANA, GROUPS, NOW)
    assert told.verdict == policy.judge(playground, SCALE, ANA, GROUPS, NOW)
    words = "\n".join(told.lines)
    assert 'Rule 5 of 5, "one of sre for prod"' in words
    assert "Of sre could approve: U0BEN, U0CARLA." in words


def test_an_explanation_never_lists_the_one_who_asks_among_those_who_could_approve(playground: Policy) -> None:
    """A4."""
    told = policy.explain(playground, Subject.of(SCALE), BEN, GROUPS, NOW)
    assert "Of sre could approve: U0CARLA." in "\n".join(told.lines)


def test_the_explanation_of_a_refusal_is_the_refusal(playground: Policy) -> None:
    stranger = Actor(team_id="T", user_id="U")
    told = policy.explain(playground, Subject.of(SCALE), stranger, GROUPS, NOW)
    assert isinstance(told.verdict, Forbidden)
    assert told.verdict.say in told.lines


@pytest.mark.parametrize(
    ("file", "model"), [("approvals/policy.schema.json", Policy), ("actions/catalog.schema.json", Catalog)]
)
def test_published_schemas_are_fresh(file: str, model: type[Policy] | type[Catalog]) -> None:
    """After a change: `twokey policy schema > approvals/policy.schema.json`, with --catalog for the other."""
    assert (ROOT / file).read_text() == yamlfile.schema(model)


def test_the_published_schema_accepts_the_playground_and_refuses_a_misspelling() -> None:
    schema = yaml.safe_load((ROOT / "approvals/policy.schema.json").read_text())
    data = yaml.safe_load(PLAYGROUND.read_text())
    jsonschema.Draft202012Validator(schema).validate(data)
    data["rules"][0]["aproovals"] = []
    assert not jsonschema.Draft202012Validator(schema).is_valid(data)


@pytest.mark.parametrize(
    ("at", "frozen"),
    [
        ("2026-10-24T23:59:59+00:00", False),  # Sunday 02:59:59 in Athens, in summer time
        ("2026-10-25T00:00:00+00:00", True),  # 03:00, the first of two
        ("2026-10-25T00:59:59+00:00", True),
        ("2026-10-25T01:30:00+00:00", True),  # 03:30 once more, now in winter time: the later one closes it
        ("2026-10-25T02:00:00+00:00", False),  # 04:00
    ],
)
def test_where_the_clock_is_set_back_a_freeze_lasts_over_both_of_the_hours(at: str, frozen: bool) -> None:
    """A3: a local time that comes twice is frozen both times, also where nobody else has to approve."""
    text = FROZEN.replace("{from: fri 16:00, until: mon 08:00}", "{from: sun 03:00, until: sun 04:00}")
    said = policy.judge(read(text), SCALE, ANA, GROUPS, datetime.fromisoformat(at))
    assert isinstance(said, Forbidden) == frozen
    once = text.replace(
        "{from: 2026-12-23 18:00, until: 2027-01-05 08:00}", "{from: 2026-10-25 03:00, until: 2026-10-25 04:00}"
    )
    said = policy.judge(read(once), SCALE, ANA, GROUPS, datetime.fromisoformat(at))
    assert isinstance(said, Forbidden) == frozen


@pytest.mark.parametrize(
    ("at", "frozen"),
    [("2026-03-29T00:29:59+00:00", False), ("2026-03-29T00:59:59+00:00", True), ("2026-03-29T01:00:00+00:00", False)],
)
def test_where_the_clock_is_set_ahead_a_freeze_ends_with_the_hour_that_is_left_out(at: str, frozen: bool) -> None:
    """A3: 02:30 to 03:30 in Athens, where 03:00 is followed by 04:00; half an hour of it exists."""
    text = FROZEN.replace("{from: fri 16:00, until: mon 08:00}", "{from: sun 02:30, until: sun 03:30}")
    said = policy.judge(read(text), SCALE, ANA, GROUPS, datetime.fromisoformat(at))
    assert isinstance(said, Forbidden) == frozen
