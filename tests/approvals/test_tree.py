"""The Merkle tree, its proofs and signed notes: by the vectors of others, by two implementations, by properties."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.errors import BadInput
from approvals.audit import EMPTY, note, proof
from approvals.audit.checkpoint import Checkpoint, notes
from approvals.audit.note import NotSigned, SignerKey, VerifierKey
from approvals.audit.proof import Nodes
from approvals.audit.tree import leaf
from tests.approvals.logs import KEY, VERIFIER, independent

OTHERS = independent()

# The tree that Certificate Transparency's implementations share as their test: eight leaves, and every root on the way.
LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

# The example of c2sp.org/signed-note.
EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)

sizes = st.integers(1, 70)


def test_the_roots_are_those_that_certificate_transparency_expects() -> None:
    """L2: RFC 6962, however the leaves come."""
    for size, root in enumerate(ROOTS, 1):
        leaves = [leaf(body) for body in LEAVES[:size]]
        one_by_one = EMPTY
        for found in leaves:
            one_by_one = one_by_one.extended([found])
        assert one_by_one.root.hex() == EMPTY.extended(leaves).root.hex() == root
    assert EMPTY.root.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def bodies(size: int) -> list[bytes]:
    return [str(n).encode() for n in range(size)]


@given(sizes, st.data())
def test_an_inclusion_proof_holds_for_its_entry_alone(size: int, data: st.DataObject) -> None:
    """L4: both verifiers; also where the log's beginning is archived."""
    index = data.draw(st.integers(0, size - 1))
    archived = data.draw(st.integers(0, index))
    log = bodies(size)
    nodes = Nodes(EMPTY.extended([leaf(body) for body in log[:archived]]), log[archived:])
    path, root = proof.inclusion(nodes, index, size), nodes.over(0, size)
    assert proof.included(log[index], index, size, path, root)
    assert OTHERS.climb(index, size - 1, path, leaf(log[index]))[1] == root
    other = data.draw(st.integers(0, size - 1).filter(lambda n: n != index or size == 1))
    assert other == index or not proof.included(log[index], other, size, path, root)
    assert not proof.included(b"forged", index, size, path, root)
    assert not path or not proof.included(log[index], index, size, path[:-1], root)


@given(sizes, st.data())
def test_a_consistency_proof_holds_for_a_log_that_only_grew(size: int, data: st.DataObject) -> None:
    """L4: and not for one whose beginning was written anew."""
    old = data.draw(st.integers(1, size))
    archived = data.draw(st.integers(0, old))
    log = bodies(size)
    nodes = Nodes(EMPTY.extended([leaf(body) for body in log[:archived]]), log[archived:])
    before, after = (EMPTY.extended([leaf(body) for body in log[:n]]).root for n in (old, size))
    path = proof.consistency(nodes, old, size)
    assert proof.consistent(old, size, path, before, after)
    claim = {"proof": "consistency", "since": old, "path": [step.hex() for step in path]}
    claim["checkpoint"] = note.signed(Checkpoint("x", size, after).text, KEY)
    assert "begins with" in OTHERS.check_proof(claim, [], {old: before})
    assert not proof.consistent(old, size, path, b"\0" * 32, after)
    assert not proof.consistent(old, size, path, before, b"\0" * 32)
    with pytest.raises(OTHERS.Bad):
        OTHERS.check_proof(claim, [], {old: b"\0" * 32})


def test_what_is_in_the_archive_alone_cannot_be_proven_without_it() -> None:
    nodes = Nodes(EMPTY.extended([leaf(body) for body in bodies(6)]), bodies(3))
    with pytest.raises(BadInput, match="--archive"):
        proof.inclusion(nodes, 2, 9)
    with pytest.raises(BadInput, match="no entry 10"):
        proof.inclusion(nodes, 9, 9)


def test_notes_of_others_are_read_and_ours_are_theirs() -> None:
    """L3: by the example of the specification, and by the verifier that shares nothing with us."""
    key = VerifierKey.parse(EXAMPLE_KEY)
    assert note.opened(EXAMPLE, [key]) == ("This is an example message.\n", key)
    assert OTHERS.read_note(EXAMPLE, [OTHERS.read_key(EXAMPLE_KEY)])[0] == "This is an example message.\n"
    ours = note.signed("hello\n", KEY)
    assert OTHERS.read_note(ours, [OTHERS.read_key(str(KEY.verifier))])[0] == "hello\n"


@given(st.integers(0, len(EXAMPLE) - 1), st.sampled_from("Ab\n —0="))
def test_no_character_of_a_note_can_be_changed(at: int, letter: str) -> None:
    """L2."""
    changed = EXAMPLE[:at] + letter + EXAMPLE[at + 1 :]
    if changed != EXAMPLE:
        with pytest.raises((NotSigned, BadInput)):
            note.opened(changed, [VerifierKey.parse(EXAMPLE_KEY)])
        with pytest.raises((OTHERS.Bad, ValueError)):
            OTHERS.read_note(changed, [OTHERS.read_key(EXAMPLE_KEY)])


def test_a_key_comes_back_from_its_text_and_hides_it() -> None:
    """L6: nothing that is printed by accident holds the secret half."""
    made = SignerKey.new("twokey/a")
    assert SignerKey.parse(f"{made.secret_text()}\n") == made
    assert VerifierKey.parse(str(made.verifier)) == made.verifier
    assert made.seed.hex() not in repr(made)
    assert repr(made.seed) not in repr(made)
    for wrong in ("", "PRIVATE+KEY+x", str(made.verifier), made.secret_text()[:-2], f"x{made.secret_text()}"):
        with pytest.raises(BadInput, match="signing key"):
            SignerKey.parse(wrong)


def test_a_file_of_many_checkpoints_is_taken_apart() -> None:
    every = [note.signed(Checkpoint("twokey/a", size, b"\0" * 32).text, KEY, KEY) for size in (1, 20, 300)]
    assert list(notes("".join(every))) == list(notes("\n".join(every))) == every
    assert OTHERS.split_notes("".join(every)) == every


def test_the_independent_verifier_calls_nothing_good_where_nothing_was_named() -> None:
    """L4: a script whose variable is empty does not pass."""
    run = subprocess.run([sys.executable, "-I", VERIFIER], capture_output=True, text=True)
    assert (run.returncode, "name the LOG.jsonl or a --proof" in run.stderr) == (2, True)


def test_the_independent_verifier_is_small_and_needs_nothing_but_the_standard_library() -> None:
    """L4: an auditor can read it in one sitting."""
    text = VERIFIER.read_text()
    imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in imports for alias in node.names}
    assert len(text.splitlines()) < 250
    assert names == {"argparse", "base64", "hashlib", "json", "pathlib", "sys"}
