"""A guard that another runner watches on for: within what was approved, and its rollback once for all of them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from actions.errors import Unreachable
from actions.executor import SETTLED_AFTER, Executor
from actions.outcome import Grant, Trip
from actions.record import Record
from tests.actions.conftest import CHECKOUT
from tests.actions.guarded import BAD, WELL, Bench


def test_who_watches_on_takes_it_back_once_as_was_approved(bench: Bench) -> None:
    """E1, E2: the safety net holds where the runner that spread it is gone."""
    plan = bench.plan()
    bench.run(plan, stop=20)
    bench.gauge.value = bench.gauge.later = BAD
    outcome = bench.watch_on(plan)
    assert outcome.rolled_back
    assert outcome.summary.startswith("rolled back by its guard: error rate 5.0 % (limit 0.8 %) after ")
    assert (len(bench.trips), len(bench.cluster.patches)) == (1, 2)
    assert bench.image() == "registry.example/checkout:1.4.1"


def test_the_time_runs_from_the_first_look_of_all(bench: Bench) -> None:
    """A6: whoever watches on watches no longer than was approved; and says so where it watched all of it."""
    plan = bench.plan()
    bench.run(plan, stop=20)
    outcome = bench.watch_on(plan)
    assert outcome.ok
    assert outcome.summary.startswith("done, as the cluster shows now · ")
    assert outcome.summary.endswith("guarded: error rate stayed under 0.8 % for 10 min")
    assert 600 <= bench.clock.steady() - bench.begun[0] < 610
    assert len(bench.cluster.patches) == 1


def between(bench: Bench, start: float, end: float, value: float | None = BAD) -> None:
    """What the metrics kept of the time from so many seconds after the first look to so many."""

    def past(at: datetime) -> float | None:
        since = bench.clock.steady() - bench.begun[0] - (bench.clock.now() - at).total_seconds()
        return value if start <= since <= end else WELL

    bench.gauge.past = past


@pytest.mark.parametrize("gone", [30, 120, 560, 900])
def test_what_happened_while_nobody_watched_is_judged_by_what_the_metrics_kept(bench: Bench, gone: float) -> None:
    """E2: as if somebody had looked: it tripped then, though all is well by now, and though its time is up by now."""
    plan = bench.plan()
    bench.run(plan, stop=20)
    between(bench, 15, 22)
    outcome = bench.watch_on(plan, gone)
    assert outcome.rolled_back
    assert [(trip.measured, trip.after) for trip in bench.trips] == [("0.05", 20)]
    assert bench.image() == "registry.example/checkout:1.4.1"


def test_all_of_the_time_is_judged_when_somebody_takes_over(bench: Bench) -> None:
    """E2: from the first look of all, since whoever had it may not have seen everything either; and no second more."""
    plan = bench.plan()
    bench.run(plan, stop=20)
    began = bench.clock.now() - timedelta(seconds=bench.clock.steady() - bench.begun[0])
    outcome = bench.watch_on(plan, 900)
    assert outcome.ok
    assert outcome.summary.endswith("guarded: error rate stayed under 0.8 % for 10 min")
    assert bench.gauge.asked[-1] == (began, began + timedelta(minutes=10))


@pytest.mark.parametrize(("start", "end"), [(600.5, 900), (-100, -0.5), (100, 104)])
def test_what_happened_outside_of_its_time_or_at_one_look_alone_trips_nothing(
    bench: Bench, start: float, end: float
) -> None:
    """A1: what was approved is a limit within that window, at two looks in a row."""
    plan = bench.plan()
    bench.run(plan, stop=20)
    between(bench, start, end)
    bench.gauge.value = bench.gauge.later = BAD if end == 900 else WELL
    outcome = bench.watch_on(plan, 700)
    assert (bench.trips, len(bench.cluster.patches)) == ([], 1)
    assert "not guarded the whole time" not in outcome.summary


def test_looks_before_and_after_a_hole_are_not_in_a_row(bench: Bench) -> None:
    """No guess: between the two it may have been well."""
    plan = bench.plan()
    bench.run(plan, stop=20)
    moments = {100.0: BAD, 140.0: BAD, **{float(n): None for n in range(105, 140, 5)}}

    def past(at: datetime) -> float | None:
        since = bench.clock.steady() - bench.begun[0] - (bench.clock.now() - at).total_seconds()
        return moments.get(round(since, 3), WELL)

    bench.gauge.past = past
    assert bench.watch_on(plan, 300).ok
    assert bench.trips == []


def test_a_look_before_the_store_said_when_the_watch_began_is_in_a_row_with_none_of_long_ago(bench: Bench) -> None:
    """A1, E2: two looks in a row are two that follow one another, in whichever order they became known."""
    plan = bench.plan()
    bench.run(plan, stop=20)
    bench.clock.advance(300)
    between(bench, -1, 1)
    bench.gauge.value = bench.gauge.later = BAD
    down = iter([True])

    def began() -> float:
        if next(down, False):
            raise Unreachable
        bench.gauge.value = bench.gauge.later = WELL
        return bench.began()

    record = Record(bench.leave(plan), began)
    outcome = Executor(bench.registry, bench.tools).watch_on(plan, "req-1", lambda step: None, lambda: False, record)
    assert (bench.trips, outcome.ok) == ([], True)


@pytest.mark.parametrize(("hole", "said"), [(120, "2 min of 10 min (Prometheus has no data for it)"), (50, "")])
def test_of_what_the_metrics_kept_nothing_is_said(bench: Bench, hole: float, said: str) -> None:
    plan = bench.plan()
    bench.run(plan, stop=20)
    between(bench, 60, 60 + hole - 6, None)
    outcome = bench.watch_on(plan, 300)
    assert outcome.ok
    assert (f"not guarded the whole time: the error rate could not be read for {said}" in outcome.summary) is bool(said)
    assert ("guarded: error rate stayed under" in outcome.summary) is not bool(said)


def test_metrics_that_do_not_answer_when_the_time_is_up_are_asked_a_little_longer(bench: Bench) -> None:
    """What is not known when the time is up may be answered a moment later; that it never was is said."""
    plan = bench.plan()
    bench.run(plan, stop=20)
    between(bench, 15, 22)
    bench.gauge.down = [True] * 8
    assert bench.watch_on(plan, 650).rolled_back


@pytest.mark.parametrize("gone", [20, 700])
def test_metrics_that_answer_nothing_any_more_are_said(bench: Bench, gone: float) -> None:
    plan = bench.plan()
    bench.run(plan, stop=20)
    bench.gauge.down = [True] * 2000
    outcome = bench.watch_on(plan, gone)
    assert outcome.ok
    assert "could not be read for 10 min of 10 min (Prometheus cannot be reached" in outcome.summary
    assert bench.clock.steady() - max(bench.begun[0] + 600, bench.begun[1]) <= 65


def test_who_watches_on_sends_no_change_that_never_came(bench: Bench) -> None:
    """E1: what was not sent, or is not known, is read back and never done."""
    plan, began = bench.plan(), bench.clock.now()
    outcome = bench.watch_on(plan)
    assert outcome.ok is None
    assert bench.clock.now() - began >= SETTLED_AFTER, "what was sent may arrive until then"
    assert (bench.begun, bench.cluster.patches) == ([], [])


def test_a_change_that_arrives_late_is_watched_all_the_same(bench: Bench) -> None:
    """E2: the first runner died with its patch under way."""
    plan = bench.plan()
    bench.gauge.value = WELL
    grant = Grant(request_id="req-1", digest=plan.digest, expires_at=bench.clock.now() + timedelta(minutes=5))
    stops = iter([False] * 5)

    def late(step: object) -> None:
        """Nothing is shown yet."""

    def stop() -> bool:
        if next(stops, True) and not bench.cluster.patches:
            bench.hands.execute(plan, grant, late, lambda: bool(bench.cluster.patches))
        return False

    record = Record(bench.leave(plan), bench.began)
    outcome = Executor(bench.registry, bench.tools).watch_on(plan, "req-1", late, stop, record)
    assert outcome.ok
    assert len(bench.cluster.patches) == 1


def test_a_rollback_of_whoever_watched_on_may_be_under_way_as_long_as_any(bench: Bench) -> None:
    """E1: however long ago this very process began to look for the change that its guard took back."""
    plan, hands = bench.plan(), Executor(bench.registry, bench.tools)
    bench.gauge.value = WELL
    grant = Grant(request_id="req-1", digest=plan.digest, expires_at=bench.clock.now() + timedelta(minutes=5))
    stops = iter([False] * 5)

    def stop() -> bool:
        if next(stops, True) and not bench.cluster.patches:
            bench.hands.execute(plan, grant, lambda step: None, lambda: bool(bench.cluster.patches))
            bench.gauge.value = bench.gauge.later = BAD
            bench.clock.advance(SETTLED_AFTER.total_seconds())
        return False

    def lost(_trip: Trip) -> Grant:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hands.watch_on(plan, "req-1", lambda step: None, stop, Record(lost, bench.began))
    assert hands.reconcile(plan, "req-1") is None
    bench.clock.advance(SETTLED_AFTER.total_seconds())
    assert hands.reconcile(plan, "req-1")


def test_who_watches_on_leaves_alone_what_somebody_changed_meanwhile(bench: Bench) -> None:
    """E1: it is theirs now."""
    plan = bench.plan()
    bench.run(plan, stop=20)
    bench.cluster.deploy(CHECKOUT, "1.4.9")
    bench.gauge.value = bench.gauge.later = BAD
    outcome = bench.watch_on(plan)
    assert not outcome.rolled_back
    assert (bench.trips, bench.image()) == ([], "registry.example/checkout:1.4.9")


def test_nobody_watches_on_where_somebody_asked_to_stop(bench: Bench) -> None:
    plan = bench.plan()
    bench.run(plan, stop=20)
    bench.gauge.value = bench.gauge.later = BAD
    assert bench.watch_on(plan, stop=0).ok is None
    assert bench.trips == []
