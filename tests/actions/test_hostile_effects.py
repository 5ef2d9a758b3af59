"""Ways to get two effects out of one approval, another effect than the one shown, or a wrong word about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from actions import restoring
from actions.clock import ManualClock
from actions.errors import TwokeyError, Unreachable
from actions.executor import Executor
from actions.plan import Plan
from actions.registry import Registry
from actions.toolbox import Toolbox
from tests.actions.conftest import CHECKOUT, Granted, PlanFactory, Run
from tests.actions.doubles import ClusterDouble
from tests.actions.test_verification import Fixed


def _raise(error: TwokeyError) -> None:
    raise error


def test_a_scale_whose_answer_was_lost_and_that_somebody_took_back_is_not_done_again(
    plan_factory: PlanFactory, run: Run, cluster: ClusterDouble
) -> None:
    """E1: the replicas are as before, but they were written since: nothing tells, so nothing is sent."""
    plan = plan_factory("scale", replicas=5)

    def landed_then_taken_back() -> None:
        cluster.edit(CHECKOUT, lambda live: live["spec"].update(replicas=3))
        _raise(Unreachable("The connection broke."))

    cluster.after_patch = [landed_then_taken_back]
    outcome = run(plan)
    assert len(cluster.patches) == 1
    assert outcome.ok is None


def test_another_process_does_not_rule_out_a_patch_that_is_still_under_way(
    plan: Plan, run: Run, registry: Registry, toolbox: Toolbox, cluster: ClusterDouble, clock: ManualClock
) -> None:
    """E1: a gateway beside the runner, or a runner after a restart, cannot know when the patch was sent."""
    cluster.before_patch = [Unreachable("No answer in time.")] * 20
    assert run(plan).ok is None
    other = Executor(registry, toolbox)
    assert other.reconcile(plan, "req-1") is None
    cluster.before_patch.clear()
    late = restoring.whole(plan.patch, cluster.objects[CHECKOUT], cluster.revisions(CHECKOUT))
    cluster.patch(CHECKOUT, late.for_request("req-1"), verb=plan.verb, request_id="req-1")  # it arrives late
    for _ in range(5):
        cluster.workload(CHECKOUT)
    settled = other.reconcile(plan, "req-1")
    assert settled
    assert settled.ok


def test_a_clock_that_jumps_back_does_not_rule_it_out_either(
    plan: Plan, executor: Executor, clock: ManualClock
) -> None:
    """E1, A6: the wait begins anew."""
    assert executor.reconcile(plan, "req-1") is None
    clock.advance(-3600)
    assert executor.reconcile(plan, "req-1") is None


def test_what_a_template_holds_is_sent_as_it_was_shown(
    plan_factory: PlanFactory, run: Run, cluster: ClusterDouble
) -> None:
    """A1: only our own marks take the request's id; `${request}` of somebody's proxy configuration stays."""
    odd = ["--log-format=${request} ${twokey.dev/request}"]
    cluster.edit(CHECKOUT, lambda live: live["spec"]["template"]["spec"]["containers"][0].update(args=odd))
    cluster.edit(CHECKOUT, lambda live: live["spec"]["template"]["spec"]["containers"][0].pop("args"))
    plan = plan_factory("rollback")
    assert run(plan).ok
    live = cluster.objects[CHECKOUT]
    assert live["spec"]["template"]["spec"]["containers"][0]["args"] == odd
    assert live["metadata"]["annotations"]["twokey.dev/request"] == "req-1"


def test_a_change_that_is_taken_back_while_its_metrics_are_looked_at_is_not_done(
    plan_factory: PlanFactory, registry: Registry, toolbox: Toolbox, granted: Granted, cluster: ClusterDouble
) -> None:
    """An operator that heals its own idea of the target takes seconds to do so, which is when we verify."""
    plan = plan_factory("deploy")

    def taken_back(step: Any) -> None:
        if "looking at the metrics" in step.text:
            cluster.deploy(CHECKOUT, "1.4.1")

    executor = Executor(registry, replace(toolbox, metrics=Fixed(0.05)))
    outcome = executor.execute(plan, granted(plan), taken_back, lambda: False)
    assert outcome.ok is False
    assert "somebody changed it again" in outcome.summary
