"""L1, E1 and E3: at most one effect for an approval, whatever breaks and wherever."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actions.errors import Denied, GrantRefused, NotFound, StalePlan, TwokeyError, Unreachable
from actions.outcome import Outcome, Quote, Step, Suggestion, TextFile
from approvals import audit, keepsakes
from approvals.gate import DecisionRefused
from approvals.recollection import Recollection
from approvals.request import State
from approvals.runner import LEASE
from approvals.store import StoreDown
from tests.approvals.doubles import ANA, BEN, CARLA, DEV, DONE, DORA, Hands, House, a_house, in_threads

ROOT = Path(__file__).parents[2]


class Crash(BaseException):
    """The process is gone: nothing of ours handles this."""


def crash() -> None:
    raise Crash


def fail(error: Exception) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


def test_running_is_on_disk_before_the_effect(house: House, beside: Callable[[], House]) -> None:
    """L1: at the moment of the effect another process already reads the intent, with the patch that will be sent."""
    ready, other = house.approved(), beside()
    seen: list[object] = []

    def look() -> None:
        last = list(other.ledger.entries())[-1].fields
        seen.extend((other.ledger.get(ready.id).state, last["kind"], last["data"]["patch"]["body"]["metadata"]))

    house.hands.before_effect = look
    house.gate.run(ready.id)
    assert seen[:2] == [State.RUNNING, "request.running"]
    assert seen[2] == {"annotations": {"twokey.dev/request": ready.id}}


def test_an_approval_is_used_once(house: House) -> None:
    """E1: running it again runs nothing."""
    ready = house.approved()
    for _ in range(3):
        assert house.gate.run(ready.id).state is State.SUCCEEDED
    assert house.hands.effects == [ready.id]


def test_a_runner_that_comes_second_does_nothing(house: House, beside: Callable[[], House]) -> None:
    """E1: another process ran it while this one still looked at the target."""
    ready, other = house.approved(), beside()

    def overtaken() -> None:
        house.hands.during_check = lambda: None
        other.gate.run(ready.id)

    house.hands.during_check = overtaken
    assert house.gate.run(ready.id).state is State.SUCCEEDED
    assert house.hands.effects == [ready.id]


def test_asking_a_run_to_run_again_does_not_make_it_an_orphan(house: House) -> None:
    """E1: the same process keeps holding it."""
    ready = house.approved()
    states: list[State] = []

    def again() -> None:
        states.append(house.gate.run(ready.id).state)
        house.gate.tick()
        states.append(house.ledger.get(ready.id).state)

    house.hands.after_effect = again
    assert house.gate.run(ready.id).state is State.SUCCEEDED
    assert states == [State.RUNNING, State.RUNNING]


@pytest.mark.parametrize("attempt", range(5))
def test_many_runners_at_once_have_one_effect(house: House, beside: Callable[[], House], attempt: int) -> None:
    """E1: threads of one process and other processes' gates, all at the same moment."""
    ready = house.approved()
    gates = [house.gate, house.gate, beside().gate, beside().gate]
    results = in_threads(*(lambda gate=gate: gate.run(ready.id) for gate in gates))
    assert house.hands.effects == [ready.id]
    assert house.ledger.get(ready.id).state is State.SUCCEEDED
    assert not [result for result in results if isinstance(result, TwokeyError)]
    assert house.kinds().count("request.running") == 1


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (StalePlan("someone set replicas to 4"), State.FAILED),
        (GrantRefused(), State.FAILED),
        (Denied(), State.FAILED),
        (Unreachable(), State.UNKNOWN),
        (RuntimeError("a bug"), State.UNKNOWN),
    ],
)
def test_what_breaks_in_the_run_is_failed_where_nothing_happened_and_unknown_where_it_may_have(
    house: House, error: Exception, state: State
) -> None:
    """E1: nothing is tried again; a running request cannot go stale any more."""
    ready = house.approved()
    house.hands.before_effect = fail(error)
    after = house.gate.run(ready.id)
    assert after.state is state
    house.hands.before_effect = lambda: None
    house.gate.run(ready.id)
    assert house.hands.effects == []


