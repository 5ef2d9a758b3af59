"""A9: the policy in force is the store's; a weaker one comes into force by the quorum of the one before, or not."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import yaml
from sqlalchemy import insert, text

from actions.action import Action
from actions.registry import Registry
from actions.verbs import VERBS
from approvals import tables
from approvals.actor import Actor, DirectoryDown
from approvals.charter import Charter, NoPolicy
from approvals.gate import Gate
from approvals.moves import Outrun
from approvals.policy_model import Policy
from approvals.request import Requirement, State
from approvals.shelf import Forged, Shelf
from approvals.store import reading, writing
from bot.files import Files
from bot.settings import Settings
from tests.approvals.doubles import ANA, BEN, CARLA, DORA, PLAYGROUND, SCALE, House, in_threads
from tests.approvals.test_policy_check import CATALOG
from tests.waiting import PATIENCE

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
    return Gate(charter.in_force, house.folk, house.ledger, house.hands, REGISTRY, house.clock, charter)


@pytest.fixture
def charter(house: House) -> Charter:
    made = a_charter(house)
    assert made.put_forward(FIRST) is None
    return made


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


@pytest.mark.parametrize(("moment", "shown"), [(math.inf, FIRST), (0.0, STRICTER)])
def test_what_is_shown_may_be_a_moment_old_and_what_decides_is_not(
    house: House, charter: Charter, moment: float, shown: Policy
) -> None:
    """A9: a glimpse spares look-ups for what is only shown, for as long as it holds and no longer."""
    here = Charter(house.ledger, CATALOG, REGISTRY, moment)
    assert here.glimpse().version == FIRST.version
    assert charter.put_forward(STRICTER) is None
    assert here.glimpse().version == shown.version
    assert here.in_force().version == STRICTER.version


def test_a_glimpse_of_no_policy_is_none(house: House) -> None:
    """A8: what was never adopted is not shown as if it held."""
    with pytest.raises(NoPolicy):
        a_charter(house).glimpse()


def test_where_nobody_has_to_agree_to_anything_somebody_else_agrees_to_what_weakens(house: House) -> None:
    """A9: it always takes two."""

    def free(policy: dict[str, Any]) -> None:
        for rule in policy["rules"]:
            rule.update(approvals=[])

    def freer(policy: dict[str, Any]) -> None:
        free(policy)
        policy["rules"][4].update(run_within="2h")

    charter = a_charter(house)
    assert charter.put_forward(a_policy(free)) is None
    held = charter.put_forward(a_policy(freer))
    assert held
    assert held.needs == (Requirement(group=None, count=1),)


def test_a_weaker_policy_is_held_back_once_by_however_many_processes(house: House, charter: Charter) -> None:
    """A9: no file weakens anything by itself, and restarts and replicas hold it back once."""
    in_threads(*(lambda: a_charter(house).put_forward(WEAKER) for _ in range(4)))
    assert charter.put_forward(WEAKER) is not None
    assert a_charter(house).in_force().version == FIRST.version
    assert house.kinds() == ["policy.adopted", "policy.held_back"]
    (draft,) = charter.drafts()
    assert any(line.startswith("WEAKER  scale") and "-> nobody else" in line for line in draft.lines)


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
    with pytest.raises(Forged):
        charter.in_force()


def test_a_row_beyond_the_end_of_the_log_is_not_in_force(house: House, charter: Charter) -> None:
    """A9: no entry put it there, so it is passed over now, and refused once the log has grown up to it."""
    row = {"version": WEAKER.version, "content": WEAKER.model_dump(mode="json", by_alias=True)}
    with writing(house.engine) as connection:
        connection.execute(insert(tables.policies), {"seq": 3, **row})
    assert a_charter(house).in_force().version == FIRST.version
    house.ledger.note("service.started")
    assert a_charter(house).in_force().version == FIRST.version
    house.ledger.note("service.started")
    with pytest.raises(Forged):
        a_charter(house).in_force()


def test_a_row_without_its_entry_is_none_that_was_archived(house: House, charter: Charter) -> None:
    """A9: only what lies before the archive's end may lack its entry."""
    shelf = Shelf("policy", tables.policies, tables.policy_drafts, Policy.model_validate)
    with writing(house.engine) as connection:
        connection.execute(insert(tables.policies), {"seq": 3, "version": WEAKER.version, "content": {}})
    with reading(house.engine) as connection:
        assert shelf.version(connection, 1) == FIRST.version
        with pytest.raises(Forged):
            shelf.version(connection, 3)


