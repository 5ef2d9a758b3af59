"""A real cluster through the `kubernetes` package; objects stay in the API's own JSON form."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from actions.clients import kube_objects
from actions.clients.kube_connection import ANSWER, Connection, agent
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
from actions.errors import NotFound, Rejected
from actions.kinds import SERVED, WorkloadKind
from actions.objects import MANAGER, SCALE_MANAGER
from actions.plan import Patch

_BY_SETS = ("Deployment", "Rollout")  # whose pods belong to ReplicaSets
_CONTENT = {"strategic": "application/strategic-merge-patch+json", "merge": "application/merge-patch+json"}
_LOGGED_PODS = 30  # whose logs are read at most, the newest first
_LOG_BYTES = 1_000_000  # of one container

Impersonate = Callable[[str, str, bool], str]
"""(verb, namespace, whether it is only tried) -> the user whose part a patch takes there; empty is our own account."""


class KubernetesCluster:
    """Implements `actions.clients.protocols.Cluster` for every context of a kubeconfig, or from inside a pod.

    Nothing is opened before it is first used.
    """

    def __init__(
        self, kubeconfig: Path | None, impersonate: Impersonate | None = None, patience: float = ANSWER
    ) -> None:
        """`kubeconfig` None: the pod's own account, or else the file where kubectl looks for it.

        `patience` is how many seconds one answer may take.
        """
        self._kubeconfig = kubeconfig
        self._impersonate = impersonate or (lambda verb, namespace, dry_run: "")
        self._patience = patience
        self._connections: dict[str | None, Connection] = {}
        self._lock = threading.Lock()

    def version(self, cluster: str | None) -> str:
        """The API server's version, to see that it answers. Raises SourceError."""
        return str(self._to(cluster).get("/version", "its version").get("gitVersion", "unknown"))

    def workload(self, ref: WorkloadRef) -> dict[str, Any]:
        return self._to(ref.cluster).get(_path(ref), _named(ref))

    def patch(
        self, ref: WorkloadRef, patch: Patch, *, verb: str, request_id: str | None, dry_run: bool = False
    ) -> dict[str, Any]:
        part = patch.subresource
        query = {"fieldManager": f"{SCALE_MANAGER}{request_id}" if part and request_id else MANAGER}
        if dry_run:
            query["dryRun"] = "All"
        headers = {"Content-Type": _CONTENT[patch.type], "User-Agent": f"{agent()} verb/{verb}"}
        if request_id:
            headers["User-Agent"] += f" request/{request_id}"
        if user := self._impersonate(verb, ref.namespace, dry_run):
            headers["Impersonate-User"] = user
        path = _path(ref) + (f"/{part}" if part else "")
        return self._to(ref.cluster).send("PATCH", path, _named(ref), patch.body, query, headers)

    def revisions(self, ref: WorkloadRef) -> list[Revision]:
        if ref.kind not in get_args(WorkloadKind):
            return []
        workload = self.workload(ref)
        if ref.kind in _BY_SETS:
            found = [kube_objects.replica_set(each) for each in self._owned(ref, "replicasets", workload)]
        else:
            found = [
                kube_objects.controller_revision(each) for each in self._owned(ref, "controllerrevisions", workload)
            ]
        made = sorted((each for each in found if each), key=lambda revision: -revision.number)
        if ref.kind != "Rollout":
            return made
        written = workload["spec"].get("template") or {}  # of a custom resource the server fills in no defaults
        return [
            replace(each, template=kube_objects.as_written(each.template, made[0].template, written)) for each in made
        ]

    def pods(self, ref: WorkloadRef) -> list[Pod]:
        return [kube_objects.pod(each) for each in self._pods(ref)]

    def events(self, ref: WorkloadRef, since: datetime) -> list[Event]:
        workload = self.workload(ref)
        sets = self._owned(ref, "replicasets", workload) if ref.kind in _BY_SETS else []
        makers = [f"Pod/{each['metadata']['name']}-" for each in (*sets, workload)]
        exact = {f"{ref.kind}/{ref.name}", *(f"ReplicaSet/{each['metadata']['name']}" for each in sets)}
        path = f"/api/v1/namespaces/{ref.namespace}/events"
        every = map(kube_objects.event, self._to(ref.cluster).each(path, f"the events of {ref.namespace}"))
        if sets:
            makers.pop()  # a Deployment's pods are named after its ReplicaSets
        about = [e for e in every if e.at >= since and (e.about in exact or e.about.startswith(tuple(makers)))]
        return sorted(about, key=lambda event: event.at, reverse=True)

    def autoscaler(self, ref: WorkloadRef) -> Autoscaler | None:
        path = f"/apis/autoscaling/v2/namespaces/{ref.namespace}/horizontalpodautoscalers"
        for each in self._to(ref.cluster).each(path, f"the autoscalers of {ref.namespace}"):
            spec, target = each["spec"], each["spec"]["scaleTargetRef"]
            if (target.get("kind"), target.get("name")) == (ref.kind, ref.name):
                return Autoscaler(each["metadata"]["name"], int(spec.get("minReplicas", 1)), int(spec["maxReplicas"]))
        return None

    def quotas(self, ref: WorkloadRef) -> list[Quota]:
        path = f"/api/v1/namespaces/{ref.namespace}/resourcequotas"
        found = map(kube_objects.quota, self._to(ref.cluster).each(path, f"the quotas of {ref.namespace}"))
        return [each for each in found if each]

    def budgets(self, ref: WorkloadRef, labels: Mapping[str, str]) -> list[Budget]:
        path = f"/apis/policy/v1/namespaces/{ref.namespace}/poddisruptionbudgets"
        every = self._to(ref.cluster).each(path, f"the disruption budgets of {ref.namespace}")
        return [kube_objects.budget(e) for e in every if kube_objects.selects(e["spec"].get("selector"), labels)]

    def logs(self, ref: WorkloadRef, since: datetime, limit: int) -> list[LogLine]:
        newest = sorted(self._pods(ref), key=lambda pod: str(pod["status"].get("startTime", "")), reverse=True)
        found = {line: None for pod in newest[:_LOGGED_PODS] for line in self._lines(ref, pod, since, limit)}
        merged = sorted((line for line in found if line.at >= since), key=lambda line: line.at)
        return merged[-limit:]

    def allowed(
        self, cluster: str | None, namespace: str, group: str, resource: str, verb: str, name: str = "", user: str = ""
    ) -> bool:
        plural, _, subresource = resource.partition("/")
        asked = {"group": group, "resource": plural, "subresource": subresource, "verb": verb, "name": name}
        attributes = {key: value for key, value in {"namespace": namespace, **asked}.items() if value}
        status = self._review(cluster, "SelfSubjectAccessReview", {"resourceAttributes": attributes}, user)
        return bool(status.get("allowed"))

    def granted(self, cluster: str | None, namespace: str, user: str = "") -> list[Granted]:
        status = self._review(cluster, "SelfSubjectRulesReview", {"namespace": namespace}, user)
        return [
            Granted(*(tuple(rule.get(key) or ()) for key in ("apiGroups", "resources", "verbs", "resourceNames")))
            for rule in status.get("resourceRules") or ()
        ]

    def _review(self, cluster: str | None, kind: str, spec: dict[str, Any], user: str) -> dict[str, Any]:
        path = f"/apis/authorization.k8s.io/v1/{kind.lower()}s"
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}
        headers = {"Impersonate-User": user} if user else {}
        answer = self._to(cluster).send("POST", path, f"the rights of {user or 'our own'}", body, headers=headers)
        return answer.get("status") or {}

    def _to(self, cluster: str | None) -> Connection:
        with self._lock:
            return self._connections.setdefault(cluster, Connection(self._kubeconfig, cluster, self._patience))

    def _owned(self, ref: WorkloadRef, plural: str, workload: dict[str, Any]) -> list[dict[str, Any]]:
        """By selector and by owner: another workload's objects may carry the same labels."""
        path = f"/apis/apps/v1/namespaces/{ref.namespace}/{plural}"
        query = {"labelSelector": kube_objects.selector(workload)}
        uid = workload["metadata"]["uid"]
        every = self._to(ref.cluster).each(path, f"the revisions of {_named(ref)}", query)
        return [each for each in every if kube_objects.owner(each) == uid]

    def _pods(self, ref: WorkloadRef) -> list[dict[str, Any]]:
        """Its pods by selector and by owner, without those that are leaving."""
        workload = self.workload(ref)
        owners = {workload["metadata"]["uid"]}
        if ref.kind in _BY_SETS:
            owners = {each["metadata"]["uid"] for each in self._owned(ref, "replicasets", workload)}
        path, query = f"/api/v1/namespaces/{ref.namespace}/pods", {"labelSelector": kube_objects.selector(workload)}
        every = self._to(ref.cluster).each(path, f"the pods of {_named(ref)}", query)
        return [
            each
            for each in every
            if kube_objects.owner(each) in owners and not each["metadata"].get("deletionTimestamp")
        ]

    def _lines(self, ref: WorkloadRef, pod: dict[str, Any], since: datetime, limit: int) -> Iterator[LogLine]:
        """Of every container, and of its life before the last restart."""
        name = str(pod["metadata"]["name"])
        path = f"/api/v1/namespaces/{ref.namespace}/pods/{name}/log"
        for container in (pod.get("status") or {}).get("containerStatuses") or ():
            for previous in (True, False) if container.get("restartCount") else (False,):
                query: dict[str, str | int] = {
                    "container": str(container["name"]),
                    "previous": str(previous).lower(),
                    "sinceTime": f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
                    "tailLines": limit,
                    "limitBytes": _LOG_BYTES,
                    "timestamps": "true",
                }
                # A container that never started, or a pod that has just gone, has no log to give.
                with suppress(Rejected, NotFound):
                    text = self._to(ref.cluster).text(path, f"the log of pod {name}", query)
                    yield from kube_objects.lines(text, name)


def _path(ref: WorkloadRef) -> str:
    group, version, plural = SERVED[ref.kind]
    return f"/apis/{group}/{version}/namespaces/{ref.namespace}/{plural}/{ref.name}"


def _named(ref: WorkloadRef) -> str:
    return f"{ref.kind} {ref.name} in {ref.namespace}"
