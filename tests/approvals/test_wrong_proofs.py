"""What proves nothing: wrong proofs, chains and checkpoints, as both verifiers take them (L4).

Each of them is one step away from a right one, and differs from it in that step alone.
"""

from __future__ import annotations

import base64
from contextlib import nullcontext
from io import StringIO
from typing import Any

import pytest

from actions import canonical
from actions.errors import BadInput
from approvals import audit
from approvals.audit import EMPTY, GENESIS, Broken, Entry, lineage, lines, note, proof, verify
from approvals.audit.checkpoint import Checkpoint
from approvals.audit.note import NotSigned, SignerKey
from approvals.audit.proof import Nodes
from approvals.audit.tree import leaf, node
from approvals.audit.verification import Start
from tests.approvals.doubles import ANA
from tests.approvals.logs import KEY, a_log, exported, following, independent, rewritten, signed, tree_of

OTHERS = independent()
KEYS = [OTHERS.read_key(str(KEY.verifier))]
LOG = a_log(7)
NODES = Nodes(EMPTY, [row.body for row in LOG])
SIZE, TOP = len(LOG), tree_of(LOG).root
STRANGER = SignerKey("twokey/test", bytes(range(1, 33)))
OTHER = str(SignerKey("twokey/test", bytes(range(2, 34))).verifier)


def checkpoint(size: int = SIZE, root: bytes = TOP, origin: str = KEY.name, key: SignerKey = KEY) -> str:
    return note.signed(Checkpoint(origin, size, root).text, key)


def changed(path: list[bytes]) -> list[list[bytes]]:
    """Paths with a step that is another one, too few or too many."""
    others = [[*path[:n], bytes(32), *path[n + 1 :]] for n in range(len(path))]
    return [*others, path[:-1], path[1:], [*path, TOP], path[::-1], []]


def includes(row: Entry, path: list[bytes], mark: str | None = None) -> str:
    """What the independent verifier says of this proof of inclusion; it raises Bad."""
    steps = [step.hex() for step in path]
    claim = {"proof": "inclusion", "entry": audit.as_line(row), "path": steps, "checkpoint": mark or checkpoint()}
    return str(OTHERS.check_proof(claim, KEYS, {}))


@pytest.mark.parametrize("index", range(SIZE))
def test_no_other_entry_path_or_root_is_proven_to_be_in_the_log(index: int) -> None:
    row, path = LOG[index], proof.inclusion(NODES, index, SIZE)
    assert proof.included(row.body, index, SIZE, path, TOP)
    assert includes(row, path) == f"entry {index + 1} is in the log of 7 entries"
    forged = following(LOG[:index], {"forged": True})
    wrong: list[tuple[Entry, list[bytes], int, bytes]] = [
        (forged, path, SIZE, TOP),
        *((other, path, SIZE, TOP) for other in LOG if other != row),
        *((row, steps, SIZE, TOP) for steps in changed(path) if steps != path),
        (row, path, SIZE, bytes(32)),
        (row, path, index, TOP),
    ]
    for entry, steps, size, top in wrong:
        assert not proof.included(entry.body, entry.seq - 1, size, steps, top)
        with pytest.raises(OTHERS.Bad):
            includes(entry, steps, checkpoint(size, top))


@pytest.mark.parametrize("old", range(1, SIZE + 1))
def test_no_log_is_proven_to_begin_with_another(old: int) -> None:
    """Neither one that was written anew, nor by steps that are not those of its tree."""
    before, path = tree_of(LOG[:old]).root, proof.consistency(NODES, old, SIZE)
    anew = tree_of(rewritten(LOG, 0)).root

    def begins(since: int, steps: list[bytes], older: bytes, top: bytes) -> str:
        steps_ = [step.hex() for step in steps]
        claim = {"proof": "consistency", "since": since, "path": steps_, "checkpoint": checkpoint(SIZE, top)}
        return str(OTHERS.check_proof(claim, KEYS, {since: older}))

    assert proof.consistent(old, SIZE, path, before, TOP)
    assert begins(old, path, before, TOP) == f"the log of 7 entries begins with that of {old}"
    wrong = [
        (old, path, bytes(32), TOP),
        (old, path, before, anew),
        (old + 1, path, before, TOP),
        *((old, steps, before, TOP) for steps in changed(path) if steps != path),
    ]
    for since, steps, older, top in wrong:
        assert not proof.consistent(since, SIZE, steps, older, top), (since, steps)
        with pytest.raises(OTHERS.Bad):
            begins(since, steps, older, top)


