"""A rollback brings back what stands in the cluster alone (L6), and only what was previewed (A1)."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from actions import canonical, objects, restoring
from actions.errors import StalePlan
from actions.executor import Executor
from tests.actions.conftest import CHECKOUT, PlanFactory, Run
from tests.actions.doubles import ClusterDouble

OLD = [{"name": "SHARD", "value": "canary-old"}, {"name": "GONE", "value": "canary-gone"}]
NEW = [{"name": "SHARD", "value": "canary-new"}, {"name": "TRACE", "value": "canary-new"}]


@pytest.fixture
def configured(cluster: ClusterDouble) -> ClusterDouble:
    """checkout with other values in its environment than one revision ago."""
    for env in (OLD, NEW):
        cluster.edit(CHECKOUT, _with_env(env))
    return cluster


def _with_env(env: list[dict[str, str]]) -> Callable[[dict[str, Any]], None]:
    def change(live: dict[str, Any]) -> None:
        container = live["spec"]["template"]["spec"]["containers"][0]
        container.update(env=copy.deepcopy(env), args=["--token=canary-word"])

    return change


def test_a_rollback_s_plan_names_variables_and_holds_no_value(
    plan_factory: PlanFactory, configured: ClusterDouble
) -> None:
    """L6."""
    plan = plan_factory("rollback")
    assert "canary" not in plan.model_dump_json()
    shown = {d.field: d.after for d in plan.differences}
    assert shown["env"] == "GONE comes, SHARD changes, TRACE goes"


@pytest.mark.parametrize("action", [{"verb": "rollback"}, {"verb": "deploy"}, {"verb": "restart"}])
def test_nothing_in_a_plan_lets_a_value_be_guessed(
    plan_factory: PlanFactory, configured: ClusterDouble, action: dict[str, Any]
) -> None:
    """L6: every digest of what holds values is keyed by the workload's uid, and the plan does not hold that."""
    live = configured.objects[CHECKOUT]
    said = plan_factory(**action).model_dump_json()
    assert live["metadata"]["uid"] not in said
    for revision in configured.revisions(CHECKOUT):
        assert canonical.digest(dict(revision.template)) not in said
        assert revision.name not in said  # it ends with a hash of the template
    again = copy.deepcopy(live)
    again["metadata"]["uid"] = "another"
    assert objects.at(live, objects.TEMPLATE) != objects.at(again, objects.TEMPLATE)
    for revision in configured.revisions(CHECKOUT):
        assert restoring.of(live, revision).fingerprint != restoring.of(again, revision).fingerprint


def test_it_brings_back_exactly_what_was_there(plan_factory: PlanFactory, run: Run, configured: ClusterDouble) -> None:
    """L6, E1: the values come from the revision in the moment of the patch."""
    wanted = configured.revisions(CHECKOUT)[1].template
    assert run(plan_factory("rollback")).ok
    assert configured.objects[CHECKOUT]["spec"]["template"] == wanted


def _changed(cluster: ClusterDouble) -> None:
    past = cluster.history[CHECKOUT]
    template = copy.deepcopy(dict(past[1].template))
    template["spec"]["containers"][0]["env"][0]["value"] = "another"
    past[1] = replace(past[1], template=template)


def _removed(cluster: ClusterDouble) -> None:
    del cluster.history[CHECKOUT][1]


@pytest.mark.parametrize("happened", [_changed, _removed])
def test_a_revision_that_is_not_what_was_previewed_is_not_brought_back(
    plan_factory: PlanFactory, run: Run, configured: ClusterDouble, happened: Callable[[ClusterDouble], None]
) -> None:
    """A1: the fingerprint in the plan binds every value that the patch is made of."""
    plan = plan_factory("rollback")
    happened(configured)
    with pytest.raises(StalePlan, match="Revision 2 was changed or is gone"):
        run(plan)
    assert configured.patches == []


def test_a_plan_that_names_another_revision_s_template_is_not_run(
    plan_factory: PlanFactory, executor: Executor, configured: ClusterDouble
) -> None:
    """P3: recorded by somebody, digest and all; its action does not make it."""
    lie = plan_factory("rollback").model_copy(update={"patch": plan_factory("rollback", to=1).patch})
    with pytest.raises(StalePlan, match="would do something else now"):
        executor.check(lie)


def test_a_value_that_changed_since_the_preview_makes_it_stale(
    plan_factory: PlanFactory, run: Run, configured: ClusterDouble
) -> None:
    """A1, E3: though nobody was shown the value."""
    plans = [plan_factory("rollback"), plan_factory("deploy"), plan_factory("restart")]
    configured.edit(CHECKOUT, _with_env([{"name": "SHARD", "value": "canary-other"}]))
    for plan in plans:
        with pytest.raises(StalePlan, match="changed the pod template"):
            run(plan)
    assert configured.patches == []
