"""Retention: what is archived proves itself, and the log that is left goes on as one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from pydantic import JsonValue
from sqlalchemy import Connection, delete, event, insert, text, update
from sqlalchemy.exc import IntegrityError

from actions import canonical
from approvals import audit
from approvals.audit import lines, seal
from approvals.checkpoints import Checkpoints
from approvals.keyring import Keyring
from approvals.request import State
from approvals.sealing import NotSealed, Sealed, files, seal_before
from approvals.shelf import Forged
from approvals.store import writing
from approvals.tables import audit_events, policies, requests
from approvals.warrant import Altered
from tests.approvals.doubles import BEN, CARLA, DEV, House
from tests.approvals.logs import verify_log
from tests.approvals.test_charter import FIRST, WEAKER, a_charter
from tests.stores import INTEGRITY, broken, by_hand

DAY = 86_400


@pytest.fixture
def notary(house: House, tmp_path: Path) -> Checkpoints:
    return Checkpoints(house.engine, Keyring(file=tmp_path / "key"), house.clock)


def sealed(house: House, folder: Path, before: datetime | None = None) -> Sealed:
    keys = Keyring(file=folder.parent / "key")
    Checkpoints(house.engine, keys, house.clock).make()
    return seal_before(house.engine, house.ledger, keys.key(), before or house.clock.now(), folder)


def lived(house: House, changes: int = 2) -> None:
    """Some changes that came to their end, and then a day in which nothing happened."""
    for _ in range(changes):
        house.gate.run(house.approved().id)
    house.clock.advance(DAY)


def export(house: House) -> str:
    start = house.ledger.logbook.start()
    first = [lines.as_first_line(start)] if start.tree.size else []
    return "".join(f"{line}\n" for line in [*first, *map(lines.as_line, house.ledger.entries())])


def test_what_was_archived_verifies_alone_and_the_rest_goes_on_after_it(
    house: House, notary: Checkpoints, tmp_path: Path
) -> None:
    """L2, L4, L5: by both verifiers, over two seals; an older checkpoint still holds."""
    lived(house)
    first = sealed(house, tmp_path / "archive")
    old = notary.make()
    lived(house, 1)
    second = sealed(house, tmp_path / "archive")
    lived(house, 1)
    newest = notary.make()
    assert ((first.first, first.size), second.first) == ((1, 8), 9)
    assert files(tmp_path / "archive") == [first.file, second.file]
    whole = [lines.from_line(line) for file in files(tmp_path / "archive") for line in entries_of(file)]
    together = audit.verify([*whole, *house.ledger.entries()], [audit.Mark(newest.size, root=newest.tree.root)])
    alone = audit.verify(house.ledger.entries(), start=house.ledger.logbook.start())
    assert together == alone
    assert isinstance(alone, audit.Verified)
    assert seal.contradiction(house.ledger.entries, house.ledger.logbook.start(), house.ledger.states()) is None
    key = str(Keyring(file=tmp_path / "key").key().verifier)
    for part in (first, second):
        assert verify_log(part.file, "--checkpoint", part.checkpoint, "--key", key)[0] == 0
    (tmp_path / "left").write_text(export(house))
    (tmp_path / "marks").write_text(newest.note)
    assert verify_log(tmp_path / "left", "--checkpoint", tmp_path / "marks", "--key", key)[0] == 0
    assert old.size < newest.size


def entries_of(file: Path) -> list[str]:
    return [line for line in file.read_text().splitlines() if not line.startswith('{"after":')]


def test_what_is_under_way_is_not_archived(house: House, notary: Checkpoints, tmp_path: Path) -> None:
    """A1, L5: the entry that a run rests on stays, and the run goes on."""
    lived(house, 1)
    ready = house.approved()
    made = sealed(house, tmp_path / "archive", house.clock.now().replace(year=2027))
    assert (made.size, made.held_up) == (4, True)
    assert house.gate.run(ready.id).state is State.SUCCEEDED
    assert not sealed(house, tmp_path / "archive", house.clock.now().replace(year=2027)).held_up
    with pytest.raises(NotSealed, match="No entry is that old"):
        sealed(house, tmp_path / "archive", datetime(2026, 1, 1, tzinfo=house.clock.now().tzinfo))


def test_an_emergency_is_archived_when_somebody_reviewed_it(house: House, tmp_path: Path) -> None:
    """A10: its entries say until then that the glass is not to be broken again; what a row says archives nothing."""
    lived(house, 1)
    asked = house.asked(actor=BEN)
    house.gate.break_glass(asked.id, asked.plan.digest, BEN, "checkout is down")
    house.gate.run(asked.id)
    house.clock.advance(DAY)
    held = sealed(house, tmp_path / "archive")
    assert (held.size, held.held_up) == (4, True)
    row, emergency = requests.c.id == asked.id, house.ledger.get(asked.id).emergency
    assert emergency is not None
    for altered in (None, emergency.model_dump(mode="json")):
        with house.engine.begin() as store:
            store.execute(update(requests).where(row).values(emergency=altered))
        with pytest.raises(NotSealed if altered else Altered, match="emergency"):
            sealed(house, tmp_path / "archive")
    house.gate.review(asked.id, CARLA, "right call")
    house.clock.advance(DAY)
    assert sealed(house, tmp_path / "archive").size == held.size + 6  # with the first seal's own entry


def test_a_request_whose_entries_lie_on_both_sides_keeps_its_state(house: House, tmp_path: Path) -> None:
    """L5."""
    request = house.asked()
    house.clock.advance(60)
    cut = house.clock.now()
    house.gate.decide(request.id, request.plan.digest, house.gate.approvers(request)[0], approve=False)
    house.clock.advance(60)
    assert sealed(house, tmp_path / "archive", cut).size == 1
    start = house.ledger.logbook.start()
    assert seal.contradiction(house.ledger.entries, start, house.ledger.states()) is None
    told = seal.contradiction(house.ledger.entries, start, {request.id: State.SUCCEEDED})
    assert told == f"request {request.id} is succeeded in the table and denied in the log"
    lived(house)  # and so does the next seal, which begins in the middle of it
    sealed(house, tmp_path / "archive")
    start = house.ledger.logbook.start()
    assert seal.contradiction(house.ledger.entries, start, house.ledger.states()) is None


@pytest.mark.parametrize("archived", [False, True])
def test_what_is_recorded_while_a_log_is_walked_contradicts_nothing(
    house: House, tmp_path: Path, archived: bool
) -> None:
    """L5: who checks a log in use is told of nothing that came meanwhile, and of what differed before all the same."""
    lived(house)
    if archived:
        sealed(house, tmp_path / "archive")
    start, waits = house.ledger.logbook.start(), house.asked()

    def meanwhile() -> Iterator[audit.Entry]:
        if house.ledger.waiting():
            house.gate.withdraw(waits.id, waits.requester)
        house.asked(DEV)
        return house.ledger.entries()

    assert seal.contradiction(meanwhile, start, *house.ledger.states_then()) is None
    with house.engine.begin() as store:
        store.execute(update(requests).where(requests.c.id == waits.id).values(state="denied"))
    told = f"request {waits.id} is denied in the table and withdrawn in the log"
    assert seal.contradiction(meanwhile, start, *house.ledger.states_then()) == told


def test_of_two_who_seal_at_once_one_does(house: House, tmp_path: Path) -> None:
    """L2, L5: whoever read the log before somebody else archived some of it removes nothing, wherever that came."""
    lived(house)
    house.clock.advance(60)
    cut = house.clock.now()
    lived(house, 1)
    other, begun = house.beside(), iter(range(100))

    def first(_: Connection) -> None:
        if next(begun) == 7:
            sealed(other, tmp_path / "first", cut)

    Checkpoints(house.engine, Keyring(file=tmp_path / "key"), house.clock).make()
    event.listen(house.engine, "begin", first)
    with pytest.raises(NotSealed):
        seal_before(house.engine, house.ledger, Keyring(file=tmp_path / "key").key(), house.clock.now(), tmp_path / "b")
    event.remove(house.engine, "begin", first)
    start = house.ledger.logbook.start()
    assert start.tree.size == 8
    assert seal.contradiction(house.ledger.entries, start, *house.ledger.states_then()) is None


def test_a_table_that_changed_behind_a_seal_is_found(house: House, tmp_path: Path) -> None:
    """L5: the states of what was archived are digested in the seal's entry."""
    lived(house)
    sealed(house, tmp_path / "archive")
    start, states = house.ledger.logbook.start(), house.ledger.states()
    some = next(iter(states))
    for forged in ({**states, some: State.DENIED}, {k: v for k, v in states.items() if k != some}):
        told = seal.contradiction(house.ledger.entries, start, forged)
        assert told == "the requests that ended before the log was sealed are not in the table as they were"
    assert "archived" in str(seal.contradiction(list, start, states))


