"""The log: what was done to it shows, and it tells the whole story."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.errors import BadInput
from actions.plan import Plan
from approvals import audit
from approvals.audit import EMPTY, GENESIS, Broken, Entry, Mark, Verified
from approvals.audit.tree import leaf
from approvals.request import State
from tests.approvals.doubles import ANA, BEN, CARLA, DEV, PAYMENTS, House


def a_log(size: int, of: str = "n") -> list[Entry]:
    """A log of so many entries."""
    log: list[Entry] = []
    for n in range(size):
        last = (log[-1].seq, log[-1].hash) if log else (0, GENESIS)
        log.append(audit.entry(last, "2026-11-02T09:00:00.000000Z", "service.started", None, ANA, {of: n}))
    return log


SLACK = 20  # the machine may be doing something else


def checkpoint(log: list[Entry]) -> list[Mark]:
    """What a checkpoint says of it that was kept elsewhere."""
    tree = EMPTY.extended([leaf(row.body) for row in log])
    return [Mark(len(log), log[-1].hash if log else GENESIS, tree.root)]


def forged(log: list[Entry], at: int) -> list[Entry]:
    """Somebody who rewrites every hash from an entry on, with a body of their own there."""
    made = log[:at]
    for n, old in enumerate(log[at:], at):
        data = {"forged": True} if n == at else old.fields["data"]
        last = (made[-1].seq, made[-1].hash) if made else (0, GENESIS)
        made.append(audit.entry(last, old.fields["at"], old.fields["kind"], None, ANA, data))
    return made


sizes, places = st.integers(2, 12), st.integers(0, 11)


def test_an_untouched_log_is_verified() -> None:
    """L2."""
    for size in (0, 1, 9):
        log = a_log(size)
        head = checkpoint(log)
        found = audit.verify(log)
        assert found == audit.verify(log, head)
        assert isinstance(found, Verified)
        assert (found.count, found.head, found.tree.root) == (size, head[0].head, head[0].root)


@given(sizes, places, st.integers(0, 10_000), st.integers(0, 7))
def test_one_flipped_bit_is_found_where_it_is(size: int, at: int, byte: int, bit: int) -> None:
    """L2: flip, in the body; the first bad entry is named."""
    log = a_log(size)
    at %= size
    body = bytearray(log[at].body)
    body[byte % len(body)] ^= 1 << bit
    log[at] = log[at]._replace(body=bytes(body))
    found = audit.verify(log)
    assert isinstance(found, Broken)
    assert found.seq == at + 1


@given(sizes, places, st.sampled_from(["prev", "hash", "seq"]))
def test_a_changed_hash_or_number_is_found_where_it_is(size: int, at: int, field: str) -> None:
    """L2: flip, beside the body."""
    log = a_log(size)
    at %= size
    changed: dict[str, Any] = {field: size + 5 if field == "seq" else "f" * 64}
    log[at] = log[at]._replace(**changed)
    found = audit.verify(log)
    assert isinstance(found, Broken)
    assert found.seq == at + 1


@given(sizes, places)
def test_a_deleted_entry_is_found_where_it_was(size: int, at: int) -> None:
    """L2: delete; of the last one only the checkpoint knows."""
    log = a_log(size)
    head = checkpoint(log)
    at %= size
    del log[at]
    found = audit.verify(log, head)
    assert isinstance(found, Broken)
    assert found.seq == at + 1


@given(sizes, places, places)
def test_swapped_entries_are_found_at_the_first(size: int, one: int, other: int) -> None:
    """L2: swap, whether their numbers go with them or not."""
    one, other = one % size, other % size
    if one == other:
        return
    for keep_numbers in (True, False):
        log = a_log(size)
        log[one], log[other] = log[other], log[one]
        if keep_numbers:
            log = [row._replace(seq=n + 1) for n, row in enumerate(log)]
        found = audit.verify(log)
        assert isinstance(found, Broken)
        assert found.seq == min(one, other) + 1


@given(sizes, places, st.booleans())
def test_an_inserted_entry_is_found(size: int, at: int, renumbered: bool) -> None:
    """L2: insert, also with everything after it renumbered."""
    log = a_log(size)
    at %= size
    last = (log[at - 1].seq, log[at - 1].hash) if at else (0, GENESIS)
    log.insert(at, audit.entry(last, "x", "request.approved", None, BEN, {}))
    if renumbered:
        log = [row._replace(seq=n + 1) for n, row in enumerate(log)]
    found = audit.verify(log)
    assert isinstance(found, Broken)
    assert at + 1 <= found.seq <= at + 2


@given(sizes, places)
def test_a_cut_off_log_is_whole_by_itself_and_broken_against_the_checkpoint(size: int, left: int) -> None:
    """L2: truncate, which only a checkpoint that is held elsewhere shows."""
    log = a_log(size)
    head = checkpoint(log)
    left %= size
    assert isinstance(audit.verify(log[:left]), Verified)
    found = audit.verify(log[:left], head)
    assert isinstance(found, Broken)
    assert found.seq == left + 1


@given(sizes, places, st.integers(0, 3))
def test_a_log_that_was_rewritten_with_all_its_hashes_shows_against_the_checkpoint(
    size: int, at: int, more: int
) -> None:
    """L2: roll back and write on; also where it has become longer than the checkpoint."""
    log = a_log(size)
    head = checkpoint(log)
    other = forged(log, at % size)
    for _ in range(more):
        other.append(audit.entry((other[-1].seq, other[-1].hash), "x", "service.started", None, None, {}))
    assert isinstance(audit.verify(other), Verified)
    assert isinstance(audit.verify(other, head), Broken)


def test_a_log_that_only_grew_agrees_with_an_older_checkpoint() -> None:
    """L2."""
    log = a_log(8)
    assert isinstance(audit.verify(log, checkpoint(log[:5])), Verified)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), json_values))
def test_an_export_comes_back_as_it_was_whatever_it_holds(data: dict[str, str]) -> None:
    """L2, L4: the lines of an export carry everything that its verification needs."""
    log = [audit.entry((0, GENESIS), "now", "x", "r", ANA, data)]
    lines = [audit.as_line(row) for row in log]
    assert [audit.from_line(line) for line in lines] == log
    assert all(line.isascii() and "\n" not in line for line in lines)


@pytest.mark.parametrize("line", ["", "[]", "{}", "null", '{"seq":1}', "garbage"])
def test_a_line_that_is_no_entry_is_refused(line: str) -> None:
    with pytest.raises(BadInput, match="no entry"):
        audit.from_line(line)


def test_a_field_that_the_hash_does_not_cover_is_refused_in_an_export() -> None:
    """L2: nothing rides along unseen."""
    line = json.loads(audit.as_line(a_log(1)[0]))
    with pytest.raises(BadInput, match="comment"):
        audit.from_line(json.dumps({**line, "comment": "looks fine"}))


def lead_a_life(house: House) -> None:
    """Requests that end in most of the ways there are."""
    gate = house.gate
    for end in ("run", "deny", "withdraw", "unknown", "refused"):
        request = house.asked()
        digest = request.plan.digest
        if end == "deny":
            gate.decide(request.id, digest, CARLA, approve=False)
        elif end == "withdraw":
            gate.withdraw(request.id, ANA)
        else:
            gate.decide(request.id, digest, BEN, approve=True)
            house.folk.groups["sre"] = frozenset({BEN, CARLA} if end != "refused" else {CARLA})
            house.hands.outcome = house.hands.outcome.model_copy(update={"ok": None if end == "unknown" else True})
            gate.run(request.id)
            house.folk.groups["sre"] = frozenset({BEN, CARLA})
    half = house.asked(PAYMENTS)
    gate.decide(half.id, half.plan.digest, CARLA, approve=True)
    house.asked(DEV)
    house.clock.advance(3600)
    gate.tick()


def test_replaying_the_log_gives_every_requests_state(house: House) -> None:
    """L5."""
    lead_a_life(house)
    states = audit.replay(entry.fields for entry in house.ledger.entries())
    assert states == house.ledger.states()
    assert set(states.values()) >= {State.SUCCEEDED, State.DENIED, State.WITHDRAWN, State.EXPIRED, State.REFUSED}
    assert audit.disagreement(states, house.ledger.states()) is None


def test_a_table_that_says_something_else_than_the_log_is_found() -> None:
    """L5."""
    odd = audit.disagreement({"a": State.DENIED}, {"a": State.SUCCEEDED})
    assert odd == "request a is succeeded in the table and denied in the log"
    assert audit.disagreement({}, {"b": State.READY}) == "request b is ready in the table and not there in the log"


def test_a_log_that_tells_of_an_impossible_step_is_not_replayed() -> None:
    """L5, A11."""
    events = [
        {"seq": 1, "request": "r", "data": {"state": "waiting"}},
        {"seq": 2, "request": "r", "data": {"state": "running"}},
    ]
    with pytest.raises(BadInput, match="Entry 2: request r cannot go from waiting to running"):
        audit.replay(events)


@pytest.mark.parametrize("state", ["done", None, ["ready"]], ids=str)
def test_a_log_that_tells_of_a_state_that_is_none_is_not_replayed(state: object) -> None:
    """L5: whoever may append writes it; the entry is named, and `twokey audit verify` does not fall over."""
    odd: list[dict[str, object]] = [{"seq": 1, "request": "r", "data": []}]
    odd.append({"seq": 2, "request": "r", "data": {"state": state}})
    with pytest.raises(BadInput, match="Entry 2: it brings request r into a state that is none"):
        audit.replay(odd)


def test_the_log_has_what_is_needed_to_know_what_was_approved_and_sent(house: House) -> None:
    """L1: the whole plan, the digest, who decided, the patch that was sent, the policy that held, the outcome."""
    ready = house.approved()
    house.gate.run(ready.id)
    submitted, approved, running, succeeded = (entry.fields for entry in house.ledger.entries())
    assert Plan.model_validate(submitted["data"]["plan"]) == ready.plan
    assert Plan.model_validate(submitted["data"]["plan"]).digest == submitted["data"]["digest"]
    assert (approved["actor"], approved["data"]["digest"]) == (
        {"team": BEN.team_id, "user": BEN.user_id},
        ready.plan.digest,
    )
    assert running["data"]["patch"] == ready.plan.patch.for_request(ready.id).model_dump(mode="json")
    assert running["data"]["policy"] == house.gate.policy.version
    assert (succeeded["data"]["ok"], succeeded["data"]["summary"]) == (True, "done")


def test_verification_walks_without_parsing() -> None:
    """L2: 100,000 entries a second, with room for a busy machine."""
    log = a_log(20_000)
    start = time.process_time()
    assert isinstance(audit.verify(log), Verified)
    assert time.process_time() - start < 0.2 * SLACK
