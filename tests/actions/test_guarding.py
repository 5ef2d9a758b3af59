"""A guard at work: when it trips, and that it goes back once or not at all, whatever happens."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from actions import objects
from actions.errors import GrantRefused, Unreachable
from actions.executor import SETTLED_AFTER, Executor
from actions.outcome import Grant, Outcome, Trip
from actions.plan import Plan
from tests.actions.conftest import CHECKOUT
from tests.actions.guarded import BAD, WELL, Bench, Gauge


def test_a_version_that_stays_well_is_watched_for_the_whole_window(bench: Bench) -> None:
    began = bench.clock.now()
    outcome = bench.run(bench.plan())
    assert outcome.ok
    assert outcome.summary.endswith("guarded: error rate stayed under 0.8 % for 10 min")
    assert bench.clock.now() - began >= timedelta(minutes=10)
    assert "watching error rate: 0.4 % (limit 0.8 %), 7 min left" in bench.steps
    assert bench.trips == []
    assert len(bench.cluster.patches) == 1


def test_a_version_that_gets_worse_is_taken_back_once(bench: Bench) -> None:
    """E1: one deploy and one rollback, the one that was shown; the trip is recorded before it."""
    plan = bench.plan()
    bench.gauge.later = BAD
    seen: list[int] = []
    give = bench.leave(plan)

    def leave(trip: Trip) -> Grant:
        seen.append(len(bench.cluster.patches))
        return give(trip)

    outcome = bench.run(plan, leave)
    assert (outcome.ok, outcome.rolled_back) == (False, True)
    assert outcome.summary.startswith("rolled back by its guard: error rate 5.0 % (limit 0.8 %) after ")
    assert "back on 1.4.1 in 0:0" in outcome.summary
    assert seen == [1], "L1: leave was asked before the second effect, and once"
    assert [Decimal(trip.measured) for trip in bench.trips] == [Decimal("0.05")]
    assert bench.image() == "registry.example/checkout:1.4.1"
    assert [objects.notes(p.body)["twokey.dev/request"] for p in bench.cluster.patches] == ["req-1", "req-1-back"]
    assert outcome.evidence[0].kind == "chart"


def test_the_rollback_goes_under_the_rollbacks_own_account(bench: Bench) -> None:
    """P4: a deploy's account can deploy, and nothing else."""
    verbs: list[str] = []
    real = bench.cluster.patch

    class Noting:
        def __getattr__(self, name: str) -> Any:
            return getattr(bench.cluster, name)

        def patch(self, *args: Any, verb: str, request_id: str | None, **more: Any) -> dict[str, Any]:
            if request_id:
                verbs.append(f"{verb} {request_id}")
            return real(*args, verb=verb, request_id=request_id, **more)

    bench.hands = Executor(bench.registry, replace(bench.tools, cluster=Noting()))
    bench.gauge.later = BAD
    assert bench.run(bench.plan()).rolled_back
    assert verbs == ["deploy req-1", "rollback req-1-back"]


def test_one_look_at_the_limit_trips_nothing(bench: Bench) -> None:
    """A single sample may stand in the middle of something."""
    plan, asked = bench.plan(), 0
    usual = bench.gauge.instant

    class Spiky(Gauge):
        def instant(self, query: str, at: datetime) -> float | None:
            nonlocal asked
            asked += query == plan.guard.query if plan.guard else 0
            return BAD if asked % 2 and query == (plan.guard and plan.guard.query) else usual(query, at)

    bench.hands = Executor(bench.registry, replace(bench.tools, metrics=Spiky(bench.clock, bench.cluster)))
    assert bench.run(plan).ok
    assert bench.trips == []


@pytest.mark.parametrize("who", ["before it trips", "after leave was given"])
def test_what_somebody_else_changed_meanwhile_is_theirs(bench: Bench, who: str) -> None:
    """E1: no rollback over another person's change; the card offers one to decide upon."""
    plan = bench.plan()
    bench.gauge.later = BAD
    give = bench.leave(plan)

    def leave(trip: Trip) -> Grant:
        bench.cluster.deploy(CHECKOUT, "1.4.3")
        return give(trip)

    if who == "before it trips":
        bench.gauge.after = 120
        real, bench.gauge.down = bench.gauge.instant, []

        def instant(query: str, at: datetime) -> float | None:
            if bench.gauge.since and bench.clock.now() > bench.gauge.since + timedelta(seconds=60):
                bench.cluster.deploy(CHECKOUT, "1.4.3") if "1.4.2" in bench.image() else None
            return real(query, at)

        bench.gauge.instant = instant  # type: ignore[method-assign]  # the double's own, not the product's
    outcome = bench.run(plan, leave)
    assert outcome.ok is False
    assert not outcome.rolled_back
    assert "1.4.3" in outcome.summary
    assert (bench.trips == []) is (who == "before it trips"), "whose it is not asks for no leave"
    assert bench.image() == "registry.example/checkout:1.4.3"
    assert len(bench.cluster.patches) == 1


