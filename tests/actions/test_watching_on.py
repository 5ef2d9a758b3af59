"""A guard that another runner watches on for: within what was approved, and its rollback once for all of them."""

from __future__ import annotations

from datetime import timedelta

import pytest

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


@pytest.mark.parametrize("now", [WELL, BAD])
def test_what_gets_worse_after_its_time_is_not_taken_back(bench: Bench, now: float) -> None:
    """A1: within that window, and not after it, whoever was gone for how long."""
    plan = bench.plan()
    bench.run(plan, stop=20)
    bench.gauge.value = bench.gauge.later = now
    outcome = bench.watch_on(plan, elapsed=700, unseen=650)
    assert (bench.trips, len(bench.cluster.patches)) == ([], 1)
    assert "not guarded the whole time: the error rate could not be read for 10 min of 10 min" in outcome.summary
    assert outcome.summary.endswith("(its runner was gone)")


def test_a_time_in_which_nobody_watched_is_said(bench: Bench) -> None:
    plan = bench.plan()
    bench.run(plan, stop=20)
    outcome = bench.watch_on(plan, unseen=120)
    assert outcome.ok
    assert "not guarded the whole time: the error rate could not be read for 2 min of 10 min" in outcome.summary


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