@pytest.mark.parametrize("data", [{}, {"size": 1}, {"size": "1", "head": None}], ids=str)
def test_what_only_looks_like_a_seal_is_passed_over(house: House, tmp_path: Path, data: dict[str, JsonValue]) -> None:
    """L5, A9: whoever may append to the log would keep everybody from judging and from verifying."""
    lived(house)
    house.ledger.note(seal.KIND, data)
    sealed(house, tmp_path / "archive")
    house.ledger.note(seal.KIND, data)
    start = house.ledger.logbook.start()
    assert seal.contradiction(house.ledger.entries, start, house.ledger.states()) is None
    found = seal.said(house.ledger.entries(), start)
    assert found
    assert found["size"] == start.tree.size


def test_a_log_that_is_not_whole_is_not_archived(house: House, tmp_path: Path) -> None:
    """L2: nothing is removed that does not verify."""
    lived(house)
    raw = by_hand(house.path)
    raw.execute("UPDATE requests SET state = 'denied'")
    raw.close()
    with pytest.raises(NotSealed, match="not whole"):
        sealed(house, tmp_path / "archive")
    assert len(list(house.ledger.entries())) == 8


def test_what_is_in_force_goes_on_behind_a_seal_and_no_row_among_the_archived_does(
    house: House, tmp_path: Path
) -> None:
    """A9, L5: the seal's entry names the policy of the archive's end, since its own entry is gone."""
    charter = a_charter(house)
    assert charter.put_forward(FIRST) is None
    lived(house)
    for _ in range(2):  # the second is made where the first alone speaks for the policy
        sealed(house, tmp_path / "archive")
        assert a_charter(house).in_force().version == FIRST.version
        lived(house, 1)
    row = {"version": WEAKER.version, "content": WEAKER.model_dump(mode="json", by_alias=True)}
    planted = {"seq": house.ledger.logbook.start().tree.size, **row}
    with writing(house.engine) as connection:
        connection.execute(insert(policies), planted)
    with pytest.raises(Forged):
        a_charter(house).in_force()
    with pytest.raises(Forged):
        sealed(house, tmp_path / "archive")


