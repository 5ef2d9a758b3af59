"""Checkpoints: when they are signed, what they refuse to sign, where they go, and how the key changes."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from actions.errors import ConfigError, TwokeyError
from approvals import audit, logbook
from approvals.audit import lineage, note
from approvals.audit.checkpoint import Checkpoint, notes
from approvals.audit.note import VerifierKey
from approvals.checkpoints import Checkpoints, NotContinued, OtherKey, WitnessFile
from approvals.keyring import Keyring, NoKey
from approvals.store import writing
from approvals.tables import as_text, audit_checkpoints
from tests.approvals.doubles import House
from tests.stores import ON_POSTGRES, UNGUARD, by_hand


@pytest.fixture
def keys(tmp_path: Path) -> Keyring:
    return Keyring(file=tmp_path / "twokey.audit-key")


def notary(house: House, keys: Keyring, **more: object) -> Checkpoints:
    return Checkpoints(house.engine, keys, house.clock, **more)  # type: ignore[arg-type]  # as the caller says


def write(house: House, count: int) -> None:
    for n in range(count):
        house.ledger.note("service.started", {"n": n})


def test_a_checkpoint_is_due_after_so_many_entries_and_after_so_long(house: House, keys: Keyring) -> None:
    """L3."""
    found = notary(house, keys, every=5, at_least=timedelta(hours=1))
    found.tick()
    assert found.latest() is None, "there is nothing to sign"
    sizes = []
    for count, seconds in ((1, 0), (4, 0), (1, 0), (1, 3599), (0, 1), (0, 7200)):
        write(house, count)
        house.clock.advance(seconds)
        found.tick()
        newest = found.latest()
        sizes.append(newest.size if newest else 0)
    assert sizes == [1, 1, 6, 6, 7, 7]


def test_what_is_signed_is_the_log_and_goes_to_every_place(house: House, keys: Keyring, tmp_path: Path) -> None:
    """L3: also where one of the places cannot be reached, which is said."""

    class Gone:
        def keep(self, text: str, size: int) -> None:
            raise TwokeyError(f"{size} entries found no place.")

    witness = tmp_path / "witness"
    found = notary(house, keys, places=[Gone(), WitnessFile(witness)])
    write(house, 3)
    found.make()
    write(house, 4)
    made = found.make()
    assert found.trouble == "7 entries found no place."
    assert [Checkpoint.parse(note.taken_apart(one)[0]).size for one in notes(witness.read_text())] == [3, 7]
    text, signer = note.opened(made.note, [keys.key().verifier])
    assert signer == keys.key().verifier
    verified = audit.verify(house.ledger.entries(), [Checkpoint.parse(text).mark])
    assert isinstance(verified, audit.Verified)
    assert found.make() == made, "nothing came since"


def test_the_key_is_made_at_first_use_for_its_owner_alone(keys: Keyring) -> None:
    assert keys.file is not None
    assert keys.key() == keys.key()
    assert stat.S_IMODE(keys.file.stat().st_mode) == 0o600
    keys.file.write_text("no key")
    with pytest.raises(ConfigError, match="signing key"):
        keys.key()
    with pytest.raises(NoKey, match="TWOKEY_AUDIT_KEY"):
        Keyring().key()


def test_nothing_is_signed_that_does_not_continue_what_was_signed(house: House, keys: Keyring) -> None:
    """L2: an entry that was changed after a checkpoint, or a frontier that was, keeps the next from being signed."""
    found = notary(house, keys)
    write(house, 3)
    found.make()
    write(house, 3)
    raw = by_hand(house.path)
    raw.execute(UNGUARD)
    raw.execute("UPDATE audit_events SET hash = prev WHERE seq = 5")
    raw.close()
    with pytest.raises(NotContinued, match="Entry 5: its content does not fit its hash"):
        found.make()
    found.tick()
    assert found.trouble is None, "it was not due"


def test_a_checkpoint_in_the_store_that_was_forged_is_not_continued(house: House, keys: Keyring) -> None:
    """L2: the frontier is held against the signature before anything is built on it."""
    found = notary(house, keys)
    write(house, 2)
    made = found.make()
    raw = by_hand(house.path)
    raw.execute(
        "INSERT INTO audit_checkpoints (size, at, note, key, peaks) "
        "SELECT 4, at, note, key, peaks FROM audit_checkpoints"
    )
    raw.close()
    write(house, 3)
    with pytest.raises(NotContinued):
        found.make()
    assert made.size == 2


UNKEEP = (
    "ALTER TABLE audit_events DISABLE TRIGGER audit_events_kept"
    if ON_POSTGRES
    else "DROP TRIGGER audit_events_no_delete"
)
CUT_SHORT = (
    UNKEEP,
    "DELETE FROM audit_events WHERE seq > 2",
)
FORGED_AHEAD = (
    "INSERT INTO audit_checkpoints (size, at, note, key, peaks) "
    "SELECT 1024, at, note, key, peaks FROM audit_checkpoints",
)


@pytest.mark.parametrize("deeds", [CUT_SHORT, FORGED_AHEAD], ids=["cut short", "forged ahead"])
def test_a_log_shorter_than_its_last_checkpoint_is_said_and_not_waited_for(
    house: House, keys: Keyring, deeds: tuple[str, ...]
) -> None:
    """L2, L3: otherwise whoever cuts it off, or can add a row, would end all further checkpoints unseen."""
    found = notary(house, keys)
    write(house, 4)
    found.make()
    raw = by_hand(house.path)
    for deed in deeds:
        raw.execute(deed)
    raw.close()
    found.tick()
    assert found.trouble is not None
    with pytest.raises(NotContinued):
        found.make()


def test_a_new_key_is_trusted_by_whoever_trusts_the_old_one(house: House, keys: Keyring) -> None:
    """L3: rotation is an entry that the old key signed; the checkpoint over it bears both signatures."""
    found = notary(house, keys)
    write(house, 2)
    found.make()
    old = keys.key().verifier
    new = found.rotate()
    assert new == keys.key().verifier != old
    assert new.name == old.name
    newest = found.latest()
    assert newest is not None
    assert {note.opened(newest.note, [key])[1] for key in (old, new)} == {old, new}
    write(house, 1)
    after = found.make()
    trusted = lineage.followed([old], house.ledger.entries())
    assert trusted == [old, new]
    assert note.opened(after.note, trusted)[1] == new


def test_an_entry_that_nobody_trusted_signed_hands_nothing_on(house: House, keys: Keyring, tmp_path: Path) -> None:
    """L2: whoever can only write entries cannot make themselves the log's key."""
    other = Keyring(file=tmp_path / "other").key()
    mine = keys.key().verifier
    house.ledger.note(lineage.KIND, lineage.handed_on(other, other.verifier))
    house.ledger.note(lineage.KIND, {**lineage.handed_on(keys.key(), mine), "after": str(other.verifier)})
    house.ledger.note(lineage.KIND, lineage.lost(str(mine), other.verifier))
    house.ledger.note(lineage.KIND, {"before": 1, "after": None, "note": "x"})
    assert lineage.followed([mine], house.ledger.entries()) == [mine]


