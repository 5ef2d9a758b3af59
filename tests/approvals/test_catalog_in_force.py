"""A9: what names mean is in force like the policy: by the store, and weaker only with the policy's quorum."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import insert, text

from actions.catalog import Catalog
from approvals import tables
from approvals.actor import Actor
from approvals.amendment import TARGETS
from approvals.ballot import DecisionRefused
from approvals.charter import Charter, OtherCatalog
from approvals.gate import Gate
from approvals.policy_model import Policy
from approvals.request import Request, State
from approvals.shelf import Forged
from approvals.store import writing
from bot.blocks.amendment import notice, standing
from tests.approvals.doubles import ANA, BEN, CARLA, DORA, SCALE, House, in_threads
from tests.approvals.test_charter import FIRST, REGISTRY, STRICTER, a_charter, a_gate
from tests.approvals.test_policy_check import CATALOG
from tests.approvals.test_relocation import DEV_IS_PROD, a_catalog, environment, service, together

HARMLESS = a_catalog(service("new"))
WEAKER = a_catalog(DEV_IS_PROD)


def going_by(house: House, catalog: Catalog) -> Charter:
    """A process that goes by this catalogue."""
    return Charter(house.ledger, catalog, REGISTRY)


def asked(house: House, catalog: Catalog = WEAKER, by: Actor = ANA) -> Request:
    """It is put forward by a process that has it, held back, and asked for where the old one is in force."""
    draft = going_by(house, catalog).put_forward(catalog)
    assert draft is not None
    return a_gate(house, a_charter(house)).propose(draft.id, by, {})


@pytest.fixture
def charter(house: House) -> Charter:
    made = a_charter(house)
    for paper in (CATALOG, FIRST):
        assert made.put_forward(paper) is None
    return made


@pytest.fixture
def gate(house: House, charter: Charter) -> Gate:
    return a_gate(house, charter)


def test_the_first_catalogue_is_adopted_and_the_log_has_its_digest(house: House, charter: Charter) -> None:
    entry = next(iter(house.ledger.entries())).fields
    assert (entry["kind"], entry["data"]["version"]) == ("catalog.adopted", CATALOG.version)
    assert (charter.version("catalog"), charter.catalog(), charter.outgrown()) == (CATALOG.version, CATALOG, False)
    charter.put_forward(CATALOG)
    assert house.kinds() == ["catalog.adopted", "policy.adopted"]


def test_what_weakens_nothing_is_adopted_at_once_and_recorded_with_what_changed(house: House, charter: Charter) -> None:
    assert going_by(house, HARMLESS).put_forward(HARMLESS) is None
    data = list(house.ledger.entries())[-1].fields["data"]
    assert (data["version"], data["before"], data["by"]) == (HARMLESS.version, CATALOG.version, [])
    assert data["services"] == {"added": ["new"], "removed": [], "changed": []}
    assert charter.catalog().content == HARMLESS.content


def test_a_process_with_another_catalogue_judges_nothing(house: House, charter: Charter, gate: Gate) -> None:
    """A9, A8: nothing is asked, approved or run by what is not in force."""
    waits, runs = gate.submit(SCALE, ANA, {}), gate.submit(SCALE, CARLA, {})
    gate.decide(runs.id, runs.plan.digest, BEN, approve=True)
    going_by(house, HARMLESS).put_forward(HARMLESS)
    assert charter.outgrown()
    deeds: tuple[Callable[[], object], ...] = (
        lambda: gate.submit(SCALE, ANA, {}),
        lambda: gate.decide(waits.id, waits.plan.digest, BEN, approve=True),
        lambda: gate.run(runs.id),
    )
    for deed in deeds:
        with pytest.raises((OtherCatalog, DecisionRefused), match="goes over to it now"):
            deed()
    assert [house.ledger.get(r.id).state for r in (waits, runs)] == [State.WAITING, State.READY]
    assert house.hands.effects == []
    after = a_gate(house, going_by(house, charter.catalog()))
    assert after.run(runs.id).state is State.SUCCEEDED


def test_a_catalogue_that_comes_between_the_look_and_the_start_stops_it(
    house: House, charter: Charter, gate: Gate
) -> None:
    """A3: what is in force is read again inside the transaction that starts a run."""
    request = gate.submit(SCALE, ANA, {})
    gate.decide(request.id, request.plan.digest, BEN, approve=True)
    looked = house.folk.is_person

    def is_person(actor: Actor) -> bool:
        going_by(house, HARMLESS).put_forward(HARMLESS)
        return looked(actor)

    house.folk.is_person = is_person  # type: ignore[method-assign]
    with pytest.raises(OtherCatalog):
        gate.run(request.id)
    assert (house.ledger.get(request.id).state, house.hands.effects) == (State.READY, [])


def test_a_weaker_catalogue_is_held_back_once_by_however_many_processes(house: House, charter: Charter) -> None:
    """A9: no file weakens anything by what it calls things."""
    in_threads(*(lambda: going_by(house, WEAKER).put_forward(WEAKER) for _ in range(4)))
    assert (charter.outgrown(), charter.version("catalog")) == (False, CATALOG.version)
    assert house.kinds() == ["catalog.adopted", "policy.adopted", "catalog.held_back"]
    (draft,) = charter.drafts()
    assert draft.kind == "catalog"
    assert going_by(house, WEAKER).outgrown()


def test_the_quorum_of_the_policy_in_force_approves_it_and_every_process_has_to_follow(
    house: House, charter: Charter, gate: Gate
) -> None:
    """A9: the last approval and the new catalogue are one transaction; who asks and who is of no group approves not."""
    request = asked(house)
    assert {r.group for r in request.requirements} >= {"sre"}
    for actor in (ANA, DORA):
        with pytest.raises(DecisionRefused):
            gate.decide(request.id, request.plan.digest, actor, approve=True)
    for actor in (BEN, CARLA):
        after = gate.decide(request.id, request.plan.digest, actor, approve=True)
        if not after.missing:
            break
    assert after.state is State.ADOPTED
    assert charter.version("catalog") == WEAKER.version
    assert list(house.ledger.entries())[-1].fields["data"]["by"] == [d.approver.user_id for d in after.decisions]
    assert charter.outgrown()
    with pytest.raises(OtherCatalog):
        charter.in_force()
    assert going_by(house, charter.catalog()).in_force().version == FIRST.version


@pytest.mark.parametrize("paper", [HARMLESS, STRICTER], ids=["catalogue", "policy"])
def test_it_is_stale_when_another_one_came_into_force_meanwhile(
    house: House, charter: Charter, paper: Catalog, gate: Gate
) -> None:
    """A1: what was agreed to was this catalogue in place of that one, under that policy."""
    request = asked(house)
    assert a_charter(house).put_forward(paper) is None
    now = a_gate(house, going_by(house, charter.catalog()))
    with pytest.raises(DecisionRefused):
        now.decide(request.id, request.plan.digest, BEN, approve=True)
    now.keep_time()
    assert house.ledger.get(request.id).state is State.STALE
    assert charter.version("catalog") != WEAKER.version


def test_of_two_that_wait_one_of_each_kind_may_be_asked_for(house: House, charter: Charter) -> None:
    first = asked(house)
    with pytest.raises(DecisionRefused, match="asked for it already"):
        asked(house, by=BEN)
    assert [r.id for r in house.ledger.waiting_on(TARGETS["catalog"].key)] == [first.id]
    assert house.ledger.waiting_on(TARGETS["policy"].key) == []


def test_a_catalogue_that_the_log_did_not_adopt_is_not_followed(house: House, charter: Charter) -> None:
    """A9: who can add a row and no entry changes the meaning of no name."""
    house.ledger.note("service.started")
    with writing(house.engine) as connection:
        connection.execute(text("INSERT INTO catalogs SELECT 3, version, content FROM catalogs"))
    for look in (charter.in_force, charter.outgrown, charter.catalog):
        with pytest.raises(Forged):
            look()


@pytest.mark.sqlite
def test_a_card_names_the_objects_that_it_frees_and_details_each_of_them(house: House, charter: Charter) -> None:
    """A9: once for each group to which the same happens, before somebody asks and after."""
    plan = asked(house).plan
    objects = "Deployment checkout, cart, search and support-bot in"
    named = [f"{objects} prod", f"{objects} dev"]
    assert [warning.text for warning in plan.warnings] == named
    (draft,) = charter.drafts()
    assert all(line in str(notice(draft).attachments) for line in named)
    details = plan.diff.split("\n")
    for name in ("checkout", "cart", "search", "support-bot"):
        assert f"  Deployment {name} in prod, as {name} in prod or {name} in dev" in details
        assert f"  Deployment {name} in dev" in details


def test_every_draft_is_offered_however_many_others_are_held_back(house: House, charter: Charter) -> None:
    """A9: what was held back before keeps no later wish from being asked for, and it all fits one message."""
    catalogs = [a_catalog(together(DEV_IS_PROD, environment("dev", aliases=[f"v{n}"]))) for n in range(8)]
    held = {draft.id for c in catalogs if (draft := going_by(house, c).put_forward(c))}
    assert len(held) == len(catalogs)
    drafts = charter.drafts()
    blocks = standing("It is in force.", [(draft, "", None) for draft in drafts]).blocks
    offers = [b["elements"][0]["value"] for b in blocks if b["type"] == "actions"]
    assert sorted(offers) == sorted(held)
    assert len(standing("x", [(draft, "", None) for draft in drafts * 9]).blocks) <= 50


def test_a_row_beyond_the_end_of_the_log_keeps_no_catalogue_out_of_force(house: House, charter: Charter) -> None:
    """A9: what is adopted after it counts, and once."""
    with writing(house.engine) as connection:
        row = {"seq": 10**6, "version": CATALOG.version, "content": CATALOG.content}
        connection.execute(insert(tables.catalogs), row)
    process = going_by(house, HARMLESS)
    for _ in range(2):
        assert process.put_forward(HARMLESS) is None
    assert process.version("catalog") == HARMLESS.version
    assert house.kinds() == ["catalog.adopted", "policy.adopted", "catalog.adopted"]


@pytest.mark.sqlite
def test_a_catalogue_whose_text_is_not_the_one_of_its_version_is_not_followed(house: House, charter: Charter) -> None:
    """A9: the log has the digest, so the text in the store is held to it."""
    with writing(house.engine) as connection:
        connection.execute(text("DROP TRIGGER catalogs_no_update"))
        connection.execute(
            text("UPDATE catalogs SET content = replace(content, '\"max_replicas\": 12', '\"max_replicas\": 99')")
        )
    with pytest.raises(Forged):
        going_by(house, HARMLESS).catalog()


def test_no_new_service_walks_in_behind_a_policy_that_was_loosened_for_nobody(house: House) -> None:
    """A9: two files, each of which lets nobody through by itself, need the quorum between them."""
    elsewhere = (service(name, environments=["prod", "staging", "dev"]) for name in CATALOG.services)
    old = a_catalog(together(environment("vault", namespace="vault"), *elsewhere))
    data = FIRST.model_dump(mode="json", by_alias=True, exclude_unset=True)
    guard = {"name": "vault", "match": {"environments": ["vault"]}, "ask": "anyone", "approvals": [{"from": "sre"}]}
    strict, easy = (
        Policy.model_validate({**data, "rules": [{**guard, "approvals": wanted}, *data["rules"]]})
        for wanted in (guard["approvals"], [])
    )
    mine = going_by(house, old)
    assert [mine.put_forward(paper) for paper in (old, strict)] == [None, None]
    assert mine.put_forward(easy) is not None
    assert mine.version("policy") == strict.version
