"""The log under somebody who can write to its disk: every byte, every row, and its key, given an older checkpoint (L2).

Both verifiers walk a log from its first entry and stop at the first bad one; what they say of entry n depends on the
entries before it alone through the state that they carry. So a flip in entry n is checked by walking on from the state
after entry n - 1, which gives the answer of a walk over the whole log, and a million walks become affordable.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest

from approvals import audit
from approvals.audit import Broken, Entry, Mark, Start, lines, note
from approvals.audit.checkpoint import Checkpoint
from approvals.audit.tree import leaf
from approvals.audit.verification import BEGINNING, verify
from tests.approvals.doubles import House, a_house
from tests.approvals.logs import KEY, a_log, exported, following, independent, rewritten, signed, verify_log

SIZE, OLDER = 1000, 900
OTHERS = independent()
LOG = a_log(SIZE)
NOTE = signed(LOG[:OLDER])
MARK = Checkpoint.parse(note.opened(NOTE, [KEY.verifier])[0]).mark


def said(log: list[Entry]) -> tuple[int | None, int | None]:
    """The first bad entry by the product and by the other verifier; None where they find none."""
    found = verify(log, [MARK])
    try:
        OTHERS.check_log(StringIO(exported(log)), [NOTE], [OTHERS.read_key(str(KEY.verifier))])
    except OTHERS.Bad as bad:
        return (found.seq if isinstance(found, Broken) else None), int(str(bad).split()[1].rstrip(":"))
    return (found.seq if isinstance(found, Broken) else None), None


def test_an_untouched_log_agrees_with_its_older_checkpoint() -> None:
    """L2."""
    assert said(LOG) == (None, None)


def test_every_byte_of_every_stored_entry_flipped_in_turn_is_found_at_its_entry(
    record_property: Callable[[str, object], None],
) -> None:
    """L2: body, previous hash, own hash and number, by the product."""
    flips, start = 0, BEGINNING
    for row in LOG:
        for at in range(len(row.body)):
            body = bytearray(row.body)
            body[at] ^= 1 << at % 8
            assert _first_bad([row._replace(body=bytes(body))], start) == row.seq
        for field in ("prev", "hash"):
            written = getattr(row, field)
            for at, letter in enumerate(written):
                other = written[:at] + chr(ord(letter) ^ 1 << at % 7) + written[at + 1 :]
                assert _first_bad([row._replace(**{field: other})], start) == row.seq
        for bit in range(12):
            assert _first_bad([row._replace(seq=row.seq ^ 1 << bit)], start) == row.seq
        flips += len(row.body) + len(row.prev) + len(row.hash) + 12
        start = Start(row.hash, start.tree.extended([leaf(row.body)]))
    record_property("flips", flips)
    assert flips > 250_000


def _first_bad(rows: list[Entry], start: Start) -> int | None:
    found = verify(rows, start=start)
    return found.seq if isinstance(found, Broken) else None


def test_every_byte_of_an_export_flipped_in_turn_is_found_at_its_entry() -> None:
    """L2, L4: by the verifier that shares no code with the product, and by the product's reading of a line."""
    flips, head = 0, audit.GENESIS
    for row in LOG:
        line = audit.as_line(row)
        for at, letter in enumerate(line):
            other = line[:at] + chr(ord(letter) ^ 1 << at % 7) + line[at + 1 :]
            with pytest.raises(OTHERS.Bad, match=f"entry {row.seq}:"):
                OTHERS.check_entry(other, row.seq, head)
        flips += len(line)
        head = row.hash
    assert flips > 300_000