def test_a_rotation_that_broke_off_is_finished_and_another_key_signs_nothing(
    house: House, keys: Keyring, tmp_path: Path
) -> None:
    """L3: killed after the entry and before the file was replaced."""
    found = notary(house, keys)
    write(house, 1)
    found.make()
    assert keys.file is not None
    old = keys.file.read_text()
    new = found.rotate()
    keys.file.with_name(f"{keys.file.name}.next").write_text(keys.file.read_text())
    keys.file.write_text(old)
    write(house, 1)
    assert VerifierKey.parse(found.make().key) == new
    write(house, 1)
    with pytest.raises(OtherKey):
        notary(house, Keyring(file=tmp_path / "strange")).make()


def test_a_lost_key_is_replaced_and_the_log_says_that_nobody_signed_the_change(house: House, keys: Keyring) -> None:
    found = notary(house, keys)
    write(house, 1)
    before = VerifierKey.parse(found.make().key)
    assert keys.file is not None
    keys.file.unlink()
    new = found.rotate(lost=True)
    assert lineage.followed([before], house.ledger.entries()) == [before]
    assert VerifierKey.parse(found.make().key) == new
    assert [e.fields["data"]["note"] for e in house.ledger.entries() if e.fields["kind"] == lineage.KIND] == [None]


def test_a_key_from_a_setting_is_rotated_into_a_file(house: House, keys: Keyring, tmp_path: Path) -> None:
    given = Keyring(keys.key().secret_text())
    found = notary(house, given)
    write(house, 1)
    found.make()
    with pytest.raises(NoKey, match="--to"):
        found.rotate()
    new = found.rotate(tmp_path / "new-key")
    write(house, 1)
    with pytest.raises(OtherKey):
        found.make()
    assert notary(house, Keyring((tmp_path / "new-key").read_text())).make().key == str(new)


@pytest.mark.parametrize(
    "forged",
    [
        {"note": "none"},
        {"key": "twokey/é+é+é"},
        {"at": "9999-12-31T00:00:00.000000Z"},
        {"at": "never"},
        {"peaks": b"short"},
    ],
    ids=lambda forged: next(iter(forged)),
)
def test_no_forged_checkpoint_puts_off_the_next_one_in_silence(
    house: House, keys: Keyring, forged: dict[str, object]
) -> None:
    """L3: whoever may add rows would add one for the log's end again and again, and none would ever be due."""
    found = notary(house, keys)
    write(house, 3)
    found.tick()
    made = found.latest()
    assert made
    write(house, 2)
    row = {"size": 5, "at": as_text(made.at), "note": made.note, "key": made.key, "peaks": logbook.packed(made.tree)}
    with writing(house.engine) as connection:
        connection.execute(insert(audit_checkpoints), {**row, **forged})
    found.tick()
    assert found.trouble


def test_a_clock_that_was_set_back_keeps_no_checkpoint_from_being_due(house: House, keys: Keyring) -> None:
    """A6, L3: the last one is of a year ahead by then."""
    found = notary(house, keys)
    house.clock.step(86_400 * 365)
    write(house, 1)
    found.tick()
    house.clock.step(-86_400 * 365)
    write(house, 1)
    found.tick()
    newest = found.latest()
    assert newest
    assert (newest.size, found.trouble) == (2, None)
