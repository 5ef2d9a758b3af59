"""The executor: one effect at most for one grant, and the truth about what became of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actions import restoring
from actions.clock import ManualClock
from actions.errors import (
    Conflict,
    Denied,
    GrantRefused,
    NotFound,
    Rejected,
    StalePlan,
    TwokeyError,
    Unreachable,
)
from actions.executor import Executor
from actions.plan import Plan
from actions.terms import Risk
from tests.actions.conftest import CHECKOUT, Granted, PlanFactory, Run
from tests.actions.doubles import ClusterDouble


def test_a_granted_plan_is_applied_once_and_watched_to_its_end(plan: Plan, run: Run, cluster: ClusterDouble) -> None:
    outcome = run(plan)
    assert outcome.ok, outcome
    assert outcome.summary.startswith("done in 0:0")
    assert len(cluster.patches) == 1


def test_twice_is_once(plan: Plan, run: Run, granted: Granted, cluster: ClusterDouble) -> None:
    """E1: the same request again finds its effect in place and sends nothing."""
    grant = granted(plan)
    assert run(plan, grant).ok
    assert run(plan, grant).ok
    assert len(cluster.patches) == 1


@pytest.mark.parametrize("losses", [1, 2])
def test_a_lost_answer_is_read_back_and_never_repeated(
    plan: Plan, run: Run, cluster: ClusterDouble, losses: int
) -> None:
    """E1: the patch landed and its answer was lost."""
    cluster.after_patch = [Unreachable("The connection broke.")]
    cluster.before_read = [_nothing, *[Unreachable("Still down.")] * (losses - 1)]
    assert run(plan).ok
    assert len(cluster.patches) == 1


def test_a_request_that_never_arrived_is_sent_again(plan: Plan, run: Run, cluster: ClusterDouble) -> None:
    """E1: exactly one effect when the API can be reached."""
    cluster.before_patch = [Unreachable("The connection broke."), Unreachable("Again.")]
    assert run(plan).ok
    assert len(cluster.patches) == 1


def test_a_lost_request_that_arrives_late_is_not_doubled(plan: Plan, run: Run, cluster: ClusterDouble) -> None:
    """E1: while we look and see nothing the lost one is applied; the second is refused as a conflict and recognised."""
    late: list[str] = []

    def lose() -> None:
        raise Unreachable("No answer in time.")

    def arrive() -> None:
        cluster.patch(CHECKOUT, late_patch(), verb=plan.verb, request_id="req-1")

    def late_patch() -> Any:
        whole = restoring.whole(plan.patch, cluster.objects[CHECKOUT], cluster.revisions(CHECKOUT))
        body = json.loads(json.dumps(whole.for_request("req-1").body))
        body.setdefault("metadata", {})["resourceVersion"] = late[0]
        return whole.model_copy(update={"body": body})

    late.append(cluster.objects[CHECKOUT]["metadata"]["resourceVersion"])
    cluster.before_patch = [lose, arrive]
    assert run(plan).ok
    assert len(cluster.patches) == 1


def test_an_effect_that_nothing_tells_of_is_said_to_be_unknown(plan: Plan, run: Run, cluster: ClusterDouble) -> None:
    """E1: the answer is lost and the cluster stays away: no success is claimed, and no failure."""
    cluster.after_patch = [Unreachable("The connection broke.")]
    cluster.before_read = [_nothing, *[Unreachable("No route to the cluster.")] * 20]
    outcome = run(plan)
    assert outcome.ok is None
    assert "cannot tell" in outcome.summary
    assert len(cluster.patches) == 1


def test_a_cluster_that_is_away_from_the_start_changes_nothing(plan: Plan, run: Run, cluster: ClusterDouble) -> None:
    cluster.before_read = [Unreachable("No route to the cluster.")] * 20
    outcome = run(plan)
    assert outcome.ok is False
    assert outcome.summary == "nothing was changed: No route to the cluster."
    assert cluster.patches == []


@pytest.mark.parametrize("error", [Denied(), Rejected("exceeded quota"), NotFound()], ids=lambda e: type(e).__name__)
def test_what_the_cluster_refuses_changed_nothing(
    plan: Plan, run: Run, cluster: ClusterDouble, error: TwokeyError
) -> None:
    cluster.before_patch = [error]
    outcome = run(plan)
    assert outcome.ok is False
    assert outcome.summary == f"nothing was changed: {error}"
    assert cluster.patches == []


def test_a_conflict_with_something_unrelated_is_tried_again(plan: Plan, run: Run, cluster: ClusterDouble) -> None:
    """A status update moves the resourceVersion all the time; what the plan rests on still holds."""
    touch = lambda: cluster.edit(CHECKOUT, lambda live: live["metadata"]["labels"].update(x="y"))  # noqa: E731 - short
    cluster.before_patch = [touch]
    assert run(plan).ok
    assert len(cluster.patches) == 1


def test_a_conflict_with_the_plan_itself_is_stale(plan: Plan, run: Run, cluster: ClusterDouble) -> None:
    """E3: what the plan rests on moved between the last read and the patch."""

    def meddle() -> None:
        cluster.edit(CHECKOUT, lambda live: live["spec"].update(replicas=4))
        cluster.edit(CHECKOUT, lambda live: live["spec"]["template"]["spec"].update(dnsPolicy="Default"))

    cluster.before_patch = [meddle]
    with pytest.raises(StalePlan):
        run(plan)
    assert cluster.patches == []


def test_conflicts_without_end_end(plan: Plan, run: Run, cluster: ClusterDouble) -> None:
    cluster.before_patch = [Conflict()] * 50
    outcome = run(plan)
    assert outcome.ok is False
    assert len(cluster.before_patch) > 40


# -- grants -----------------------------------------------------------------------------------------------------------
def test_a_grant_for_another_digest_runs_nothing(
    plan: Plan, run: Run, granted: Granted, cluster: ClusterDouble
) -> None:
    """A1."""
    with pytest.raises(GrantRefused):
        run(plan, granted(plan, digest="0" * 64))
    assert cluster.patches == []


def test_an_expired_grant_runs_nothing(
    plan: Plan, run: Run, granted: Granted, clock: ManualClock, cluster: ClusterDouble
) -> None:
    """A6: it is not even tried; that each PATCH asks again is another law."""
    grant = granted(plan)
    clock.advance(600)
    cluster.before_read = [_nothing]
    with pytest.raises(GrantRefused, match="time"):
        run(plan, grant)
    assert (cluster.patches, cluster.before_read) == ([], [_nothing]), "nothing was read"


def test_a_grant_that_expires_while_we_try_runs_nothing(
    plan: Plan, run: Run, granted: Granted, clock: ManualClock, cluster: ClusterDouble
) -> None:
    """A6: each PATCH needs a grant that holds at that moment."""
    cluster.before_patch = [Conflict()]
    cluster.before_read = [_nothing, lambda: clock.advance(600)]
    with pytest.raises(GrantRefused):
        run(plan, granted(plan))
    assert cluster.patches == []


def test_a_plan_changed_behind_its_cached_digest_runs_nothing(
    plan: Plan, run: Run, granted: Granted, cluster: ClusterDouble
) -> None:
    """A1: the digest is made anew from what would be executed."""
    grant = granted(plan)
    plan.patch.body["spec"] = {"replicas": 0}
    with pytest.raises(GrantRefused):
        run(plan, grant)
    assert cluster.patches == []


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_changing_anything_in_a_plan_makes_its_grant_worthless(
    data: st.DataObject, plan: Plan, run: Run, granted: Granted, cluster: ClusterDouble
) -> None:
    """A1: action, arguments, target, before and after, preconditions, patch, policy version: any leaf."""
    grant = granted(plan)
    fields = plan.model_dump(mode="json")
    path = data.draw(st.sampled_from(_leaves(fields)))
    changed = _changed(fields, path, data.draw(st.text("abc", min_size=1, max_size=3)))
    try:
        other = Plan.model_validate(changed)
    except ValueError:
        return  # it is no plan at all
    with pytest.raises(GrantRefused):
        run(other, grant)
    assert cluster.patches == []


# -- check and stale plans ---------------------------------------------------------------------------------------------
def test_a_plan_that_still_holds_passes_the_check(plan: Plan, executor: Executor, cluster: ClusterDouble) -> None:
    cluster.edit(CHECKOUT, lambda live: live["metadata"]["labels"].update(x="y"))
    executor.check(plan)


FORGED: dict[str, Callable[[Plan, Plan], dict[str, object]]] = {
    "another target": lambda plan, other: {"target": other.target, "preconditions": other.preconditions},
    "another patch": lambda plan, other: {"patch": other.patch},
    "fewer conditions": lambda plan, other: {"preconditions": plan.preconditions[:1]},
    "another risk": lambda plan, other: {"risk": Risk.LOW if plan.risk is Risk.HIGH else Risk.HIGH},
    "other evals": lambda plan, other: {"evals": ("another",)},
}


@pytest.mark.parametrize("forged", FORGED)
def test_a_plan_that_its_action_does_not_make_is_not_run(
    plan: Plan, plan_factory: PlanFactory, executor: Executor, cluster: ClusterDouble, forged: str
) -> None:
    """P3: whoever can record a plan cannot have one action judged and something else done."""
    cluster.add(replace(CHECKOUT, namespace="dev"))
    changes: dict[str, dict[str, Any]] = {"deploy": {"version": "6.6.6"}, "scale": {"replicas": 9}}
    verb = plan.verb if plan.verb in changes else "deploy"
    other = plan_factory(verb, environment="dev" if "target" in forged else "prod", **changes[verb])
    lie = plan.model_copy(update=FORGED[forged](plan, other))
    assert lie.digest != plan.digest
    with pytest.raises(StalePlan, match="would do something else now"):
        executor.check(lie)


def test_a_stale_scale_says_what_moved_and_what_it_would_be(
    plan_factory: PlanFactory, executor: Executor, cluster: ClusterDouble
) -> None:
    plan = plan_factory("scale", replicas=5)
    cluster.edit(CHECKOUT, lambda live: live["spec"].update(replicas=4))
    with pytest.raises(StalePlan, match=r"Someone set replicas to 4 \(kubectl-edit, 09:00 UTC\): 4 → 5 now\."):
        executor.check(plan)


def test_a_deploy_is_not_stale_because_an_autoscaler_moved(
    plan_factory: PlanFactory, run: Run, cluster: ClusterDouble
) -> None:
    plan = plan_factory("deploy")
    cluster.edit(CHECKOUT, lambda live: live["spec"].update(replicas=4), "horizontal-pod-autoscaler")
    assert run(plan).ok


def test_a_stale_deploy_names_the_version_that_came_in_between(
    plan_factory: PlanFactory, executor: Executor, cluster: ClusterDouble
) -> None:
    plan = plan_factory("deploy")
    cluster.deploy(CHECKOUT, "1.4.3")
    with pytest.raises(StalePlan, match=r"set the image to 1\.4\.3 \(kubectl-set, 09:00 UTC\), it was 1\.4\.1"):
        executor.check(plan)


def test_a_target_that_was_replaced_or_is_gone_is_stale(
    plan: Plan, executor: Executor, run: Run, cluster: ClusterDouble
) -> None:
    cluster.edit(CHECKOUT, lambda live: live["metadata"].update(uid="another"))
    with pytest.raises(StalePlan, match="deleted and created again"):
        executor.check(plan)
    del cluster.objects[CHECKOUT]
    with pytest.raises(StalePlan, match="gone"):
        run(plan)


def _nothing() -> None:
    pass


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict) and value:
        return [leaf for key, inner in value.items() for leaf in _leaves(inner, (*path, key))]
    if isinstance(value, list) and value:
        return [leaf for key, inner in enumerate(value) for leaf in _leaves(inner, (*path, key))]
    return [path]


def _changed(value: Any, path: tuple[Any, ...], suffix: str) -> Any:
    if not path:
        return value + 1 if isinstance(value, int) else f"{value or ''}{suffix}"
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _changed(copy[path[0]], path[1:], suffix)
    return copy


def test_what_is_stopped_before_the_patch_changes_nothing(
    plan: Plan, granted: Granted, executor: Executor, cluster: ClusterDouble
) -> None:
    """E2: cancelled, or taken over by another runner, while the target was read."""
    with pytest.raises(GrantRefused, match="stopped before anything"):
        executor.execute(plan, granted(plan), lambda step: None, lambda: True)
    assert cluster.patches == []
