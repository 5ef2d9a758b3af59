"""A rollback approved in advance: what a guard watches, when it trips, and that it goes back once or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from actions import canonical, guard, objects, tripwire, yamlfile
from actions.action import Change
from actions.catalog import Catalog
from actions.clients.protocols import Sample
from actions.clock import ManualClock
from actions.errors import BadInput, ConfigError, Denied, GrantRefused, StalePlan, Unreachable
from actions.executor import SETTLED_AFTER, Executor
from actions.outcome import Grant, Outcome, Step, Trip
from actions.plan import Plan
from actions.registry import Registry
from actions.toolbox import Toolbox
from tests.actions.conftest import CATALOG, CHECKOUT, Granted
from tests.actions.doubles import ClusterDouble

DOUBLES = "error_rate x2 within 10m"
WELL, BAD = 0.004, 0.05


@dataclass
class Gauge:
    """A Prometheus whose every metric is `value`, until a deploy is in place for some seconds, and then `later`."""

    clock: ManualClock
    cluster: ClusterDouble
    value: float | None = WELL
    later: float | None = WELL
    after: float = 60.0  # seconds since the deploy was patched
    since: datetime | None = None
    down: list[bool] = field(default_factory=list)  # one is taken for each question; True: no answer

    def range(self, query: str, start: datetime, end: datetime, step: float) -> list[Sample]:
        return [
            Sample(start.timestamp() + n * step, self.value or 0.0) for n in range(int((end - start).seconds / step))
        ]

    def instant(self, query: str, at: datetime) -> float | None:
        if self.down and self.down.pop(0):
            raise Unreachable("Prometheus cannot be reached.")
        if self.cluster.patches and self.since is None:
            self.since = at
        return self.later if self.since and at >= self.since + timedelta(seconds=self.after) else self.value


@dataclass
class Bench:
    """checkout 1.4.1 in prod, and somebody who deploys 1.4.2 with a guard."""

    clock: ManualClock
    cluster: ClusterDouble
    gauge: Gauge
    tools: Toolbox
    hands: Executor
    registry: Registry
    trips: list[Trip] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)

    def plan(self, guard: str | None = DOUBLES, **more: Any) -> Plan:
        given = {"verb": "deploy", "service": "checkout", "environment": "prod", "version": "1.4.2", "guard": guard}
        action = self.registry.parse({**given, **more})
        assert isinstance(action, Change)
        return self.hands.plan(action, "policy-1")

    def run(self, plan: Plan, leave: Callable[[Trip], Grant] | None = None, stop: int = 10_000) -> Outcome:
        """To its end; `stop`: after so many questions whether to stop."""
        grant = Grant(request_id="req-1", digest=plan.digest, expires_at=self.clock.now() + timedelta(seconds=30))
        left = iter(range(stop))
        return self.hands.execute(
            plan, grant, self._progress, lambda: next(left, None) is None, leave or self.leave(plan)
        )

    def leave(self, plan: Plan) -> Callable[[Trip], Grant]:
        """As the runner gives it."""

        def give(trip: Trip) -> Grant:
            self.trips.append(trip)
            assert plan.way_back
            until = self.clock.now() + timedelta(seconds=30)
            return Grant(request_id=objects.back_id("req-1"), digest=plan.way_back.digest, expires_at=until)

        return give

    def image(self) -> str:
        return str(self.cluster.objects[CHECKOUT]["spec"]["template"]["spec"]["containers"][0]["image"])

    def _progress(self, step: Step) -> None:
        self.steps.append(step.text)


@pytest.fixture
def bench(toolbox: Toolbox, cluster: ClusterDouble, clock: ManualClock, registry: Registry) -> Bench:
    gauge = Gauge(clock, cluster)
    tools = replace(toolbox, metrics=gauge)
    return Bench(clock, cluster, gauge, tools, Executor(registry, tools), registry)


# -- what is said -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "spelled", "limit"),
    [
        ("error_rate x2 within 10m", "error_rate x2 within 10m", "0.008"),
        ("error_rate x2", "error_rate x2 within 10m", "0.008"),
        ("error_rate  2.50% within 60m", "error_rate 2.5% within 60m", "0.025"),
        ("latency_p95 800ms within 15m", "latency_p95 800ms within 15m", "0.8"),
        ("latency_p99 1.5 s within 1m", "latency_p99 1.5s within 1m", "1.5"),
        ("memory 512MiB", "memory 512MiB within 10m", "536870912"),
        ("restarts 3 within 5m", "restarts 3 within 5m", "3"),
    ],
)
def test_a_tripwire_is_spelled_in_one_way(said: str, spelled: str, limit: str) -> None:
    wire = tripwire.parse(said)
    assert str(wire) == spelled
    assert wire.limit(Decimal("0.004")) == Decimal(limit)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "error_rate",
        "error_rate x1 within 10m",
        "error_rate x0.5",
        "error_rate 0%",
        "error_rate 800ms",
        "latency_p95 2%",
        "latency_p95 800",
        "request_rate x2",
        "error_rate x2 within 0m",
        "error_rate x2 within 61m",
        "error_rate x2 within 2h",
        "error_rate x2 within 10m and more",
        "error_rate x٢",
    ],
)
def test_a_tripwire_outside_of_its_bounds_is_refused(said: str, registry: Registry) -> None:
    with pytest.raises(BadInput, match="guard: "):
        registry.parse(
            {"verb": "deploy", "service": "checkout", "environment": "prod", "version": "1.4.2", "guard": said}
        )


def test_twice_no_errors_at_all_is_not_none() -> None:
    """Otherwise the very first look would trip it."""
    assert tripwire.parse("error_rate x2").limit(Decimal(0)) == Decimal("0.002")


# -- the plan -----------------------------------------------------------------------------------------------------------
def test_the_plan_says_what_trips_it_and_exactly_what_it_would_do(bench: Bench) -> None:
    """A1: metric, query, limit, window and the rollback itself are part of the digested plan."""
    plan = bench.plan()
    assert plan.guard
    assert plan.way_back
    assert (plan.guard.baseline, plan.guard.limit, plan.guard.window) == ("0.004", "0.008", 600)
    assert "http_requests_total" in plan.guard.query
    assert plan.way_back.verb == "rollback"
    assert plan.way_back.target == plan.target
    assert "registry.example/checkout:1.4.1" in str(plan.way_back.patch.body)
    assert guard.in_words(plan.guard) == (
        "If error rate reaches 0.8 % (x2, now 0.4 %) within 10 min of the rollout: back to 1.4.1 without asking again"
    )
    assert plan.digest != Plan.model_validate({**plan.model_dump(mode="json"), "guard": None}).digest
    assert bench.cluster.dry_runs[-1] == plan.guard.patch, "tried, under the rollback's own account"


def test_a_plan_without_a_guard_keeps_the_digest_that_it_always_had(bench: Bench) -> None:
    """A1: what was approved before there were guards may still run."""
    plan = bench.plan(guard=None)
    assert "guard" not in plan.action
    told = plan.model_dump(mode="json", exclude={"guard"})
    assert plan.digest == canonical.digest(told)


@pytest.mark.parametrize(
    ("value", "said", "why"),
    [
        (None, DOUBLES, "no data for the error rate"),
        (0.02, "error_rate 2% within 10m", "is 2.0 % already"),
    ],
)
def test_a_guard_that_makes_no_sense_now_is_refused(bench: Bench, value: float | None, said: str, why: str) -> None:
    bench.gauge.value = value
    with pytest.raises(BadInput, match=why):
        bench.plan(said)


def test_without_metrics_no_guard_is_promised(bench: Bench) -> None:
    blind = Executor(bench.registry, replace(bench.tools, metrics=None))
    action = bench.registry.parse(bench.plan().action)
    assert isinstance(action, Change)
    with pytest.raises(BadInput, match="no guard can watch"):
        blind.plan(action, "policy-1")


def test_a_guard_whose_rollback_the_cluster_refuses_is_no_guard(bench: Bench) -> None:
    """Said before anybody approves it, and not when it trips."""
    real = bench.cluster.patch

    class Strict:
        def __getattr__(self, name: str) -> Any:
            return getattr(bench.cluster, name)

        def patch(self, *args: Any, verb: str, **more: Any) -> dict[str, Any]:
            if verb == "rollback":
                raise Denied("The rollback's account may not do this.")
            return real(*args, verb=verb, **more)

    bench.hands = Executor(bench.registry, replace(bench.tools, cluster=Strict()))
    with pytest.raises(Denied):
        bench.plan()


def test_the_catalogues_guard_is_taken_where_none_is_said_and_gives_way_where_it_cannot_watch(bench: Bench) -> None:
    text = CATALOG.replace(
        "{image: registry.example/checkout,", "{image: registry.example/checkout, guards: {prod: error_rate 3%},"
    )
    catalog = yamlfile.parse(text, Catalog, "catalog.yaml")
    bench.hands = Executor(bench.registry, replace(bench.tools, catalog=catalog))
    usual = bench.plan(guard=None).guard
    assert usual
    assert usual.tripwire == "error_rate 3% within 10m"
    assert bench.plan(guard="none").guard is None
    mine = bench.plan("latency_p95 2s within 5m").guard
    assert mine
    assert mine.metric == "latency_p95"
    bench.gauge.value = 0.04
    plan = bench.plan(guard=None)
    assert plan.guard is None
    assert "its usual guard is left out: " in plan.warnings[-1].text


@pytest.mark.parametrize("line", ["{mars: error_rate x2}", "{prod: error_rate}"])
def test_a_catalogue_with_a_guard_that_cannot_be_is_refused(line: str) -> None:
    with pytest.raises(ConfigError):
        yamlfile.parse(CATALOG.replace("{max_replicas: 10}", f"{{guards: {line}}}"), Catalog, "catalog.yaml")


def test_the_runner_works_the_guard_out_anew(bench: Bench) -> None:
    """A1: another patch, query or limit than what the action makes is found out; a new baseline alone is no change."""
    plan = bench.plan()
    assert plan.guard
    bench.gauge.value = 0.006
    bench.hands.check(plan)
    other = plan.guard.patch.model_copy(update={"body": {"spec": {"replicas": 0}}})
    for forged in (
        {"patch": other},
        {"query": "vector(1)"},
        {"limit": "0.9"},
        {"window": 60},
        {"action": {**plan.guard.action, "to": "1.0.0"}},
        {"preconditions": ()},
        {"tripwire": "error_rate x3 within 10m"},
    ):
        with pytest.raises(StalePlan):
            bench.hands.check(plan.model_copy(update={"guard": plan.guard.model_copy(update=forged)}))
    with pytest.raises(StalePlan):
        bench.hands.check(plan.model_copy(update={"guard": None}))


# -- the watch ----------------------------------------------------------------------------------------------------------
def test_a_version_that_stays_well_is_watched_for_the_whole_window(bench: Bench) -> None:
    began = bench.clock.now()
    outcome = bench.run(bench.plan())
    assert outcome.ok
    assert outcome.summary.endswith("guarded: error rate stayed under 0.8 % for 10 min")
    assert bench.clock.now() - began >= timedelta(minutes=10)
    assert "watching error rate: 0.4 % of 0.8 %, 7 min left" in bench.steps
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
    assert outcome.summary.startswith("rolled back by its guard: error rate 5.0 % of 0.8 % after ")
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


# -- after a crash ------------------------------------------------------------------------------------------------------
def _read_back(bench: Bench, plan: Plan) -> Outcome | None:
    assert bench.hands.reconcile(plan, "req-1") is None, "what was sent may be under way still"
    bench.clock.advance(SETTLED_AFTER.total_seconds())
    return bench.hands.reconcile(plan, "req-1")


@pytest.mark.parametrize(
    ("now", "ok", "says"),
    [
        (WELL, True, "its guard was cut off and watches no longer; error rate is 0.4 % of 0.8 % now"),
        (BAD, False, "its guard was cut off, and error rate is 5.0 % of 0.8 % now"),
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
