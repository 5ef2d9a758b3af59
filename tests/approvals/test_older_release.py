"""A9: what is in force is the text that was written, also where a later release would write it in other words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import JsonValue
from sqlalchemy import insert

from actions import canonical, catalog
from actions.catalog import Catalog
from approvals import tables
from approvals.ballot import DecisionRefused
from approvals.charter import Charter
from approvals.policy_model import Policy
from approvals.request import State
from approvals.shelf import Foreign, Kind, draft_id
from tests.approvals.doubles import ANA, BEN, CARLA, SCALE, House
from tests.approvals.test_catalog_in_force import HARMLESS, going_by
from tests.approvals.test_catalog_in_force import WEAKER as DEV_AS_PROD
from tests.approvals.test_charter import FIRST, STRICTER, WEAKER, a_charter, a_gate
from tests.approvals.test_policy_check import CATALOG

Content = dict[str, JsonValue]
_TABLES = {"policy": (tables.policies, tables.policy_drafts), "catalog": (tables.catalogs, tables.catalog_drafts)}


def adopted(house: House, kind: Kind, content: Content) -> str:
    """As another release adopted it: its own text, by the digest of that. The version."""
    version = canonical.digest(canonical.exact(content))
    with house.ledger.recording() as record:
        entry = record.add(f"{kind}.adopted", {"version": version, "before": None, "by": []})
        row = {"seq": entry.seq, "version": version, "content": content}
        record.connection.execute(insert(_TABLES[kind][0]), row)
    return version


def held_back(house: House, kind: Kind, content: Content, before: str) -> tuple[str, str]:
    """As another release held it back: its version, and its id."""
    version = canonical.digest(canonical.exact(content))
    draft = draft_id(before, version)
    with house.ledger.recording() as record:
        row = {"id": draft, "version": version, "before": before, "content": content}
        record.connection.execute(insert(_TABLES[kind][1]), row)
    return version, draft


def fewer_fields(policy: Policy) -> Content:
    """What a policy looked like before there was whatever this one says nothing about."""
    content: Content = policy.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return content


def with_defaults(content: Content) -> Content:
    """What a catalogue looks like where a default is another one: what it says is spelled out."""
    services: Any = content["services"]
    return {**content, "services": {name: {"guards": {}, **entry} for name, entry in services.items()}}


@pytest.fixture
def older(house: House) -> tuple[str, str]:
    """A store in which an older release put both in force; their versions."""
    return (
        adopted(house, "policy", fewer_fields(FIRST)),
        adopted(house, "catalog", with_defaults(CATALOG.content)),
    )


def now(house: House) -> Charter:
    """A process of this release that follows what is in force, as it does at its start."""
    return going_by(house, a_charter(house).catalog())


def test_what_an_older_release_put_in_force_is_in_force_by_its_own_digest(house: House, older: tuple[str, str]) -> None:
    """A8, A9: nothing reads as forged, and everybody comes to rest on that catalogue."""
    assert not {FIRST.version, CATALOG.version} & {*older}
    assert a_charter(house).outgrown()
    charter = now(house)
    assert (charter.in_force().version, charter.version("catalog"), charter.outgrown()) == (*older, False)
    gate = a_gate(house, charter)
    request = gate.submit(SCALE, ANA, {})
    gate.decide(request.id, request.plan.digest, BEN, approve=True)
    assert gate.run(request.id).state is State.SUCCEEDED
    assert request.plan.policy_version == older[0]


def test_the_same_files_change_nothing_after_an_upgrade(house: House, older: tuple[str, str]) -> None:
    """A1: what waits was planned under this policy, and goes on waiting."""
    charter, before = now(house), house.kinds()
    for paper in (FIRST, CATALOG):
        assert charter.put_forward(paper) is None
        assert charter.compared(paper, house.clock.now()) is None
    assert (charter.version("policy"), charter.version("catalog")) == older
    assert house.kinds() == before


def test_a_file_that_says_something_else_is_held_against_it(house: House, older: tuple[str, str]) -> None:
    """A9: what weakens it is held back, what does not takes its place."""
    charter = now(house)
    draft = charter.put_forward(WEAKER)
    assert draft is not None
    assert (draft.before, charter.version("policy")) == (older[0], older[0])
    assert charter.put_forward(STRICTER) is None
    assert charter.put_forward(HARMLESS) is None
    assert (charter.version("policy"), charter.version("catalog")) == (STRICTER.version, HARMLESS.version)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("policy", fewer_fields(WEAKER)),
        ("catalog", with_defaults(DEV_AS_PROD.content)),
    ],
)
def test_what_an_older_release_held_back_comes_into_force_as_it_was_written(
    house: House, older: tuple[str, str], kind: Kind, content: Content
) -> None:
    """A1, A9: who agreed, agreed to that text."""
    charter = now(house)
    version, draft = held_back(house, kind, content, older[kind == "catalog"])
    gate = a_gate(house, charter)
    request = gate.propose(draft, ANA, {})
    for actor in (BEN, CARLA):
        if request.state is State.WAITING:
            request = gate.decide(request.id, request.plan.digest, actor, approve=True)
    assert request.state is State.ADOPTED
    assert now(house).version(kind) == version
    assert now(house).in_force().version == (version if kind == "policy" else older[0])


@pytest.mark.parametrize(("kind", "content"), [("policy", FIRST.content), ("catalog", CATALOG.content)])
def test_what_a_later_release_wrote_that_this_one_cannot_read_is_said(
    house: House, kind: Kind, content: Content
) -> None:
    """A8: nothing is judged by half of it, and the sentence says what to do."""
    adopted(house, kind, {**content, "invented_later": True})
    charter = a_charter(house)
    for look in (charter.in_force, charter.known) if kind == "policy" else (charter.catalog,):
        with pytest.raises(Foreign, match="bring every gateway and runner to the same one"):
            look()


def test_a_draft_of_a_later_release_is_not_asked_for_here(house: House, older: tuple[str, str]) -> None:
    _, draft = held_back(house, "policy", {**WEAKER.content, "invented_later": True}, older[0])
    charter = now(house)
    with pytest.raises(DecisionRefused, match="Another release of Twokey wrote"):
        a_gate(house, charter).propose(draft, ANA, {})
    other = charter.put_forward(WEAKER)
    assert charter.drafts() == (other,)


def test_a_catalogue_that_was_restored_is_written_as_it_was(house: House) -> None:
    content = with_defaults(CATALOG.content)
    restored: Catalog = catalog.restored(content, CATALOG.path_of(""))
    assert restored.content == content
    assert restored.model_dump() == CATALOG.model_dump()
    assert restored.version == canonical.digest(canonical.exact(content)) != CATALOG.version