def test_a_metric_that_cannot_be_read_trips_nothing_and_is_said(bench: Bench) -> None:
    """No guess: the outcome says what was not seen, and offers the rollback as a card."""
    plan = bench.plan()
    bench.gauge.later, bench.gauge.down = BAD, [False] * 3 + [True] * 2000
    outcome = bench.run(plan)
    assert outcome.ok
    assert "⚠ not guarded the whole time: the error rate could not be read for 10 min of 10 min" in outcome.summary
    assert "Prometheus cannot be reached" in outcome.summary
    assert [s.label for s in outcome.suggestions] == ["Show logs", "Roll back to 1.4.1…"]
    assert any("not to be read now" in step for step in bench.steps)
    assert len(bench.cluster.patches) == 1


def test_metrics_that_come_back_are_used(bench: Bench) -> None:
    plan = bench.plan()
    bench.gauge.later, bench.gauge.down = BAD, [False] * 3 + [True] * 20
    assert bench.run(plan).rolled_back


def test_what_happened_while_the_metrics_did_not_answer_is_judged_when_they_do(bench: Bench) -> None:
    """It reached the limit then, and is well again by now: that is what was approved."""
    plan, began = bench.plan(), bench.clock.now()
    bench.gauge.down = [False] * 3 + [True] * 20
    bench.gauge.past = lambda at: BAD if timedelta(seconds=60) < at - began < timedelta(seconds=75) else WELL
    assert bench.run(plan).rolled_back
    assert 60 < bench.trips[0].after < 75


@pytest.mark.parametrize(("after", "unsure"), [(60, 3), (570, 10)])
def test_a_trip_stands_until_somebody_can_say_whether_it_may_be_rolled_back(
    bench: Bench, after: float, unsure: int
) -> None:
    """A8: what was reached was reached, also where it is well again when the directory answers, a little late."""
    plan, tries = bench.plan(), iter(range(unsure))
    bench.gauge.later, bench.gauge.after = BAD, after

    def leave(trip: Trip) -> Grant:
        bench.gauge.later = WELL
        if next(tries, None) is not None:
            raise Unreachable("The directory is down.")
        return bench.leave(plan)(trip)

    assert bench.run(plan, leave).rolled_back


def test_stopping_ends_the_watch_and_rolls_nothing_back(bench: Bench) -> None:
    plan = bench.plan()
    outcome = bench.run(plan, stop=20)
    assert outcome.ok is None
    assert "its guard included" in outcome.summary
    bench.gauge.later = BAD
    assert len(bench.cluster.patches) == 1


@pytest.mark.parametrize("unsure", [0, 3])
def test_without_leave_nothing_is_rolled_back(bench: Bench, unsure: int) -> None:
    """A3: who may not is told why; where nobody can tell, it is asked again at the next look."""
    plan = bench.plan()
    bench.gauge.later = BAD
    answers = [Unreachable("The directory is down.")] * unsure

    def leave(trip: Trip) -> Grant:
        bench.trips.append(trip)
        raise answers.pop() if answers else GrantRefused("A freeze is on.")

    outcome = bench.run(plan, leave)
    assert outcome.ok is False
    assert outcome.summary.endswith("and it was not rolled back: A freeze is on.")
    assert "Roll back to 1.4.1…" in [s.label for s in outcome.suggestions]
    assert len(bench.trips) == unsure + 1
    assert len(bench.cluster.patches) == 1


def test_a_leave_for_something_else_runs_nothing(bench: Bench) -> None:
    """A1: the second effect has its own digest."""
    plan = bench.plan()
    bench.gauge.later = BAD

    def leave(trip: Trip) -> Grant:
        return bench.leave(plan)(trip).model_copy(update={"digest": plan.digest})

    assert "the leave is for something else" in bench.run(plan, leave).summary
    assert len(bench.cluster.patches) == 1