class Silent:
    """A directory that says nothing until it is `up`."""

    up = False

    def members(self, sources: Mapping[str, Mapping[str, object]]) -> dict[str, frozenset[Actor]]:
        """See Directory."""
        if not self.up:
            raise DirectoryDown
        typo = {"usergroup": "S0TYPO"}
        return {name: frozenset(() if source == typo else (ANA, BEN, CARLA, DORA)) for name, source in sources.items()}

    def is_person(self, actor: Actor) -> bool:
        """See Directory."""
        raise DirectoryDown


def with_ghosts(source: str) -> Policy:
    """FIRST, where prod takes the agreement of one more group."""
    asks = [{"from": "sre", "count": 1}, {"from": "ghosts", "count": 1}]
    return a_policy(lambda p: (p["groups"].update(ghosts={"usergroup": source}), p["rules"][4].update(approvals=asks)))


@pytest.mark.parametrize(("source", "adopted"), [("S0TYPO", False), ("S0REAL", True)])
def test_a_policy_whose_groups_nobody_could_check_waits_until_somebody_can(
    house: House, charter: Charter, source: str, adopted: bool
) -> None:
    """A7, A9: a group that nobody is in would lock everybody out, its own repair included."""
    wanted, directory = with_ghosts(source), Silent()
    files = Files(Settings.model_construct(policy=PLAYGROUND, catalog=PLAYGROUND), CATALOG, wanted)
    files.check(directory, REGISTRY)
    files.put_forward(charter)
    files.put_forward_again(charter, directory, REGISTRY)
    assert house.kinds() == ["policy.adopted"]
    directory.up = True
    files.put_forward_again(charter, directory, REGISTRY)
    assert charter.in_force().version == (wanted if adopted else FIRST).version


def test_the_first_policy_is_adopted_even_where_nobody_can_check_its_groups(house: House) -> None:
    """A8: without one nothing is judged at all, and each decision looks its groups up again."""
    files = Files(Settings.model_construct(policy=PLAYGROUND, catalog=PLAYGROUND), CATALOG, FIRST)
    files.check(Silent(), REGISTRY)
    files.put_forward(a_charter(house))
    assert a_charter(house).in_force().version == FIRST.version


class Slow(Registry):
    """A registry over which a comparison takes until it is told to go on."""

    def __init__(self) -> None:
        super().__init__(VERBS)
        self.reached, self.go_on = threading.Event(), threading.Event()

    def __iter__(self) -> Iterator[type[Action]]:
        self.reached.set()
        assert self.go_on.wait(PATIENCE)
        return super().__iter__()


@pytest.mark.parametrize(("paper", "held"), [(WEAKER, True), (STRICTER, False)])
def test_a_comparison_holds_up_nobody_else_s_writing(house: House, charter: Charter, paper: Policy, held: bool) -> None:
    """However large both are; and what came into force meanwhile is what it is held against in the end (A9)."""
    registry, found = Slow(), []
    slow = Charter(house.ledger, CATALOG, registry)
    at_work = threading.Thread(target=lambda: found.append(slow.put_forward(paper)))
    at_work.start()
    assert registry.reached.wait(PATIENCE)
    house.ledger.note("service.started")
    meanwhile = a_policy(lambda p: p["rules"][0].update(name="called otherwise"))
    assert charter.put_forward(meanwhile) is None
    assert found == []
    registry.go_on.set()
    at_work.join(PATIENCE)
    (draft,) = found
    assert [(d.before, d.weaker) for d in found if d] == ([(meanwhile.version, True)] if held else [])
    assert charter.version("policy") == (meanwhile if held else paper).version
    assert charter.drafts() == ((draft,) if held else ())


def test_who_agreed_to_a_draft_agreed_to_it_over_what_was_in_force(house: House, charter: Charter) -> None:
    """A1: what came into force since the look before the transaction undoes it."""
    draft = charter.put_forward(WEAKER)
    ready = charter.adoption(draft.id) if draft else None
    assert ready is not None
    assert charter.put_forward(STRICTER) is None
    with pytest.raises(Outrun), house.ledger.recording() as record:
        charter.adopt(record, ready, WEAKER.version, (BEN,))
    with pytest.raises(Forged), house.ledger.recording() as record:
        charter.adopt(record, ready, STRICTER.version, (BEN,))
    assert charter.version("policy") == STRICTER.version
