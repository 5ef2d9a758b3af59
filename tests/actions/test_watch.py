"""What a run sees after its patch, and what reading alone tells later."""

from __future__ import annotations

import itertools
from datetime import timedelta

from actions.clock import ManualClock
from actions.errors import Unreachable
from actions.executor import Executor
from actions.outcome import Step
from actions.plan import Plan
from tests.actions.conftest import CHECKOUT, Granted, PlanFactory, Run
from tests.actions.doubles import ClusterDouble


# -- watching ----------------------------------------------------------------------------------------------------------
def test_progress_is_told_in_numbers(plan_factory: PlanFactory, executor: Executor, granted: Granted) -> None:
    steps: list[Step] = []
    plan = plan_factory("deploy")
    executor.execute(plan, granted(plan), steps.append, lambda: False)
    assert ("1 of 3 ready · 2 old ones left", 1, 3) in [(s.text, s.done, s.total) for s in steps]


def test_pods_that_crash_fail_it_at_once_with_the_way_back(
    plan_factory: PlanFactory, run: Run, cluster: ClusterDouble, clock: ManualClock
) -> None:
    cluster.trouble["2.0.0"] = "CrashLoopBackOff"
    began = clock.now()
    outcome = run(plan_factory("deploy", version="2.0.0"))
    assert outcome.ok is False
    assert outcome.summary == "failed: 1 of 3 pods crashes: CrashLoopBackOff"
    assert [s.label for s in outcome.suggestions] == ["Show logs", "Roll back to 1.4.1…"]
    assert clock.now() - began < timedelta(seconds=10)


def test_a_rollout_without_end_ends_at_its_deadline(
    plan_factory: PlanFactory, run: Run, cluster: ClusterDouble
) -> None:
    plan = plan_factory("deploy")
    cluster.frozen = True
    outcome = run(plan)
    assert outcome.ok is False
    assert outcome.summary.startswith("failed: not complete after 10:00: 0 of 3 ready")


def test_a_clock_that_is_set_back_makes_nobody_wait_for_longer(
    plan_factory: PlanFactory, executor: Executor, granted: Granted, cluster: ClusterDouble, clock: ManualClock
) -> None:
    plan, looks = plan_factory("deploy"), itertools.count()
    cluster.frozen, before = True, clock.steady()

    def stop() -> bool:
        if next(looks) == 3:
            clock.step(-3600)
        return False

    outcome = executor.execute(plan, granted(plan), lambda step: None, stop)
    assert outcome.summary.startswith("failed: not complete after 10:00")
    assert clock.steady() - before < 660


def test_stop_watching_ends_the_watch_and_claims_nothing(
    plan_factory: PlanFactory, executor: Executor, granted: Granted, cluster: ClusterDouble
) -> None:
    plan, looks = plan_factory("deploy"), iter([False, False, False, True, True])
    outcome = executor.execute(plan, granted(plan), lambda step: None, lambda: next(looks))
    assert outcome.ok is None
    assert "nobody watches" in outcome.summary
    assert "2 of 3 ready" in outcome.summary
    for _ in range(3):
        cluster.workload(CHECKOUT)
    settled = executor.reconcile(plan, "req-1")
    assert settled
    assert settled.ok


def test_a_cluster_that_goes_away_during_the_watch_leaves_it_unknown(
    plan_factory: PlanFactory, run: Run, cluster: ClusterDouble
) -> None:
    plan = plan_factory("deploy")
    cluster.before_read = [_nothing, _nothing, *[Unreachable("No route.")] * 200]
    outcome = run(plan)
    assert outcome.ok is None
    assert outcome.summary.startswith("applied, and since then the cluster cannot be read: No route.")


def test_somebody_else_s_change_during_the_rollout_is_told(
    plan_factory: PlanFactory, run: Run, cluster: ClusterDouble
) -> None:
    plan = plan_factory("deploy")
    cluster.before_read = [_nothing, _nothing, lambda: cluster.deploy(CHECKOUT, "1.4.3")]
    outcome = run(plan)
    assert outcome.ok is False
    assert "somebody changed it again before it was complete (image 1.4.3 now)" in outcome.summary