@pytest.mark.sqlite
def test_another_text_in_the_place_of_an_archived_one_is_not_in_force(house: House, tmp_path: Path) -> None:
    """A9: the seal's entry names the version too."""
    assert a_charter(house).put_forward(FIRST) is None
    lived(house)
    sealed(house, tmp_path / "archive")
    other = {"version": WEAKER.version, "content": WEAKER.model_dump(mode="json", by_alias=True)}
    with writing(house.engine) as connection:
        connection.execute(text("DROP TRIGGER policies_no_update"))
        connection.execute(update(policies).values(**other))
    with pytest.raises(Forged):
        a_charter(house).in_force()


@pytest.mark.sqlite
def test_a_seal_of_an_older_release_says_nothing_of_the_policy_and_is_believed(house: House, tmp_path: Path) -> None:
    """A9: what was in force before an upgrade is in force after it; not what stands for an entry after the seal."""
    assert a_charter(house).put_forward(FIRST) is None
    lived(house)
    sealed(house, tmp_path / "archive")
    (entry,) = (each for each in house.ledger.entries() if each.fields["kind"] == seal.KIND)
    said = entry.fields
    del said["data"]["in_force"]
    with writing(house.engine) as connection:
        connection.execute(text("DROP TRIGGER audit_events_no_update"))
        connection.execute(
            update(audit_events).where(audit_events.c.seq == entry.seq).values(body=canonical.canonical(said))
        )
    assert a_charter(house).in_force().version == FIRST.version
    lived(house, 1)
    planted = {"seq": entry.seq + 1, "version": WEAKER.version, "content": WEAKER.content}
    with writing(house.engine) as connection:
        connection.execute(text("DROP TRIGGER audit_events_no_delete"))
        connection.execute(delete(audit_events).where(audit_events.c.seq == entry.seq + 1))
        connection.execute(insert(policies), planted)
    with pytest.raises(Forged):
        a_charter(house).in_force()


