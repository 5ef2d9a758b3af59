"""A card shows what the cluster would do, or there is no card."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from actions.clients.protocols import WorkloadRef
from actions.clock import ManualClock
from actions.errors import Rejected
from actions.executor import Executor
from actions.plan import Patch
from actions.registry import Registry
from actions.toolbox import Toolbox
from tests.actions.conftest import CHECKOUT
from tests.actions.doubles import ClusterDouble


class Mutating(ClusterDouble):
    """Has an admission webhook that lets nothing have more than four replicas, and takes images from a mirror."""

    def patch(
        self, ref: WorkloadRef, patch: Patch, *, verb: str, request_id: str | None, dry_run: bool = False
    ) -> dict[str, Any]:
        after = copy.deepcopy(super().patch(ref, patch, verb=verb, request_id=request_id, dry_run=dry_run))
        after["spec"]["replicas"] = min(4, after["spec"]["replicas"])
        for container in after["spec"]["template"]["spec"]["containers"]:
            container["image"] = container["image"].replace("registry.example", "mirror.example")
        return after


@pytest.mark.parametrize("action", [{"verb": "scale", "replicas": 5}, {"verb": "deploy"}])
def test_a_cluster_that_makes_something_else_of_it_gets_no_card(
    registry: Registry, toolbox: Toolbox, clock: ManualClock, action: dict[str, Any]
) -> None:
    """A1: the card would show what was asked for, and the cluster would do another thing."""
    cluster = Mutating(clock=clock)
    cluster.add(CHECKOUT)
    executor = Executor(registry, Toolbox(catalog=toolbox.catalog, cluster=cluster, clock=clock))
    given = {"service": "checkout", "environment": "prod", "version": "1.4.2", **action}
    if action["verb"] == "scale":
        given.pop("version")
    with pytest.raises(Rejected, match="something else"):
        executor.plan(registry.parse(given), "policy-1")  # type: ignore[arg-type]  # both are changes