def test_a_proof_needs_the_older_checkpoint_that_it_goes_out_from() -> None:
    claim = {"proof": "consistency", "since": 4, "path": [], "checkpoint": checkpoint()}
    with pytest.raises(OTHERS.Bad, match="over 4 entries is needed"):
        OTHERS.check_proof(claim, KEYS, {3: TOP})


@pytest.mark.parametrize("at", range(1, SIZE))
@pytest.mark.parametrize("after", [(1, None), (0, GENESIS)], ids=["a number left out", "another entry before"])
def test_an_entry_that_does_not_follow_is_named_without_any_checkpoint(at: int, after: tuple[int, str | None]) -> None:
    """L2: though its own hash fits, as do all those behind it."""
    skipped, prev = after
    last = LOG[at - 1]
    row = audit.entry((last.seq + skipped, prev or last.hash), "2026-11-02T09:00:00.000000Z", "x", None, ANA, {})
    log = [*LOG[:at], row]
    log.append(following(log, {"n": 0}))
    found = verify(log)
    assert isinstance(found, Broken)
    assert found.seq == at + 1
    with pytest.raises(OTHERS.Bad, match=f"entry {at + 1}: it does not follow"):
        OTHERS.check_log(StringIO(exported(log)), [], [])


@pytest.mark.parametrize("data", [{"note": 5}, {"note": "x\n\n— a b\n"}, {"note": None}, {}, [], "x"], ids=str)
def test_an_entry_that_only_looks_like_a_change_of_keys_keeps_nobody_from_verifying(data: Any) -> None:
    """L4: whoever may append to the log writes it; the keys stay what they are."""
    log = [*LOG, following(LOG, data, "audit.key.rotated")] if isinstance(data, dict) else [*LOG, _odd(data)]
    assert isinstance(verify(log), audit.Verified)
    keys = list(KEYS)
    assert OTHERS.check_log(StringIO(exported(log)), [signed(LOG)], keys) == SIZE + 1
    assert keys == KEYS
    assert lineage.followed([KEY.verifier], log) == [KEY.verifier]


def _odd(data: object) -> Entry:
    """An entry that nothing of ours writes, and whose hash fits."""
    fields = {**following(LOG, {}, "audit.key.rotated").fields, "data": data}
    body = canonical.canonical(fields)
    return Entry(SIZE + 1, body, LOG[-1].hash, audit.link(LOG[-1].hash, body))


def shifted(mark: str) -> str:
    """The same signature with the order of Ed25519's group added to its number, which RFC 8032, 5.1.7 refuses."""
    text, _, line = mark.rpartition(" ")
    raw = base64.b64decode(line)
    number = int.from_bytes(raw[36:], "little") + 2**252 + 27742317777372353535851937790883648493
    return f"{text} {base64.b64encode(raw[:36] + number.to_bytes(32, 'little')).decode()}\n"


@pytest.mark.parametrize(
    "mark",
    [
        checkpoint(key=STRANGER),
        checkpoint(origin="twokey/other"),
        checkpoint(size=6).replace("\n6\n", "\n7\n", 1),
        checkpoint(root=bytes(32)).replace("A" * 43 + "=", checkpoint().split("\n")[2], 1),
        checkpoint().rpartition("\n\n")[0] + "\n\n" + checkpoint(size=6).rpartition("\n\n")[2],
        shifted(checkpoint()),
    ],
    ids=[
        "another key of that name",
        "another log",
        "another size",
        "another root",
        "the signature of another",
        "another spelling",
    ],
)
def test_a_checkpoint_that_its_key_did_not_sign_for_its_log_is_none(mark: str) -> None:
    """L3: whatever it says of the log, and though all of it may be true."""
    with pytest.raises((NotSigned, BadInput)):
        Checkpoint.opened(mark, [KEY.verifier])
    for check in (
        lambda: OTHERS.check_log(StringIO(exported(LOG)), [mark], list(KEYS)),
        lambda: includes(LOG[0], [], mark),
    ):
        with pytest.raises(OTHERS.Bad, match=r"no key that is trusted|signature .* is wrong|of twokey/other"):
            check()


