"""A Deployment's status and conditions, as k8s.io/kubernetes/pkg/controller/deployment works them out."""

from __future__ import annotations

from bot.playground.town.objects import Object, clone, moment, share, stamp


def calculate(deployment: Object, new: Object | None, owned: list[Object], now: float) -> Object:
    """The status at this moment (seconds since 1970). `new` is the ReplicaSet of the present template."""
    before = deployment.get("status") or {}
    counts = {
        "replicas": sum(rs["status"].get("replicas", 0) for rs in owned),
        "updatedReplicas": new["status"].get("replicas", 0) if new else 0,
        "readyReplicas": sum(rs["status"].get("readyReplicas", 0) for rs in owned),
        "availableReplicas": sum(rs["status"].get("availableReplicas", 0) for rs in owned),
    }
    counts["unavailableReplicas"] = max(0, sum(rs["spec"]["replicas"] for rs in owned) - counts["availableReplicas"])
    status: Object = {"observedGeneration": deployment["metadata"]["generation"]}
    status.update({key: count for key, count in counts.items() if count})
    status["conditions"] = clone(before.get("conditions", []))
    _set(status, _availability(deployment, status), now)
    if not _settled(status) and new is not None and deployment["spec"].get("progressDeadlineSeconds"):
        _judge_progress(deployment, status, before, new, now)
    return status


def complete(deployment: Object, status: Object) -> bool:
    """Everything asked for is updated and available, and nothing else is left."""
    wanted = deployment["spec"]["replicas"]
    return all(status.get(key, 0) == wanted for key in ("replicas", "updatedReplicas", "availableReplicas"))


def announce(deployment: Object, reason: str, replica_set: Object, now: float) -> None:
    """Say in the Progressing condition that a rollout began."""
    message = f'Created new replica set "{replica_set["metadata"]["name"]}"'
    status = deployment.setdefault("status", {})
    status["conditions"] = clone(status.get("conditions", []))
    _set(status, ("Progressing", "True", reason, message), now)


def seconds_to_deadline(deployment: Object, now: float) -> float | None:
    """When to look again for lack of progress; None where the rollout is over or was given up."""
    progress = _find(deployment["status"], "Progressing")
    if progress is None or progress["reason"] in ("NewReplicaSetAvailable", "ProgressDeadlineExceeded"):
        return None
    allowed: int = deployment["spec"]["progressDeadlineSeconds"]
    return max(1.0, moment(progress["lastUpdateTime"]) + allowed + 1 - now)


def _settled(status: Object) -> bool:
    """The last rollout is over: pods that come and go now are no progress."""
    progress = _find(status, "Progressing")
    over = progress is not None and progress["reason"] == "NewReplicaSetAvailable"
    return over and status.get("replicas", 0) == status.get("updatedReplicas", 0)


def _judge_progress(deployment: Object, status: Object, before: Object, new: Object, now: float) -> None:
    name, present = new["metadata"]["name"], _find(status, "Progressing")
    if complete(deployment, status):
        message = f'ReplicaSet "{name}" has successfully progressed.'
        _set(status, ("Progressing", "True", "NewReplicaSetAvailable", message), now)
    elif _moved(status, before):
        _set(status, ("Progressing", "True", "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.'), now)
    elif present is not None and _late(deployment, present, now):
        message = f'ReplicaSet "{name}" has timed out progressing.'
        _set(status, ("Progressing", "False", "ProgressDeadlineExceeded", message), now)


def _moved(status: Object, before: Object) -> bool:
    def outdated(state: Object) -> int:
        return int(state.get("replicas", 0)) - int(state.get("updatedReplicas", 0))

    grown = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return outdated(status) < outdated(before) or any(status.get(key, 0) > before.get(key, 0) for key in grown)


def _late(deployment: Object, progress: Object, now: float) -> bool:
    if progress["reason"] in ("NewReplicaSetAvailable", "ProgressDeadlineExceeded"):
        return False
    allowed: int = deployment["spec"]["progressDeadlineSeconds"]
    return moment(progress["lastUpdateTime"]) + allowed < now


def _availability(deployment: Object, status: Object) -> tuple[str, str, str, str]:
    wanted = deployment["spec"]["replicas"]
    rolling = deployment["spec"]["strategy"].get("rollingUpdate") or {}
    least = wanted - share(rolling.get("maxUnavailable", 0), wanted, up=False)
    if status.get("availableReplicas", 0) >= least:
        return "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability."
    return "Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability."


def _find(status: Object, kind: str) -> Object | None:
    return next((condition for condition in status.get("conditions", []) if condition["type"] == kind), None)


def _set(status: Object, wanted: tuple[str, str, str, str], now: float) -> None:
    """Write a condition; its times move only as the controller moves them."""
    kind, value, reason, message = wanted
    present = _find(status, kind)
    same = present is not None and (present["status"], present["reason"]) == (value, reason)
    if same and reason != "ReplicaSetUpdated":
        return
    transition = present["lastTransitionTime"] if present and present["status"] == value else stamp(now)
    condition = {
        "type": kind,
        "status": value,
        "lastUpdateTime": stamp(now),
        "lastTransitionTime": transition,
        "reason": reason,
        "message": message,
    }
    kept = [other for other in status["conditions"] if other["type"] != kind]
    status["conditions"] = [*kept, condition]