@pytest.mark.parametrize("happened", [False, True])
def test_an_unknown_outcome_is_settled_by_reading_only(house: House, happened: bool) -> None:
    """E1: unknown, said so, and settled once the cluster can be read."""
    ready = house.approved()
    breaks = fail(Unreachable())
    if happened:
        house.hands.after_effect = breaks
    else:
        house.hands.before_effect = breaks
    assert house.gate.run(ready.id).state is State.UNKNOWN
    house.hands.can_read_back = False
    house.gate.tick()
    assert house.ledger.get(ready.id).state is State.UNKNOWN
    house.hands.can_read_back = True
    house.gate.tick()
    settled = house.ledger.get(ready.id)
    assert settled.state is (State.SUCCEEDED if happened else State.FAILED)
    assert house.hands.effects == [ready.id] * happened
    assert list(house.ledger.entries())[-1].fields["data"]["source"] == "reading"


@pytest.mark.parametrize("happened", [False, True])
def test_a_dead_runner_is_found_by_its_lease_and_its_effect_by_reading(
    house: House, beside: Callable[[], House], happened: bool
) -> None:
    """E1, E2: it broke off in the middle without a word; the next process neither repeats nor forgets it."""
    ready = house.approved()
    if happened:
        house.hands.after_effect = crash
    else:
        house.hands.before_effect = crash
    with pytest.raises(Crash):
        house.gate.run(ready.id)
    house.hands.after_effect = house.hands.before_effect = lambda: None
    other = beside()
    other.gate.tick()
    assert other.ledger.get(ready.id).state is State.RUNNING, "its runner may still be alive"
    assert other.gate.run(ready.id).state is State.RUNNING
    house.clock.advance(LEASE.total_seconds())
    other.gate.tick()
    assert other.ledger.get(ready.id).state is (State.SUCCEEDED if happened else State.FAILED)
    assert house.hands.effects == [ready.id] * happened
    assert other.kinds()[-2:] == ["request.unknown", "request.succeeded" if happened else "request.failed"]


def test_a_runner_that_lives_keeps_its_run_however_long_it_takes(house: House, beside: Callable[[], House]) -> None:
    """E1: its ticks say that it lives; another process leaves it alone."""
    ready, other = house.approved(), beside()
    states: list[State] = []

    def watch() -> None:
        for _ in range(5):
            house.clock.advance(LEASE.total_seconds() - 1)
            house.gate.tick()
            other.gate.tick()
            states.append(other.ledger.get(ready.id).state)

    house.hands.after_effect = watch
    assert house.gate.run(ready.id).state is State.SUCCEEDED
    assert states == [State.RUNNING] * 5


def test_a_runner_that_was_taken_for_dead_does_not_overwrite_what_was_read(
    house: House, beside: Callable[[], House]
) -> None:
    """E2: it paused for longer than its lease, before its effect; what it says later is noted, not believed."""
    ready, other = house.approved(), beside()

    def paused() -> None:
        house.clock.advance(LEASE.total_seconds())
        other.gate.tick()

    house.hands.before_effect = paused
    after = house.gate.run(ready.id)
    assert other.ledger.get(ready.id).state is State.FAILED
    assert after.state is State.FAILED
    assert house.kinds()[-1] == "outcome.late"


