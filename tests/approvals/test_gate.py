"""The life of a request through the gate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from actions.action import Read
from actions.verbs.history import History
from actions.verbs.status import Status
from approvals.gate import NotAllowed
from approvals.policy_model import Policy
from approvals.request import State
from tests.approvals.doubles import ANA, BEN, CARLA, DEV, PAYMENTS, PLAYGROUND, Hands, House, a_house


def test_a_change_in_prod_waits_for_one_of_sre_and_then_runs_once(house: House) -> None:
    request = house.asked()
    assert request.state is State.WAITING
    assert house.gate.approvers(request) == (BEN, CARLA)

    ready = house.gate.decide(request.id, request.plan.digest, BEN, approve=True)
    assert (ready.state, ready.missing) == (State.READY, ())

    done = house.gate.run(request.id)
    assert done.state is State.SUCCEEDED
    assert house.hands.effects == [request.id]
    assert house.kinds() == ["request.submitted", "request.approved", "request.running", "request.succeeded"]
    assert house.ledger.get(request.id) == done.model_copy(update={"outcome": house.ledger.get(request.id).outcome})


def test_dev_needs_nobody(house: House) -> None:
    request = house.asked(DEV)
    assert request.state is State.READY
    assert house.gate.run(request.id).state is State.SUCCEEDED


def test_payments_in_prod_needs_two_different_people(house: House) -> None:
    request = house.asked(PAYMENTS)
    half = house.gate.decide(request.id, request.plan.digest, CARLA, approve=True)
    assert half.state is State.WAITING
    assert [r.group for r in half.missing] == ["sre"]
    assert house.gate.approvers(half) == (BEN,)
    assert house.gate.decide(request.id, request.plan.digest, BEN, approve=True).state is State.READY


def test_a_read_is_answered_at_once_and_recorded_without_its_content(house: House) -> None:
    outcome = house.gate.ask(Status(service="checkout", environment="prod"), ANA, lambda step: None)
    assert outcome.ok
    assert house.kinds() == ["read.answered"]
    assert "pixels" not in str([entry.body for entry in house.ledger.entries()])


class ManyPlaces(Hands):
    """Hands for which a look stands for a look at each environment of checkout."""

    def parts(self, action: Read) -> Iterator[Read]:
        for environment in ("dev", "staging", "prod"):
            yield action.model_copy(update={"environment": environment})


def test_a_look_at_many_places_has_to_be_allowed_at_each_of_them(tmp_path: Path) -> None:
    """A8: no rule is passed by leaving the place out."""
    data = yaml.safe_load(PLAYGROUND.read_text())
    careful = {"name": "prod is for sre", "match": {"risk": ["read"], "environments": ["prod"]}, "ask": ["sre"]}
    data["rules"].insert(0, {**careful, "approvals": []})
    house = a_house(tmp_path / "t.db", rules=Policy.model_validate(data), hands=ManyPlaces())
    everywhere = History(service="checkout")
    with pytest.raises(NotAllowed, match="Only members of sre"):
        house.gate.ask(everywhere, ANA, lambda step: None)
    assert house.hands.answered == 0
    assert house.gate.ask(everywhere, BEN, lambda step: None).ok
