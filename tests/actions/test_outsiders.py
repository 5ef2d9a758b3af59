"""What somebody else did to a workload since our last change of it is said to whoever approves the next one."""

from __future__ import annotations

from typing import Any

from actions.clock import ManualClock
from actions.plan import Plan
from tests.actions.conftest import CHECKOUT, PlanFactory, Run
from tests.actions.doubles import ClusterDouble


def codes(plan: Plan) -> set[str]:
    return {caution.code for caution in plan.warnings}


def test_a_change_outside_of_twokey_since_ours_is_said(
    plan_factory: PlanFactory, run: Run, cluster: ClusterDouble, clock: ManualClock
) -> None:
    assert run(plan_factory()).ok
    assert codes(plan_factory("restart")) == set()
    clock.advance(60)
    cluster.deploy(CHECKOUT, "1.4.3")
    (warning,) = plan_factory("restart").warnings
    assert warning.code == "changed_since"
    assert warning.text == "somebody changed it outside of Twokey since its last change here (kubectl-set)"


def test_a_controller_that_writes_back_what_it_read_is_nobody(
    plan_factory: PlanFactory, run: Run, cluster: ClusterDouble, clock: ManualClock
) -> None:
    """As Argo Rollouts 1.10 was seen to do at every new revision; a person's change before that is still told."""
    assert run(plan_factory()).ok

    def tidied(live: dict[str, Any]) -> None:
        fields: dict[str, Any] = {"f:spec": {"f:template": {"f:spec": {"f:containers": {}}}}}
        when = f"{clock.now():%Y-%m-%dT%H:%M:%SZ}"
        live["metadata"]["managedFields"].append(
            {"manager": "rollouts-controller", "time": when, "fieldsV1": fields, "operation": "Update"}
        )

    clock.advance(60)
    cluster.edit(CHECKOUT, tidied)
    assert codes(plan_factory("restart")) == set()
    clock.advance(60)
    cluster.deploy(CHECKOUT, "1.4.3")
    clock.advance(60)
    cluster.edit(CHECKOUT, tidied)
    (warning,) = plan_factory("restart").warnings
    assert warning.text.endswith("(kubectl-set)")