@pytest.mark.parametrize("where", ["before", "after"])
def test_killed_at_any_point_it_has_happened_at_most_once(tmp_path: Path, where: str) -> None:
    """E1, E2, L1: SIGKILL of a real process; the log is whole, and the next one settles it by reading."""
    path, cluster = tmp_path / "twokey.db", tmp_path / "cluster"
    house = a_house(path)
    ready = house.approved()
    program = [sys.executable, "-m", "tests.approvals.killed", house.url, ready.id, where, str(cluster)]
    with subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        assert child.stdout.readline() == "here\n"
        child.kill()
    house.hands.effects = cluster.read_text().split() if cluster.exists() else []
    assert house.ledger.get(ready.id).state is State.RUNNING
    house.clock.advance(LEASE.total_seconds())
    house.gate.tick()
    assert house.ledger.get(ready.id).state is (State.SUCCEEDED if where == "after" else State.FAILED)
    house.gate.run(ready.id)
    assert house.hands.effects == [ready.id] * (where == "after")
    assert isinstance(audit.verify(house.ledger.entries()), audit.Verified)
    house.close()


@pytest.mark.sqlite
def test_a_store_that_fails_after_the_effect_loses_nothing(house: House) -> None:
    """L1, E1: the outcome could not be written, so it is not acknowledged; the next tick reads it back."""
    ready = house.approved()
    house.hands.outcome = Outcome(ok=True, summary="long " * 10_000)
    house.hands.after_effect = house.fill_store
    with pytest.raises(StoreDown):
        house.gate.run(ready.id)
    house.empty_store()
    assert house.ledger.get(ready.id).state is State.RUNNING
    house.gate.tick()
    assert house.ledger.get(ready.id).state is State.SUCCEEDED
    assert house.hands.effects == [ready.id]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (StalePlan("someone set replicas to 4: 4 → 5 now"), State.STALE),
        (NotFound(), State.STALE),
        (Denied(), State.REFUSED),
    ],
)
def test_a_target_that_moved_is_not_touched(house: House, error: TwokeyError, state: State) -> None:
    """A1: what was shown no longer holds; the reason says what moved."""
    ready = house.approved()
    house.hands.check_error = error
    after = house.gate.run(ready.id)
    assert (after.state, after.reason, house.hands.effects) == (state, error.say, [])


def test_while_the_cluster_cannot_be_read_a_ready_request_stays_ready_until_it_expires(house: House) -> None:
    """E1, A6: nothing was done, so it may be tried again; but not for ever."""
    ready = house.approved()
    house.hands.check_error = Unreachable()
    with pytest.raises(Unreachable):
        house.gate.run(ready.id)
    assert house.ledger.ready() == [ready.model_copy(update={"rev": house.ledger.get(ready.id).rev})]
    house.clock.advance(15 * 60)
    assert house.gate.run(ready.id).state is State.EXPIRED


def test_two_requests_on_one_target_run_one_after_the_other(house: House, beside: Callable[[], House]) -> None:
    """E3: the second stays ready while the first runs, and is read again before its turn."""
    first, second, elsewhere = house.approved(), house.approved(), house.asked(DEV)
    other = beside()
    meanwhile: list[State] = []

    def during() -> None:
        house.hands.after_effect = lambda: None
        meanwhile.extend((other.gate.run(second.id).state, other.gate.run(elsewhere.id).state))

    house.hands.after_effect = during
    assert house.gate.run(first.id).state is State.SUCCEEDED
    assert meanwhile == [State.READY, State.SUCCEEDED]
    house.hands.check_error = StalePlan("the first one changed it")
    assert other.gate.run(second.id).state is State.STALE
    assert house.hands.effects == [first.id, elsewhere.id]


def test_whoever_keeps_the_thread_finds_the_whole_outcome_in_the_ledger(
    house: House, beside: Callable[[], House]
) -> None:
    """Another process than the one that ran it: what came of it, its next steps, and every piece of evidence."""
    steps = (Suggestion(label="Status", action={"verb": "status", "service": "checkout", "environment": "prod"}),)
    pieces = (*DONE.evidence, Quote(title="Events", lines=("OOMKilled",)))
    house.hands.outcome = Outcome(ok=False, summary="2 pods crash", evidence=pieces, suggestions=steps)
    done = house.gate.run(house.approved().id)
    elsewhere = beside().ledger
    assert elsewhere.get(done.id).outcome == Outcome(ok=False, summary="2 pods crash", suggestions=steps)
    assert elsewhere.evidence(done.id) == pieces
    assert elsewhere.evidence("another") == ()


