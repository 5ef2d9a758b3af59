"""How long a change takes against a real API server, and what it asks of it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from actions.action import Change
from actions.catalog import Catalog
from actions.clients.kubernetes import KubernetesCluster
from actions.clock import SystemClock
from actions.executor import Executor
from actions.registry import Registry
from actions.toolbox import Toolbox
from actions.verbs import VERBS
from actions.watch import Pace
from tests.bench.figures import Json, spread
from tests.cluster.control_plane import ControlPlane, control_plane
from tests.cluster.kubelet import Kubelet
from tests.cluster.shop import PACE, Hands, Shop, workload
from tests.cluster.wire import Wire, wire_to
from tests.waiting import until

HOW = "needs a control plane: `make control-plane`, then KUBEBUILDER_ASSETS=<what it prints>"
_WHAT = (
    "plan (live reads, limits, the server's dry run) and execute (its checks, the patch, the rollout of two pods that "
    "a stand-in makes ready at once, looked at every 0.1 s) as each verb's own account, in one thread; calls and bytes "
    "of bodies both ways; then rollouts at once as one account, each looked at every second"
)


def measure(folder: Path, rounds: int, rollouts: int) -> Json:
    """One line where there is no control plane."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if not assets or not rounds:
        return {"what": _WHAT, "skipped": HOW if not assets else "left out"}
    folder.mkdir(parents=True, exist_ok=True)
    with control_plane(Path(assets), folder) as plane, Kubelet(plane):
        return {"what": _WHAT, **measured(plane, rounds, rollouts)}


def measured(plane: ControlPlane, rounds: int, rollouts: int) -> Json:
    """Everything, on this control plane."""
    with Shop.opened(plane) as shop:
        found = {"deploy": _changes(shop, rounds), "a_request": _traffic(shop)}
    return {**found, "rollouts_at_once": _rollouts(plane, rollouts)}


def _changes(shop: Shop, rounds: int) -> Json:
    hands = shop.hands()
    hands.do("deploy", version="1.1")  # what is opened and imported once is no part of it
    planned, executed = [], []
    for number in range(rounds):
        began = time.perf_counter()
        plan = hands.plan("deploy", version=f"2.{number}")
        planned.append(time.perf_counter() - began)
        began = time.perf_counter()
        _require(hands.execute(plan).ok)
        executed.append(time.perf_counter() - began)
    return {"plan": spread(planned, "ms"), "execute": spread(executed, "ms")}


def _traffic(shop: Shop) -> Json:
    """Calls and bytes of one request each."""
    verbs: dict[str, Json] = {"deploy": {"version": "3.0"}, "scale": {"replicas": 3}, "restart": {}, "rollback": {}}
    with wire_to(shop.plane) as wire:
        hands = shop.hands(server=wire.url)
        hands.plan("restart")
        return {verb: _of_one(hands, wire, verb, given) for verb, given in verbs.items()}


def _of_one(hands: Hands, wire: Wire, verb: str, arguments: Json) -> Json:
    with _counted(wire) as planning:
        plan = hands.plan(verb, **arguments)
    with _counted(wire) as executing:
        _require(hands.execute(plan).ok)
    return {"plan": planning, "execute": executing}


def _rollouts(plane: ControlPlane, count: int) -> Json:
    """So many Deployments of one pod each, deployed in the same moment."""
    with plane.session() as admin, wire_to(plane) as wire:
        namespace = admin.post(
            f"{plane.url}/api/v1/namespaces", json={"metadata": {"generateName": "many-"}}, timeout=30
        ).json()["metadata"]["name"]
        path, names = f"{plane.url}/apis/apps/v1/namespaces/{namespace}/deployments", [f"s{n}" for n in range(count)]
        for name in names:
            _require(admin.post(path, json=workload("Deployment", name, replicas=1), timeout=30).ok)

        def ready() -> bool:
            return all(each["status"].get("availableReplicas") for each in admin.get(path, timeout=30).json()["items"])

        until(ready, "the services")
        executor = _executor(plane.kubeconfig("bench", server=wire.url), namespace, names)
        hands = Hands(executor, Registry(VERBS), KubernetesCluster(None), "")
        plans = [executor.plan(_deploy(name), "policy-1") for name in names]
        together, began = threading.Barrier(count), time.perf_counter()

        def run(number: int) -> bool:
            together.wait(60)
            return bool(hands.execute(plans[number]).ok)

        with _counted(wire) as traffic, ThreadPoolExecutor(count) as pool:
            _require(all(pool.map(run, range(count))))
        return {"n": count, "seconds": round(time.perf_counter() - began, 2), **traffic, "every_s": Pace.step}


def _executor(kubeconfig: Path, namespace: str, names: list[str]) -> Executor:
    catalog = Catalog.model_validate(
        {"environments": {"prod": {"namespace": namespace}}, "services": {name: {} for name in names}}
    )
    tools = Toolbox(catalog=catalog, cluster=KubernetesCluster(kubeconfig), clock=SystemClock())
    return Executor(Registry(VERBS), tools, replace(PACE, step=Pace.step))


def _deploy(service: str) -> Change:
    action: Any = Registry(VERBS).parse({"verb": "deploy", "service": service, "environment": "prod", "version": "2.0"})
    assert isinstance(action, Change)
    return action


@contextmanager
def _counted(wire: Wire) -> Iterator[Json]:
    """Calls and bytes of the block."""
    found: Json = {}
    calls, sent = len(wire.passed), wire.bytes
    yield found
    found |= {"calls": len(wire.passed) - calls, "bytes": wire.bytes - sent}


def _require(well: bool | None) -> None:
    if not well:
        raise RuntimeError("a change did not work, so there is nothing to measure")