def test_only_what_is_sealed_may_go_and_only_what_a_checkpoint_covers_is_sealed(house: House, tmp_path: Path) -> None:
    """L2: by the database itself, whoever asks it."""
    lived(house, 1)
    raw = by_hand(house.path)
    seal_row = "INSERT INTO audit_seals (size, at, head, peaks) VALUES ({}, 'now', 'x', 'x')"
    for statement in ("DELETE FROM audit_events", seal_row.format(1)):
        with pytest.raises(INTEGRITY, match="append-only"):
            raw.execute(statement)
    sealed(house, tmp_path / "archive")
    for statement in (
        "DELETE FROM audit_events",
        "DELETE FROM audit_seals",
        "UPDATE audit_seals SET size = 99",
        "DELETE FROM audit_checkpoints",
        seal_row.format(2),
        seal_row.format(99),
        "INSERT INTO audit_events (seq, prev, hash, body) VALUES (2, 'x', 'x', 'x')",
    ):
        with pytest.raises(INTEGRITY, match="append-only"):
            raw.execute(statement)
    raw.close()


def test_a_sealing_that_fails_at_its_end_removes_nothing(house: House, tmp_path: Path) -> None:
    """L1: the seal, its entry and the removal are one transaction."""
    lived(house, 1)
    before = list(house.ledger.entries())
    with broken(house.path, "DELETE", "audit_events"), pytest.raises(IntegrityError):
        sealed(house, tmp_path / "archive")
    assert list(house.ledger.entries()) == before
    assert sealed(house, tmp_path / "archive").size == 4, "and the next try works"


def test_the_seal_says_what_was_archived(house: House, tmp_path: Path) -> None:
    """L3."""
    lived(house, 1)
    made = sealed(house, tmp_path / "archive")
    said = [entry.fields for entry in house.ledger.entries()][-1]
    assert (said["kind"], said["data"]["size"], said["data"]["closed"]["count"]) == ("log.sealed", 4, 1)
    assert json.loads(made.file.read_text().splitlines()[-1])["hash"] == said["data"]["head"]


def test_an_entry_that_is_numbered_below_the_first_is_not_removed_unseen(house: House, tmp_path: Path) -> None:
    """L2: sealing would take away what shows that somebody was at the log."""
    lived(house)
    made = audit.entry((-5, audit.GENESIS), "2026-11-02T09:00:00.000000Z", "x", None, None, {})
    with house.engine.begin() as store:
        store.execute(insert(audit_events), {**made._asdict(), "request_id": None})
    with pytest.raises(NotSealed, match="not whole"):
        sealed(house, tmp_path / "archive")