def test_evidence_that_is_too_large_is_left_out_and_said(house: House) -> None:
    """One piece without measure fills no store, and takes nothing away from the others."""
    large, small = TextFile(name="all.log", content="x" * keepsakes.MOST), TextFile(name="tail.log", content="x")
    house.hands.outcome = Outcome(ok=True, summary="done", evidence=(large, small))
    done = house.gate.run(house.approved().id)
    assert house.ledger.evidence(done.id) == (small,)
    assert done.outcome is not None
    assert done.outcome.details == ("1 piece of evidence was too large to be kept.",)


def test_steps_are_kept_while_it_runs_and_rung_but_not_audited(house: House) -> None:
    rung: list[str] = []
    house.ledger.on_change = lambda request_id, *_: rung.append(request_id)
    house.hands.steps = (Step(text="1 of 2", done=1, total=2), Step(text="2 of 2", done=2, total=2))
    ready = house.approved()
    done = house.gate.run(ready.id)
    assert done.step is None
    assert rung == [ready.id] * 6  # submitted, approved, running, two steps, succeeded
    assert house.ledger.get(ready.id).rev == 5
    assert "2 of 2" not in str([entry.body for entry in house.ledger.entries()])


def test_those_concerned_can_stop_watching(house: House, beside: Callable[[], House]) -> None:
    """Also from another process than the one that runs it."""
    ready, other = house.approved(), beside()
    with pytest.raises(DecisionRefused, match="not running"):
        other.gate.stop(ready.id, ANA)

    def stop() -> None:
        for stranger in (DORA, CARLA):
            with pytest.raises(DecisionRefused, match="Only those"):
                other.gate.stop(ready.id, stranger)
        other.gate.stop(ready.id, BEN)

    house.hands.after_effect = stop
    house.gate.run(ready.id)
    assert house.hands.stopped
    assert "request.unwatched" in house.kinds()


def test_history_remembers_what_ran_and_leaves_out_what_was_only_asked(house: House) -> None:
    since = house.clock.now()
    ran, _ = house.approved(), house.asked()
    house.clock.advance(60)
    house.gate.run(ran.id)
    (record,) = Recollection(house.ledger).recent("checkout", "prod", since)
    assert (record.request_id, record.state, record.summary) == (ran.id, "succeeded", "done")
    assert (record.asked_by, record.approved_by) == (ANA.user_id, (BEN.user_id,))
    assert Recollection(house.ledger).recent("cart", "prod", since) == []


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    breaks=st.sampled_from(["", "before", "after"]),
    how=st.sampled_from([Crash(), Unreachable(), StalePlan(), RuntimeError("bug")]),
    tries=st.integers(1, 3),
    readable=st.booleans(),
)
def test_whatever_breaks_there_is_at_most_one_effect_and_the_log_tells_it(
    tmp_path_factory: pytest.TempPathFactory, breaks: str, how: BaseException, tries: int, readable: bool
) -> None:
    """E1, L1, L5: crash, no answer, stale or bug, before or after the effect; then retries of two processes."""
    hands = Hands(can_read_back=readable)

    def break_off() -> None:
        hands.before_effect = hands.after_effect = lambda: None
        raise how

    if breaks == "before":
        hands.before_effect = break_off
    elif breaks == "after":
        hands.after_effect = break_off
    house = a_house(tmp_path_factory.mktemp("store") / "twokey.db", hands=hands)
    other = house.beside()
    ready = house.approved()
    for n in range(tries):
        try:
            (other if n % 2 else house).gate.run(ready.id)
        except Crash:
            house.clock.advance(LEASE.total_seconds())
        other.gate.tick()
    assert hands.effects == [ready.id] * (breaks != "before")
    assert house.ledger.get(ready.id).state.final or not readable
    states = audit.replay(entry.fields for entry in house.ledger.entries())
    assert states == house.ledger.states()
    house.close()
    other.close()
