"""The deployment controller: one ReplicaSet a pod template, rolled from the old ones to the new one.

Follows k8s.io/kubernetes/pkg/controller/deployment in what it writes and when: revisions, copied annotations, surge and
unavailability, cleaning up unhealthy old pods first, proportional scaling, conditions and the revision history limit.
"""

from __future__ import annotations

from bot.playground.town import deployment_status
from bot.playground.town.agenda import Agenda
from bot.playground.town.objects import (
    HASH,
    REVISION,
    Names,
    Object,
    clone,
    owned_by,
    reference,
    share,
    stamp,
    template_hash,
)
from bot.playground.town.recorder import Recorder
from bot.playground.town.store import Store

DESIRED = "deployment.kubernetes.io/desired-replicas"
LARGEST = "deployment.kubernetes.io/max-replicas"
HISTORY = "deployment.kubernetes.io/revision-history"
_NOT_COPIED = {REVISION, HISTORY, DESIRED, LARGEST, "kubectl.kubernetes.io/last-applied-configuration"}
_SOURCE = "deployment-controller"


class Deployments:
    """Rolls every Deployment."""

    def __init__(self, store: Store, agenda: Agenda, recorder: Recorder, names: Names) -> None:
        self._store, self._agenda, self._recorder, self._names = store, agenda, recorder, names

    def sync(self, namespace: str, name: str) -> None:
        """One look at this Deployment, and at most one step towards what it asks for."""
        deployment = self._store.get("deployments", namespace, name)
        if deployment is None:
            self._remove_orphans(namespace)
            return
        deployment = clone(deployment)
        owned = self._owned(deployment)
        new = _matching(deployment, owned)
        if new is None and not deployment["spec"].get("paused"):
            new = self._create(deployment, owned)
        elif new is not None and not deployment["spec"].get("paused"):
            new = self._adopt(deployment, new, owned)
        old = [rs for rs in self._owned(deployment) if new is None or rs["metadata"]["uid"] != new["metadata"]["uid"]]
        if not self._rescale(deployment, new, old) and new is not None and not self._scale_up(deployment, new, old):
            self._scale_down(deployment, new, old)
        self._finish(deployment)

    def _finish(self, deployment: Object) -> None:
        owned = self._owned(deployment)
        new = _matching(deployment, owned)
        deployment["status"] = deployment_status.calculate(deployment, new, owned, self._agenda.at)
        meta = deployment["metadata"]
        if (left := deployment_status.seconds_to_deadline(deployment, self._agenda.at)) is not None:
            self._agenda.later(left, ("deployment", meta["namespace"], meta["name"]))
        if deployment_status.complete(deployment, deployment["status"]):
            self._trim_history(deployment, [rs for rs in owned if rs is not new])
        self._store.put("deployments", deployment)

    def _owned(self, deployment: Object) -> list[Object]:
        """Its ReplicaSets, oldest first."""
        found = self._store.all("replicasets", deployment["metadata"]["namespace"])
        mine = [rs for rs in found if owned_by(rs, deployment)]
        return sorted(mine, key=lambda rs: (rs["metadata"]["creationTimestamp"], revision(rs)))

    def _create(self, deployment: Object, owned: list[Object]) -> Object:
        meta, spec = deployment["metadata"], deployment["spec"]
        digest = template_hash(spec["template"])
        template = clone(spec["template"])
        template["metadata"].setdefault("labels", {})[HASH] = digest
        selector = clone(spec["selector"])
        selector.setdefault("matchLabels", {})[HASH] = digest
        number = max((revision(rs) for rs in owned), default=0) + 1
        replica_set: Object = {
            "kind": "ReplicaSet",
            "apiVersion": "apps/v1",
            "metadata": {
                "name": f"{meta['name']}-{digest}",
                "namespace": meta["namespace"],
                "uid": self._names.uid(),
                "creationTimestamp": stamp(self._agenda.at),
                "labels": clone(template["metadata"]["labels"]),
                "annotations": {**_inherited(deployment), REVISION: str(number), **_sizes(deployment)},
                "ownerReferences": [reference(deployment)],
            },
            "spec": {"replicas": 0, "selector": selector, "template": template},
            "status": {"replicas": 0},
        }
        if spec.get("minReadySeconds"):
            replica_set["spec"]["minReadySeconds"] = spec["minReadySeconds"]
        created = self._store.put("replicasets", replica_set)
        meta.setdefault("annotations", {})[REVISION] = str(number)
        deployment_status.announce(deployment, "NewReplicaSetCreated", created, self._agenda.at)
        return created

    def _adopt(self, deployment: Object, new: Object, owned: list[Object]) -> Object:
        """An existing ReplicaSet has the template: it becomes the newest revision and takes the annotations over."""
        number = max(revision(rs) for rs in owned)
        annotations = {**new["metadata"]["annotations"], **_inherited(deployment)}
        if revision(new) < number:
            past = [annotations[HISTORY]] if annotations.get(HISTORY) else []
            annotations[HISTORY] = ",".join([*past, annotations[REVISION]])
            annotations[REVISION] = str(number + 1)
        deployment["metadata"].setdefault("annotations", {})[REVISION] = annotations[REVISION]
        spec = {**new["spec"], "minReadySeconds": deployment["spec"].get("minReadySeconds", 0)}
        if not spec["minReadySeconds"]:
            del spec["minReadySeconds"]
        metadata = {**new["metadata"], "annotations": annotations}
        return self._store.put("replicasets", {**new, "metadata": metadata, "spec": spec})

    def _rescale(self, deployment: Object, new: Object | None, old: list[Object]) -> bool:
        """The Deployment itself was scaled: spread it over what runs. False where it was not."""
        replicas, active = deployment["spec"]["replicas"], [rs for rs in [*old, *([new] if new else [])] if _size(rs)]
        wanted = str(replicas)
        if all(rs["metadata"]["annotations"].get(DESIRED) in (None, wanted) for rs in active):
            return False
        if len(active) == 1 or (new and _saturated(deployment, new)):
            target = active[0] if len(active) == 1 else new
            assert target is not None  # noqa: S101 - the second case has a new one
            self._resize(deployment, target, replicas)
            for rs in active:
                if rs is not target:
                    self._resize(deployment, rs, 0)
            return True
        allowed = replicas + surge(deployment) if replicas else 0
        total = sum(map(_size, active))
        left = allowed - total
        for rs in sorted(active, key=lambda rs: (_size(rs), revision(rs)), reverse=True):
            part = _clamped(round(_size(rs) * allowed / total) - _size(rs), left) if total else 0
            self._resize(deployment, rs, max(0, _size(rs) + part))
            left -= part
        return True

    def _scale_up(self, deployment: Object, new: Object, old: list[Object]) -> bool:
        replicas, size = asked_for(deployment), _size(new)
        if size > replicas:
            self._resize(deployment, new, replicas)
            return True
        if deployment["spec"].get("paused"):
            return True
        total = size + sum(map(_size, old))
        room = replicas + surge(deployment) - total
        if deployment["spec"]["strategy"]["type"] == "Recreate":
            room = 0 if self._pods_left(old) else replicas - size
        more = min(room, replicas - size)
        if more > 0:
            self._resize(deployment, new, size + more)
        return more > 0

    def _pods_left(self, old: list[Object]) -> bool:
        """Whether any old pod is still there, those that are ending included."""
        return any(owned_by(pod, rs) for rs in old for pod in self._store.all("pods", rs["metadata"]["namespace"]))

    def _scale_down(self, deployment: Object, new: Object, old: list[Object]) -> None:
        """Old pods that are not available go first; available ones only as new ones take their place."""
        active = [rs for rs in old if _size(rs)]
        replicas = deployment["spec"]["replicas"]
        least = replicas - unavailable(deployment) if deployment["spec"]["strategy"]["type"] != "Recreate" else 0
        total = _size(new) + sum(map(_size, active))
        spare = total - least - (_size(new) - _available(new))
        sizes = {rs["metadata"]["name"]: _size(rs) for rs in active}
        for rs in active:
            sick = min(max(0, spare), max(0, _size(rs) - _available(rs)))
            sizes[rs["metadata"]["name"]] -= sick
            spare -= sick
        spare = min(spare, _available(new) + sum(map(_available, active)) - least)
        for rs in active:
            healthy = min(max(0, spare), sizes[rs["metadata"]["name"]])
            sizes[rs["metadata"]["name"]] -= healthy
            spare -= healthy
        for rs in active:
            if sizes[rs["metadata"]["name"]] != _size(rs):
                self._resize(deployment, rs, sizes[rs["metadata"]["name"]])

    def _resize(self, deployment: Object, replica_set: Object, size: int) -> None:
        before = _size(replica_set)
        annotations = {**replica_set["metadata"]["annotations"], **_sizes(deployment)}
        metadata, spec = (
            {**replica_set["metadata"], "annotations": annotations},
            {**replica_set["spec"], "replicas": size},
        )
        self._store.put("replicasets", {**replica_set, "metadata": metadata, "spec": spec})
        if size != before:
            way = "up" if size > before else "down"
            message = f"Scaled {way} replica set {metadata['name']} from {before} to {size}"
            self._recorder.record(deployment, "ScalingReplicaSet", message, _SOURCE)

    def _trim_history(self, deployment: Object, old: list[Object]) -> None:
        idle = [rs for rs in old if not _size(rs) and not rs["status"].get("replicas")]
        for rs in idle[: max(0, len(idle) - deployment["spec"]["revisionHistoryLimit"])]:
            self._store.remove("replicasets", rs["metadata"]["namespace"], rs["metadata"]["name"])

    def _remove_orphans(self, namespace: str) -> None:
        living = {deployment["metadata"]["uid"] for deployment in self._store.all("deployments", namespace)}
        for rs in self._store.all("replicasets", namespace):
            owners = rs["metadata"].get("ownerReferences", [])
            if owners and owners[0]["uid"] not in living:
                self._store.remove("replicasets", namespace, rs["metadata"]["name"])


