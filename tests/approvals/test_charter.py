"""A9: the policy in force is the store's; a weaker one comes into force by the quorum of the one before, or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from sqlalchemy import text

from actions.registry import Registry
from actions.verbs import VERBS
from approvals.actor import Actor, DirectoryDown
from approvals.amendment import Amendment
from approvals.ballot import DecisionRefused
from approvals.charter import Charter, ForgedPolicy, NoPolicy
from approvals.gate import Gate
from approvals.policy_model import Policy
from approvals.request import State
from approvals.store import writing
from tests.approvals.doubles import ANA, BEN, BOT, CARLA, DORA, PLAYGROUND, SCALE, House, in_threads
from tests.approvals.test_policy_check import CATALOG

REGISTRY = Registry(VERBS)
Change = Callable[[dict[str, Any]], object]


def a_policy(change: Change = lambda p: None) -> Policy:
    data = yaml.safe_load(PLAYGROUND.read_text())
    change(data)
    return Policy.model_validate(data)


FIRST = a_policy()
WEAKER = a_policy(lambda p: p["rules"][4].update(approvals=[]))  # prod needs nobody
STRICTER = a_policy(lambda p: p["rules"][4].update(approve_within="30m"))


def a_charter(house: House) -> Charter:
    return Charter(house.ledger, CATALOG, REGISTRY)


def a_gate(house: House, charter: Charter) -> Gate:
    """A process that judges by what the store says."""
    return Gate(charter.in_force, house.folk, house.ledger, house.hands, REGISTRY, house.clock)


def an_amendment(house: House, charter: Charter) -> Amendment:
    return Amendment(charter, house.folk, house.ledger)


@pytest.fixture
def charter(house: House) -> Charter:
    made = a_charter(house)
    assert made.put_forward(FIRST) is None
    return made


@pytest.fixture
def held(charter: Charter) -> str:
    """The id of a weaker policy that is held back."""
    draft = charter.put_forward(WEAKER)
    assert draft is not None
    return draft.id


def test_the_first_policy_is_adopted_and_the_log_has_its_text(house: House, charter: Charter) -> None:
    (entry,) = house.ledger.entries()
    assert entry.fields["kind"] == "policy.adopted"
    assert Policy.model_validate(entry.fields["data"]["policy"]) == FIRST
    assert (charter.in_force().version, entry.fields["data"]["before"]) == (FIRST.version, None)


def test_an_equal_policy_changes_nothing(house: House, charter: Charter) -> None:
    assert a_charter(house).put_forward(a_policy()) is None
    assert house.kinds() == ["policy.adopted"]


def test_a_stricter_policy_is_adopted_at_once_and_by_every_process(house: House, charter: Charter) -> None:
    other = a_charter(house)
    assert other.in_force().version == FIRST.version
    assert charter.put_forward(STRICTER) is None
    assert other.in_force().version == STRICTER.version
    assert house.kinds() == ["policy.adopted", "policy.adopted"]


def test_a_weaker_policy_is_held_back_once_by_however_many_processes(house: House, charter: Charter) -> None:
    """A9: no file weakens anything by itself, and restarts and replicas hold it back once."""
    in_threads(*(lambda: a_charter(house).put_forward(WEAKER) for _ in range(4)))
    assert charter.put_forward(WEAKER) is not None
    assert a_charter(house).in_force().version == FIRST.version
    assert house.kinds() == ["policy.adopted", "policy.held_back"]
    (draft,) = charter.drafts()
    assert any(line.startswith("WEAKER  scale") and "-> nobody else" in line for line in draft.lines)


def test_one_asks_and_the_quorum_of_the_policy_in_force_approves(house: House, charter: Charter, held: str) -> None:
    """A9: both groups that the old policy asked for; then every process judges by the new one."""
    draft = charter.put_forward(a_policy(lambda p: [p["rules"][n].update(approvals=[]) for n in (3, 4)]))
    assert draft is not None
    assert [r.group for r in draft.needs] == ["sre", "payments-owners"]
    amendment, other = an_amendment(house, charter), a_charter(house)
    amendment.ask(draft.id, ANA)
    first = amendment.approve(draft.id, BEN)
    assert not first.adopted
    assert [r.group for r in first.left] == ["payments-owners"]
    assert other.in_force().version == FIRST.version
    assert amendment.approve(draft.id, CARLA).adopted
    assert other.in_force().version == draft.policy.version
    last = list(house.ledger.entries())[-1].fields
    assert (last["kind"], last["data"]["by"]) == ("policy.adopted", [BEN.user_id, CARLA.user_id])


@pytest.mark.parametrize("who", [ANA, DORA, BOT], ids=["in no such group", "in no group", "no person"])
def test_who_is_not_of_the_quorum_approves_and_denies_nothing(
    house: House, charter: Charter, held: str, who: Actor
) -> None:
    """A9."""
    amendment = an_amendment(house, charter)
    amendment.ask(held, CARLA)
    for speak in (amendment.approve, amendment.deny):
        with pytest.raises(DecisionRefused):
            speak(held, who)
    assert charter.in_force().version == FIRST.version
    assert house.kinds()[-1] == "attempt.refused"


def test_nobody_approves_who_asked_and_nothing_is_approved_that_nobody_asked_for(
    house: House, charter: Charter, held: str
) -> None:
    """A4."""
    amendment = an_amendment(house, charter)
    with pytest.raises(DecisionRefused, match="Nobody asks"):
        amendment.approve(held, BEN)
    amendment.ask(held, BEN)
    with pytest.raises(DecisionRefused, match="somebody else"):
        amendment.approve(held, BEN)
    elsewhere = BEN.model_copy(update={"team_id": "T0OTHER"})
    house.folk.people.add(elsewhere)
    with pytest.raises(DecisionRefused, match="somebody else"):
        amendment.approve(held, elsewhere)
    assert charter.in_force().version == FIRST.version


def test_one_person_counts_once(house: House) -> None:
    """A5."""
    charter, amendment = a_charter(house), an_amendment(house, a_charter(house))
    charter.put_forward(a_policy(lambda p: p["rules"][4].update(approvals=[{"from": "sre", "count": 2}])))
    draft = charter.put_forward(WEAKER)
    assert draft is not None
    amendment.ask(draft.id, ANA)
    amendment.approve(draft.id, BEN)
    with pytest.raises(DecisionRefused, match="already decided"):
        amendment.approve(draft.id, BEN)
    assert charter.in_force().version != WEAKER.version


def test_a_deny_and_the_end_of_its_time_leave_it_out(house: House, charter: Charter, held: str) -> None:
    """A5, A6: both end what was asked; then it has to be asked for again."""
    amendment = an_amendment(house, charter)
    amendment.ask(held, ANA)
    amendment.deny(held, BEN)
    with pytest.raises(DecisionRefused, match="Nobody asks"):
        amendment.approve(held, CARLA)
    amendment.ask(held, ANA)
    house.clock.advance(7200)
    with pytest.raises(DecisionRefused, match="Nobody asks"):
        amendment.approve(held, CARLA)
    assert charter.in_force().version == FIRST.version


def test_an_agreement_is_used_up_and_holds_only_against_the_policy_it_was_given_under(
    house: House, charter: Charter, held: str
) -> None:
    """A1, A9: the same file needs a new agreement when the old policy came back meanwhile."""
    amendment = an_amendment(house, charter)
    amendment.ask(held, ANA)
    assert amendment.approve(held, BEN).adopted
    assert charter.put_forward(FIRST) is None  # stricter again
    with pytest.raises(DecisionRefused, match="Nobody asks"):
        amendment.approve(held, CARLA)
    amendment.ask(held, ANA)
    assert charter.put_forward(STRICTER) is None
    with pytest.raises(DecisionRefused, match="No such policy"):
        amendment.approve(held, CARLA)
    assert charter.in_force().version == STRICTER.version


def test_who_left_the_group_counts_no_more(house: House) -> None:
    """A3: whoever approved is looked up again when the last one does."""
    charter, amendment = a_charter(house), an_amendment(house, a_charter(house))
    charter.put_forward(a_policy(lambda p: p["rules"][4].update(approvals=[{"from": "engineers", "count": 2}])))
    draft = charter.put_forward(WEAKER)
    assert draft is not None
    amendment.ask(draft.id, ANA)
    amendment.approve(draft.id, BEN)
    house.folk.groups["engineers"] = frozenset({ANA, CARLA})
    assert not amendment.approve(draft.id, CARLA).adopted


def test_with_the_directory_down_nothing_is_approved(house: House, charter: Charter, held: str) -> None:
    """A8."""
    amendment = an_amendment(house, charter)
    amendment.ask(held, ANA)
    house.folk.down = True
    with pytest.raises(DirectoryDown):
        amendment.approve(held, BEN)
    assert charter.in_force().version == FIRST.version


def test_a_runner_judges_by_the_store_and_what_waited_under_the_old_policy_is_stale(
    house: House, charter: Charter, held: str
) -> None:
    """A1, A9: approved under one policy, it does not run under the next one."""
    gateway, runner = a_gate(house, charter), a_gate(house, a_charter(house))
    request = gateway.submit(SCALE, ANA, {})
    gateway.decide(request.id, request.plan.digest, BEN, approve=True)
    amendment = an_amendment(house, charter)
    amendment.ask(held, ANA)
    amendment.approve(held, BEN)
    assert runner.run(request.id).state is State.STALE
    assert house.hands.effects == []
    assert gateway.submit(SCALE, ANA, {}).state is State.READY


def test_a_policy_that_comes_between_the_look_and_the_start_stops_it(house: House, charter: Charter) -> None:
    """A3: the policy is read again inside the transaction that starts a run."""
    gate = a_gate(house, charter)
    request = gate.submit(SCALE, ANA, {})
    gate.decide(request.id, request.plan.digest, BEN, approve=True)
    looked = house.folk.is_person
    asked: list[Actor] = []

    def is_person(actor: Actor) -> bool:
        if not asked:
            asked.append(actor)
            assert a_charter(house).put_forward(STRICTER) is None
        return looked(actor)

    house.folk.is_person = is_person  # type: ignore[method-assign]
    assert gate.run(request.id).state is State.STALE
    assert house.hands.effects == []


def test_without_a_policy_in_force_nothing_is_judged(house: House) -> None:
    """A8."""
    with pytest.raises(NoPolicy):
        a_gate(house, a_charter(house)).submit(SCALE, ANA, {})


def test_a_policy_that_the_log_did_not_adopt_is_not_followed(house: House, charter: Charter) -> None:
    """A9: who can add a row and no entry changes no judgement."""
    house.ledger.note("service.started")
    with writing(house.engine) as connection:
        connection.execute(text("INSERT INTO policies SELECT 2, version, content FROM policies"))
    with pytest.raises(ForgedPolicy):
        charter.in_force()
