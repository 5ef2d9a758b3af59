"""The ReplicaSet controller: as many pods as asked for, and a status that says how they are."""

from __future__ import annotations

from bot.playground.town.agenda import Agenda
from bot.playground.town.kubelet import Kubelet
from bot.playground.town.objects import Names, Object, clone, owned_by, owner, reference, stamp
from bot.playground.town.recorder import Recorder
from bot.playground.town.store import Store

_SOURCE = "replicaset-controller"


class ReplicaSets:
    """Keeps every ReplicaSet's pods."""

    def __init__(self, store: Store, agenda: Agenda, recorder: Recorder, names: Names, kubelet: Kubelet) -> None:
        self._store, self._agenda, self._recorder = store, agenda, recorder
        self._names, self._kubelet = names, kubelet

    def sync(self, namespace: str, name: str) -> None:
        """Bring pods and status of this ReplicaSet to what is asked for."""
        replica_set = self._store.get("replicasets", namespace, name)
        if replica_set is None:
            self._end_orphans(namespace)
            return
        pods = self._pods(replica_set)
        missing = replica_set["spec"]["replicas"] - len(pods)
        for _ in range(missing):
            self._create(replica_set)
        for pod in sorted(pods, key=self._expendable)[: max(0, -missing)]:
            self._kubelet.end(pod)
            self._recorder.record(replica_set, "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}", _SOURCE)
        self._write_status(replica_set)

    def _pods(self, replica_set: Object) -> list[Object]:
        pods = self._store.all("pods", replica_set["metadata"]["namespace"])
        return [pod for pod in pods if owned_by(pod, replica_set) and not pod["metadata"].get("deletionTimestamp")]

    def _end_orphans(self, namespace: str) -> None:
        living = {rs["metadata"]["uid"] for rs in self._store.all("replicasets", namespace)}
        for pod in self._store.all("pods", namespace):
            controller = owner(pod)
            if controller and controller["kind"] == "ReplicaSet" and controller["uid"] not in living:
                self._kubelet.end(pod)

    def _expendable(self, pod: Object) -> tuple[bool, float]:
        """Those that are not ready first, then the newest (k8s.io/kubernetes/pkg/controller ActivePods)."""
        since = self._kubelet.ready_since(pod)
        return since is not None, -(since or 0.0)

    def _create(self, replica_set: Object) -> None:
        meta, template = replica_set["metadata"], replica_set["spec"]["template"]
        pod: Object = {
            "kind": "Pod",
            "apiVersion": "v1",
            "metadata": {
                "name": f"{meta['name']}-{self._names.suffix()}",
                "generateName": f"{meta['name']}-",
                "namespace": meta["namespace"],
                "uid": self._names.uid(),
                "creationTimestamp": stamp(self._agenda.at),
                "labels": clone(template["metadata"].get("labels", {})),
                "annotations": clone(template["metadata"].get("annotations", {})),
                "ownerReferences": [reference(replica_set)],
            },
            "spec": clone(template["spec"]),
        }
        deployment = owner(replica_set)
        self._kubelet.run(pod, deployment["name"] if deployment else meta["name"])
        self._recorder.record(replica_set, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}", _SOURCE)

    def _write_status(self, replica_set: Object) -> None:
        pods, patience = self._pods(replica_set), replica_set["spec"].get("minReadySeconds", 0)
        meta = replica_set["metadata"]
        since = [at for pod in pods if (at := self._kubelet.ready_since(pod)) is not None]
        available = sum(1 for at in since if self._agenda.at - at >= patience)
        if available < len(since):
            soonest = min(at for at in since if self._agenda.at - at < patience)
            left = soonest + patience - self._agenda.at + 0.001  # never a hair too early
            self._agenda.later(left, ("replicaset", meta["namespace"], meta["name"]))
        counts = {
            "replicas": len(pods),
            "fullyLabeledReplicas": len(pods),
            "readyReplicas": len(since),
            "availableReplicas": available,
            "observedGeneration": meta["generation"],
        }
        status = {key: count for key, count in counts.items() if count or key == "replicas"}
        self._store.put("replicasets", {**replica_set, "status": status})