def test_a_flip_anywhere_in_the_file_is_found_by_the_verifiers_own_process(tmp_path: Path) -> None:
    """L4: as an auditor runs it; line ends and the last byte among them."""
    text, file, mark = exported(LOG), tmp_path / "log.jsonl", tmp_path / "mark"
    mark.write_text(NOTE)
    file.write_text(text)
    assert verify_log(file, "--checkpoint", mark, "--key", str(KEY.verifier))[0] == 0
    for at in (0, text.index("\n"), len(text) // 2, len(text) - 2):
        file.write_bytes(text[:at].encode() + bytes([ord(text[at]) ^ 4]) + text[at + 1 :].encode())
        code, words = verify_log(file, "--checkpoint", mark, "--key", str(KEY.verifier))
        assert (code, f"BAD: entry {text[:at].count(chr(10)) + 1}:" in words) == (1, True)


@pytest.mark.parametrize("at", range(0, SIZE, 37))
def test_rows_swapped_inserted_deleted_or_replaced_are_found_at_the_first(at: int) -> None:
    """L2: whether the numbers go with them or not."""
    other = (at * 7 + 11) % SIZE
    low, high = sorted((at, other))
    swapped = LOG.copy()
    swapped[low], swapped[high] = swapped[high], swapped[low]
    renumbered = [row._replace(seq=n) for n, row in enumerate(swapped, 1)]
    inserted = [*LOG[:at], following(LOG[:at], {"forged": True}), *LOG[at:]]
    replaced = [*LOG[:at], following(LOG[:at], {"forged": True}), *LOG[at + 1 :]]
    deleted = LOG[:at] + LOG[at + 1 :]
    assert said(swapped) == (low + 1, low + 1)
    assert verify(renumbered, [MARK]) == Broken(low + 1, "it does not follow the entry before it", low)
    for forged in (inserted, replaced):
        product, others = said(forged)
        assert product == others == at + 2 or (at == SIZE - 1 and product == others is None)
    assert said(deleted) == ((None, None) if at == SIZE - 1 else (at + 1, at + 1))


@pytest.mark.parametrize("left", [0, 1, OLDER // 2, OLDER - 1])
def test_a_log_cut_off_or_rolled_back_is_found_also_when_it_was_written_on(left: int) -> None:
    """L2: by nothing but the older checkpoint."""
    rolled = LOG[:left]
    assert said(rolled) == (left + 1, left + 1)
    while len(rolled) < SIZE:
        rolled.append(following(rolled, {"after": left}))
    assert said(rolled) == (OLDER, OLDER)


@pytest.mark.parametrize("at", [0, 1, OLDER // 2, OLDER - 1])
def test_a_history_that_the_keys_holder_signed_anew_is_found(at: int, tmp_path: Path) -> None:
    """L2: chain, tree and new checkpoints all fit one another, and still the older checkpoint does not."""
    forged = rewritten(LOG, at)
    anew = Checkpoint.parse(note.opened(signed(forged), [KEY.verifier])[0]).mark
    assert isinstance(verify(forged, [anew]), audit.Verified)
    assert said(forged) == (OLDER, OLDER)
    known = Mark(at, root=audit.EMPTY.extended([leaf(row.body) for row in LOG[:at]]).root)
    found = verify(forged, [known, MARK, anew])
    assert isinstance(found, Broken)
    assert (found.after, found.seq) == (at, OLDER), "what agreed before narrows it down"
    file, marks = tmp_path / "log", tmp_path / "marks"
    file.write_text(exported(forged))
    marks.write_text(NOTE + signed(forged))
    code, words = verify_log(file, "--checkpoint", marks, "--key", str(KEY.verifier))
    assert (code, f"entry {OLDER}:" in words) == (1, True)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return a_house(tmp_path / "twokey.db")


@pytest.mark.sqlite
def test_a_store_file_that_is_put_back_or_replaced_row_by_row_is_found(house: House) -> None:
    """L2: INSERT OR REPLACE past a dropped trigger, and yesterday's file in today's place."""
    for n in range(20):
        house.ledger.note("service.started", {"n": n})
    mark = house.ledger.head()
    house.engine.dispose()
    raw = sqlite3.connect(house.path, isolation_level=None)
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    yesterday = house.path.read_bytes()
    house.ledger.note("service.started", {"n": 20})
    later = house.ledger.head()
    raw.execute("DROP TRIGGER audit_events_no_insert")
    raw.execute(
        "INSERT OR REPLACE INTO audit_events SELECT seq, request_id, prev, hash, replace(body, 'n', 'm') "
        "FROM audit_events WHERE seq = 7"
    )
    raw.close()
    found = verify(house.ledger.entries(), [mark])
    assert isinstance(found, Broken)
    assert found.seq == 7
    house.engine.dispose()
    house.path.write_bytes(yesterday)
    assert isinstance(verify(house.ledger.entries(), [mark]), audit.Verified)
    rolled = verify(house.ledger.entries(), [later])
    assert isinstance(rolled, Broken)
    assert rolled.seq == 21
    house.close()


def test_a_line_that_says_the_same_in_other_bytes_is_refused() -> None:
    """L2: every byte of an export counts, also those that JSON does not care for."""
    line = audit.as_line(LOG[0])
    for other in (line.replace("\\u00e9", "\\u00E9"), line.replace(",", ", ", 1), line + " ", "{}" + line):
        assert other != line
        with pytest.raises(Exception, match="no entry"):
            lines.from_line(other)