def revision(obj: Object) -> int:
    """The revision in the annotations; 0 where there is none yet."""
    return int(obj["metadata"].get("annotations", {}).get(REVISION, 0))


def asked_for(deployment: Object) -> int:
    """`spec.replicas`."""
    return int(deployment["spec"]["replicas"])


def surge(deployment: Object) -> int:
    """How many pods more than asked for a rollout may have."""
    rolling = deployment["spec"]["strategy"].get("rollingUpdate") or {}
    return share(rolling.get("maxSurge", 0), deployment["spec"]["replicas"], up=True)


def unavailable(deployment: Object) -> int:
    """How many pods less than asked for may be available; 1 where surge and this would both be nothing."""
    rolling = deployment["spec"]["strategy"].get("rollingUpdate") or {}
    allowed = share(rolling.get("maxUnavailable", 0), asked_for(deployment), up=False)
    return min(max(allowed, 0 if surge(deployment) else 1), asked_for(deployment))


def plain_template(replica_set: Object) -> Object:
    """Its pod template as the Deployment had it: without the hash."""
    template: Object = clone(replica_set["spec"]["template"])
    template["metadata"].get("labels", {}).pop(HASH, None)
    return template


def _matching(deployment: Object, owned: list[Object]) -> Object | None:
    return next((rs for rs in owned if plain_template(rs) == deployment["spec"]["template"]), None)


def _inherited(deployment: Object) -> dict[str, str]:
    annotations = deployment["metadata"].get("annotations", {})
    return {key: value for key, value in annotations.items() if key not in _NOT_COPIED}


def _sizes(deployment: Object) -> dict[str, str]:
    replicas = deployment["spec"]["replicas"]
    return {DESIRED: str(replicas), LARGEST: str(replicas + surge(deployment))}


def _size(replica_set: Object) -> int:
    return int(replica_set["spec"]["replicas"])


def _available(replica_set: Object) -> int:
    return int(replica_set["status"].get("availableReplicas", 0))


def _saturated(deployment: Object, replica_set: Object) -> bool:
    wanted = replica_set["metadata"]["annotations"].get(DESIRED)
    replicas = deployment["spec"]["replicas"]
    return wanted is not None and int(wanted) == _size(replica_set) == replicas == _available(replica_set)


def _clamped(part: int, left: int) -> int:
    """`part`, but not beyond what is left to give or take."""
    return max(min(part, left), 0) if left >= 0 else min(max(part, left), 0)