def test_a_late_leave_runs_nothing(bench: Bench) -> None:
    """E2: a process that was stopped between the leave and the patch finds its time to be up."""
    plan = bench.plan()
    bench.gauge.later = BAD

    def leave(trip: Trip) -> Grant:
        found = bench.leave(plan)(trip)
        bench.clock.advance(31)
        return found

    assert "The time to run this is up" in bench.run(plan, leave).summary
    assert len(bench.cluster.patches) == 1


def test_a_lost_answer_of_the_rollback_is_read_back_and_never_repeated(bench: Bench) -> None:
    """E1: at most one effect of each kind."""
    plan = bench.plan()
    bench.gauge.later = BAD
    bench.cluster.after_patch = [lambda: None, Unreachable("The connection broke.")]
    assert bench.run(plan).rolled_back
    assert len(bench.cluster.patches) == 2


def test_a_clock_that_jumps_back_makes_no_watch_longer(bench: Bench) -> None:
    """A6: the window is of time that passes, whatever the clock shows."""
    plan = bench.plan()
    began, jumped = bench.clock.steady(), False
    real = bench.gauge.instant

    class Jumping(Gauge):
        def instant(self, query: str, at: datetime) -> float | None:
            nonlocal jumped
            if bench.cluster.patches and not jumped:
                jumped = True
                bench.clock.step(-3600)
            return real(query, at)

    bench.hands = Executor(bench.registry, replace(bench.tools, metrics=Jumping(bench.clock, bench.cluster)))
    assert bench.run(plan).ok
    assert bench.clock.steady() - began < 700


# -- after a crash ----------------------------------------------------------------------------------------------------
def _read_back(bench: Bench, plan: Plan) -> Outcome | None:
    assert bench.hands.reconcile(plan, "req-1") is None, "what was sent may be under way still"
    bench.clock.advance(SETTLED_AFTER.total_seconds())
    return bench.hands.reconcile(plan, "req-1")


@pytest.mark.parametrize(
    ("now", "ok", "says"),
    [
        (WELL, True, "its guard was cut off and watches no longer; error rate is 0.4 % (limit 0.8 %) now"),
        (BAD, False, "its guard was cut off, and error rate is 5.0 % (limit 0.8 %) now"),
        (None, True, "its guard was cut off and watches no longer; error rate cannot be read now"),
    ],
)
def test_a_watch_that_was_cut_off_is_settled_by_reading_alone(
    bench: Bench, now: float | None, ok: bool, says: str
) -> None:
    """E1: who reads back rolls nothing back; the card offers it."""
    plan = bench.plan()
    bench.run(plan, stop=20)
    bench.gauge.value = bench.gauge.later = now
    outcome = _read_back(bench, plan)
    assert outcome
    assert outcome.ok is ok
    assert says in outcome.summary
    assert any(s.action["verb"] == "rollback" for s in outcome.suggestions)
    assert len(bench.cluster.patches) == 1


def test_a_beginning_that_could_not_be_recorded_is_recorded_later(bench: Bench) -> None:
    """The store was down for a moment: the watch goes on, and its time still runs from the first look."""
    plan, tries = bench.plan(), iter(range(5))
    real = bench.began

    def began() -> float:
        if next(tries, None) is not None:
            raise Unreachable
        return real()

    bench.began = began  # type: ignore[method-assign]  # the ledger, which does not answer at first
    start = bench.clock.steady()
    assert bench.run(plan).ok
    assert len(bench.begun) == 1
    assert bench.clock.steady() - start < 700


def test_a_rollback_whose_run_was_lost_is_recognised(bench: Bench) -> None:
    """E1: its own mark in the cluster tells."""
    plan = bench.plan()
    bench.gauge.later = BAD
    lost: list[Trip] = []

    def leave(trip: Trip) -> Grant:
        lost.append(trip)
        bench.cluster.after_patch = [_break]
        return bench.leave(plan)(trip)

    with pytest.raises(KeyboardInterrupt):
        bench.run(plan, leave)
    outcome = bench.hands.reconcile(plan, "req-1") or bench.hands.reconcile(plan, "req-1")
    for _ in range(4):
        outcome = outcome or bench.hands.reconcile(plan, "req-1")
    assert outcome
    assert outcome.rolled_back
    assert "back on 1.4.1, as the cluster shows now" in outcome.summary
    assert len(bench.cluster.patches) == 2


def _break() -> None:
    raise KeyboardInterrupt