def test_somebody_else_s_annotation_during_the_rollout_is_no_change_of_ours(
    plan: Plan, run: Run, cluster: ClusterDouble
) -> None:
    def annotate() -> None:
        cluster.edit(CHECKOUT, lambda live: live["metadata"]["annotations"].update({"kubernetes.io/change-cause": "x"}))

    cluster.before_read = [_nothing, annotate]
    assert run(plan).ok


# -- reconcile ---------------------------------------------------------------------------------------------------------
def test_reconcile_tells_what_landed(plan: Plan, run: Run, executor: Executor, cluster: ClusterDouble) -> None:
    """E1: by reading alone."""
    run(plan)
    settled = executor.reconcile(plan, "req-1")
    assert settled
    assert settled.ok
    assert len(cluster.patches) == 1


def test_reconcile_tells_what_never_landed(
    plan: Plan, executor: Executor, cluster: ClusterDouble, clock: ManualClock
) -> None:
    """E1: what the plan rests on is as it was, and no trace of the request, for as long as one could be under way."""
    assert executor.reconcile(plan, "req-1") is None
    clock.advance(60)
    settled = executor.reconcile(plan, "req-1")
    assert settled
    assert settled.ok is False
    assert settled.summary.startswith("nothing was changed: there is no trace of it")
    assert cluster.patches == []


def test_reconcile_never_takes_somebody_else_s_number_for_ours(
    plan_factory: PlanFactory, executor: Executor, cluster: ClusterDouble, clock: ManualClock
) -> None:
    """E1: replicas are what was asked for, and somebody else set them: nothing is claimed, also not that it failed."""
    plan = plan_factory("scale", replicas=5)
    cluster.edit(CHECKOUT, lambda live: live["spec"].update(replicas=5))
    assert executor.reconcile(plan, "req-1") is None
    clock.advance(3600)
    assert executor.reconcile(plan, "req-1") is None


def test_reconcile_finds_a_deploy_that_was_overwritten_since(
    plan_factory: PlanFactory, run: Run, executor: Executor, cluster: ClusterDouble
) -> None:
    plan = plan_factory("deploy")
    run(plan)
    cluster.edit(CHECKOUT, lambda live: live["metadata"]["annotations"].clear())
    cluster.deploy(CHECKOUT, "1.4.3")
    settled = executor.reconcile(plan, "req-1")
    assert settled
    assert "somebody changed it again" in settled.summary


def test_reconcile_finds_that_a_deploy_never_landed_though_others_deployed(
    plan_factory: PlanFactory, executor: Executor, cluster: ClusterDouble, clock: ManualClock
) -> None:
    plan = plan_factory("deploy")
    cluster.deploy(CHECKOUT, "1.4.3")
    assert executor.reconcile(plan, "req-1") is None
    clock.advance(60)
    settled = executor.reconcile(plan, "req-1")
    assert settled
    assert settled.ok is False


def test_reconcile_does_not_rule_out_what_may_still_be_under_way(
    plan: Plan, run: Run, executor: Executor, cluster: ClusterDouble, clock: ManualClock
) -> None:
    """E1: "not applied" is said only after the API server's own time for a request is over."""
    cluster.before_patch = [Unreachable("No answer in time.")] * 20
    assert run(plan).ok is None
    assert executor.reconcile(plan, "req-1") is None
    clock.advance(60)
    settled = executor.reconcile(plan, "req-1")
    assert settled
    assert settled.ok is False


def test_reconcile_waits_while_nothing_can_be_told(plan: Plan, executor: Executor, cluster: ClusterDouble) -> None:
    cluster.before_read = [Unreachable()]
    assert executor.reconcile(plan, "req-1") is None


def test_reconcile_settles_what_is_gone(plan: Plan, executor: Executor, cluster: ClusterDouble) -> None:
    cluster.edit(CHECKOUT, lambda live: live["metadata"].update(uid="another"))
    again = executor.reconcile(plan, "req-1")
    del cluster.objects[CHECKOUT]
    gone = executor.reconcile(plan, "req-1")
    assert again
    assert gone
    assert (again.ok, gone.ok) == (False, False)


def _nothing() -> None:
    pass