def test_a_proof_has_just_as_many_steps_as_a_tree_of_that_size() -> None:
    """Whatever root was signed (RFC 9162, 2.1.3.2)."""
    path, top = proof.inclusion(NODES, 0, 4), tree_of(LOG[:4]).root
    for size, steps, root in ((7, path, top), (4, [*path, TOP], node(TOP, top))):
        assert not proof.included(LOG[0].body, 0, size, steps, root)
        with pytest.raises(OTHERS.Bad, match=r"too (short|long)"):
            includes(LOG[0], steps, checkpoint(size, root))


@pytest.mark.parametrize("number", [0, 5])
def test_no_entry_is_proven_that_no_log_of_that_size_can_have(number: int) -> None:
    """L2: though the tree holds it."""
    row = audit.entry((number - 1, GENESIS), "2026-11-02T09:00:00.000000Z", "x", None, ANA, {})
    assert not proof.included(row.body, number - 1, 1, [], leaf(row.body))
    with pytest.raises(OTHERS.Bad, match=f"entry {number} is not in the log"):
        includes(row, [], checkpoint(1, leaf(row.body)))


def test_a_key_hands_on_by_a_note_that_says_so_of_itself_and_by_no_other() -> None:
    """L3: whatever else a trusted key signed, or an entry says."""
    right = lineage.handed_on(KEY, STRANGER.verifier)
    of_another = note.signed(str(right["note"]).partition("\n\n")[0].replace(str(KEY.verifier), OTHER) + "\n", KEY)
    for said in (right, {**right, "note": signed(LOG)}, {**right, "before": OTHER, "note": of_another}):
        log = [*LOG, following(LOG, said, lineage.KIND)]
        known = lineage.followed([KEY.verifier], log)
        assert known == [KEY.verifier, *([STRANGER.verifier] if said is right else [])]
        with nullcontext() if said is right else pytest.raises(OTHERS.Bad, match="no key that is trusted"):
            OTHERS.check_log(StringIO(exported(log)), [signed(log, STRANGER)], list(KEYS))


def test_a_checkpoint_over_less_than_was_archived_says_nothing_of_the_rest() -> None:
    """L2: what comes after the archive alone cannot be held against it."""
    rest = f"{lines.as_first_line(Start(LOG[3].hash, tree_of(LOG[:4])))}\n{exported(LOG[4:])}"
    assert OTHERS.check_log(StringIO(rest), [signed(LOG[:4]), signed(LOG[:6])], list(KEYS)) == SIZE
    with pytest.raises(OTHERS.Bad, match="entry 3: after entry 4"):
        OTHERS.check_log(StringIO(rest), [signed(LOG[:3])], list(KEYS))


def test_the_right_checkpoint_is_one() -> None:
    assert Checkpoint.opened(checkpoint(), [KEY.verifier]) == Checkpoint(KEY.name, SIZE, TOP)
    assert OTHERS.check_log(StringIO(exported(LOG)), [signed(LOG), signed(LOG[:3])], list(KEYS)) == SIZE


def test_a_signature_is_one_in_its_one_spelling_alone() -> None:
    """RFC 8032, 5.1.7: S below the group's order, and 5.1.3: no sign where x is 0."""
    public, text = KEYS[0][2], b"hello\n"
    signature = base64.b64decode(note.signed("hello\n", KEY).splitlines()[-1].split(" ")[2])[4:]
    assert OTHERS.ed25519(public, text, signature)
    again = int.from_bytes(signature[32:], "little") + OTHERS.L
    assert not OTHERS.ed25519(public, text, signature[:32] + again.to_bytes(32, "little"))
    for y in (1, OTHERS.P - 1):
        assert OTHERS.decoded(y.to_bytes(32, "little")) == (0, y, 1, 0)
        assert OTHERS.decoded((y | 1 << 255).to_bytes(32, "little")) is None
    assert OTHERS.decoded((OTHERS.P + 1).to_bytes(32, "little")) is None
