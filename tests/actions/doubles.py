"""A cluster in memory: the same promises as the real client's, without HTTP.

Every look at a workload moves its rollout on by one pod, so that nothing has to wait.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from actions import canonical, image
from actions.clients.protocols import (
    Autoscaler,
    Budget,
    Event,
    Granted,
    LogLine,
    Pod,
    Quota,
    Revision,
    WorkloadRef,
)
from actions.clock import Clock, ManualClock
from actions.errors import Conflict, NotFound, TwokeyError
from actions.plan import Patch

Fault = TwokeyError | Callable[[], None]


@dataclass
class ClusterDouble:
    """Implements `actions.clients.protocols.Cluster`."""

    clock: Clock = field(default_factory=ManualClock)
    objects: dict[WorkloadRef, dict[str, Any]] = field(default_factory=dict)
    history: dict[WorkloadRef, list[Revision]] = field(default_factory=dict)
    autoscalers: dict[WorkloadRef, Autoscaler] = field(default_factory=dict)
    trouble: dict[str, str] = field(default_factory=dict)  # version -> why its pods never become ready
    pulled: dict[str, str] = field(default_factory=dict)  # image -> the digest that it stood for
    pulled_by: dict[WorkloadRef, str] = field(default_factory=dict)  # another one, for this workload's pods
    limits: list[Quota] = field(default_factory=list)
    disruptions: list[Budget] = field(default_factory=list)
    closed: TwokeyError | None = None  # why neither limits nor disruptions can be read
    warnings: list[Event] = field(default_factory=list)
    log: list[LogLine] = field(default_factory=list)
    forbidden: set[tuple[str, str, str]] = field(default_factory=set)  # (namespace, resource, verb)
    patches: list[Patch] = field(default_factory=list)  # those applied, dry runs left out
    dry_runs: list[Patch] = field(default_factory=list)
    frozen: bool = False  # rollouts make no progress
    before_read: list[Fault] = field(default_factory=list)  # one is taken for each read of a workload
    before_patch: list[Fault] = field(default_factory=list)  # one for each patch that is no dry run
    after_patch: list[Fault] = field(default_factory=list)  # the same, once it has been applied

    def add(self, ref: WorkloadRef, version: str = "1.4.1", replicas: int = 3, **changes: Any) -> dict[str, Any]:
        """A workload that has rolled out; `changes` go into its spec."""
        container = {"name": ref.name, "image": f"registry.example/{ref.name}:{version}", "env": []}
        live = {
            "apiVersion": "apps/v1",
            "kind": ref.kind,
            "metadata": {
                "name": ref.name,
                "namespace": ref.namespace,
                "uid": f"uid-{ref.namespace}-{ref.name}",
                "resourceVersion": "100",
                "generation": 41,
                "labels": {"app": ref.name},
                "annotations": {},
                "managedFields": [],
            },
            "spec": {
                "replicas": replicas,
                "template": {"metadata": {"labels": {"app": ref.name}}, "spec": {"containers": [container]}},
                **changes,
            },
        }
        self.objects[ref], self.history[ref] = live, []
        self._record(ref)
        self._arrive(ref, replicas)
        return live

    def edit(self, ref: WorkloadRef, change: Callable[[dict[str, Any]], None], manager: str = "kubectl-edit") -> None:
        """Somebody else changes the object; `change` gets it."""
        live = self.objects[ref]
        old = copy.deepcopy(live["spec"])
        change(live)
        self._written(ref, old, manager)

    def deploy(self, ref: WorkloadRef, version: str) -> None:
        """Somebody else deploys this version, and it rolls out."""

        def change(live: dict[str, Any]) -> None:
            container = live["spec"]["template"]["spec"]["containers"][0]
            container["image"] = f"{image.split(container['image'])[0]}:{version}"

        self.edit(ref, change, "kubectl-set")
        self._arrive(ref, self.objects[ref]["spec"]["replicas"])

    # -- Cluster -------------------------------------------------------------------------------------------------
    def workload(self, ref: WorkloadRef) -> dict[str, Any]:
        _strike(self.before_read)
        self._require(ref)
        if not self.frozen:
            self._advance(ref)
        return copy.deepcopy(self.objects[ref])

    def patch(
        self, ref: WorkloadRef, patch: Patch, *, verb: str, request_id: str | None, dry_run: bool = False
    ) -> dict[str, Any]:
        if not dry_run:
            _strike(self.before_patch)
        self._require(ref)
        live = self.objects[ref]
        bound = patch.body.get("metadata") or {}
        assert isinstance(bound, dict)
        if any(bound.get(key, live["metadata"][key]) != live["metadata"][key] for key in ("uid", "resourceVersion")):
            raise Conflict("The object has been modified; please apply your changes to the latest version.")
        after: dict[str, Any] = _merged(live, patch.body, by_name=patch.type == "strategic")
        if dry_run:
            self.dry_runs.append(patch)
            return after
        old = copy.deepcopy(live["spec"])
        self.objects[ref] = after
        self.patches.append(patch)
        self._written(ref, old, f"twokey-{request_id}" if patch.subresource == "scale" else "twokey")
        _strike(self.after_patch)
        return copy.deepcopy(self.objects[ref])

    def revisions(self, ref: WorkloadRef) -> list[Revision]:
        return sorted(self.history.get(ref, []), key=lambda r: -r.number)

    def pods(self, ref: WorkloadRef) -> list[Pod]:
        self._require(ref)
        present, live = self.revisions(ref)[0], self.objects[ref]
        full = str(present.template["spec"]["containers"][0]["image"])
        why = self.trouble.get(image.split(full)[1])
        return [
            Pod(
                name=f"{present.name}-{number}",
                phase="Running",
                ready=why is None,
                restarts=2 if why else 0,
                images=(full,),
                reason=why,
                started_at=self.clock.now(),
                template_hash=present.name.rpartition("-")[2],
                digests=((full, self.pulled_by.get(ref, self.pulled[full])),) if full in self.pulled else (),
            )
            for number in range(live["status"]["updatedReplicas"])
        ]

    def events(self, ref: WorkloadRef, since: datetime) -> list[Event]:
        return [event for event in self.warnings if event.at >= since]

    def autoscaler(self, ref: WorkloadRef) -> Autoscaler | None:
        return self.autoscalers.get(ref)

    def quotas(self, ref: WorkloadRef) -> list[Quota]:
        if self.closed:
            raise self.closed
        return self.limits

    def budgets(self, ref: WorkloadRef, labels: Mapping[str, str]) -> list[Budget]:
        if self.closed:
            raise self.closed
        return self.disruptions

    def logs(self, ref: WorkloadRef, since: datetime, limit: int) -> list[LogLine]:
        return [line for line in self.log if line.at >= since][-limit:]

    def allowed(
        self, cluster: str | None, namespace: str, group: str, resource: str, verb: str, name: str = "", user: str = ""
    ) -> bool:
        return (namespace, resource, verb) not in self.forbidden

    def granted(self, cluster: str | None, namespace: str, user: str = "") -> list[Granted]:
        raise NotFound

    # -- what its controllers do -----------------------------------------------------------------------------------
    def _require(self, ref: WorkloadRef) -> None:
        if ref not in self.objects:
            raise NotFound(f'deployments.apps "{ref.name}" not found.')

    def _written(self, ref: WorkloadRef, old: dict[str, Any], manager: str) -> None:
        live = self.objects[ref]
        meta, spec = live["metadata"], live["spec"]
        meta["resourceVersion"] = str(int(meta["resourceVersion"]) + 1)
        if spec == old:
            return
        meta["generation"] += 1
        for key, path in (("replicas", "f:replicas"), ("template", "f:template")):
            if spec.get(key) != old.get(key):
                fields: dict[str, Any] = {"f:spec": {path: {}}}
                meta["managedFields"] = [e for e in meta["managedFields"] if e["fieldsV1"] != fields]
                time = f"{self.clock.now():%Y-%m-%dT%H:%M:%SZ}"
                meta["managedFields"].append({"manager": manager, "time": time, "fieldsV1": fields})
        if spec["template"] != old["template"]:
            live["status"] |= {"updatedReplicas": 0}
            self._record(ref)

    def _record(self, ref: WorkloadRef) -> None:
        live, past = self.objects[ref], self.history[ref]
        template = copy.deepcopy(live["spec"]["template"])
        number = max((r.number for r in past), default=0) + 1
        past[:] = [r for r in past if r.template != template]
        past.append(
            Revision(
                number=number,
                name=f"{ref.name}-{canonical.digest(template)[:8]}",
                created_at=self.clock.now(),
                template=template,
                annotations=dict(live["metadata"]["annotations"]),
                replicas=0,
            )
        )

    def _advance(self, ref: WorkloadRef) -> None:
        live = self.objects[ref]
        self._arrive(ref, min(live["status"]["updatedReplicas"] + 1, live["spec"]["replicas"]))

    def _arrive(self, ref: WorkloadRef, updated: int) -> None:
        live = self.objects[ref]
        version = image.split(str(live["spec"]["template"]["spec"]["containers"][0]["image"]))[1]
        wanted = live["spec"]["replicas"]
        ready = 0 if version in self.trouble else min(updated, wanted)
        live["status"] = {
            "observedGeneration": live["metadata"]["generation"],
            "replicas": max(wanted, updated),
            "updatedReplicas": updated,
            "availableReplicas": ready,
            "readyReplicas": ready,
        }


def _strike(faults: list[Fault]) -> None:
    if faults:
        fault = faults.pop(0)
        if isinstance(fault, TwokeyError):
            raise fault
        fault()


def _merged(live: Any, patch: Any, by_name: bool) -> Any:
    if not isinstance(patch, dict):
        if by_name and isinstance(patch, list) and isinstance(live, list):
            changed = {entry["name"]: entry for entry in patch}
            return [_merged(entry, changed.get(entry["name"], {}), by_name) for entry in live]
        return copy.deepcopy(patch)
    result = copy.deepcopy(live) if isinstance(live, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value, by_name)
    return result
