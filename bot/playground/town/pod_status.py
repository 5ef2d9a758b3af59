"""How a pod looks in the API, worked out from where it is in its life."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Literal

from bot.playground.town.objects import Object, stamp

Stage = Literal["pending", "unpullable", "pull-backoff", "starting", "ready", "dead", "backoff"]


@dataclass(frozen=True)
class Life:
    """Where a pod is in its life. Times are seconds since 1970."""

    workload: str  # the Deployment's name, or the pod's own
    created: float
    stage: Stage = "pending"
    started: float | None = None  # of the main container's present run
    since: float = field(default=0.0)  # when the present stage began
    restarts: int = 0
    pulls: int = 0  # attempts that failed
    ended: Object | None = None  # how the last run ended: {"terminated": …}

    def at(self, stage: Stage, now: float) -> Life:
        return replace(self, stage=stage, since=now)


def pod_status(pod: Object, life: Life, main: str) -> Object:
    """The `status` of the pod; `main` is the container whose image decides what happens."""
    ready = life.stage == "ready"
    statuses = [_container(pod, spec, life, spec["name"] == main) for spec in pod["spec"]["containers"]]
    began = life.stage not in ("pending", "unpullable", "pull-backoff")
    moved = stamp(life.since)
    unready = [status["name"] for status in statuses if not status["ready"]]
    problem = {"reason": "ContainersNotReady", "message": f"containers with unready status: [{' '.join(unready)}]"}
    conditions = [
        _condition("PodReadyToStartContainers", True, stamp(life.created)),
        _condition("Initialized", True, stamp(life.created)),
        _condition("Ready", ready, moved, {} if ready else problem),
        _condition("ContainersReady", ready, moved, {} if ready else problem),
        _condition("PodScheduled", True, stamp(life.created)),
    ]
    address = int.from_bytes(hashlib.sha256(pod["metadata"]["uid"].encode()).digest()[:2], "big")
    status: Object = {
        "phase": "Running" if began else "Pending",
        "conditions": conditions,
        "hostIP": "10.0.0.10",
        "startTime": stamp(life.created),
        "containerStatuses": statuses,
        "qosClass": "Burstable",
    }
    if began:
        status["podIP"] = f"10.42.{address >> 8}.{address & 255}"
        status["podIPs"] = [{"ip": status["podIP"]}]
    return status


def _condition(kind: str, true: bool, moved: str, problem: Object | None = None) -> Object:
    return {
        "type": kind,
        "status": "True" if true else "False",
        "lastProbeTime": None,
        "lastTransitionTime": moved,
        **(problem or {}),
    }


def _container(pod: Object, spec: Object, life: Life, main: bool) -> Object:
    image = spec["image"]
    pulled = life.stage not in ("pending", "unpullable", "pull-backoff")
    status: Object = {
        "name": spec["name"],
        "state": _state(pod, spec, life) if main else _beside(life, pulled),
        "lastState": life.ended or {} if main and life.stage != "dead" else {},
        "ready": life.stage == "ready" if main else pulled,
        "restartCount": life.restarts if main else 0,
        "image": image,
        "imageID": f"{image.partition('@')[0]}@sha256:{hashlib.sha256(image.encode()).hexdigest()}" if pulled else "",
        "started": life.stage in ("starting", "ready") if main else pulled,
    }
    if pulled:
        status["containerID"] = (
            f"containerd://{hashlib.sha256((pod['metadata']['uid'] + spec['name']).encode()).hexdigest()}"
        )
    return status


def _beside(life: Life, pulled: bool) -> Object:
    return {"running": {"startedAt": stamp(life.created)}} if pulled else {"waiting": {"reason": "ContainerCreating"}}


def _state(pod: Object, spec: Object, life: Life) -> Object:
    image, started = spec["image"], stamp(life.started or life.created)
    missing = f'failed to resolve reference "{image}": {image}: not found'
    states: dict[Stage, Object] = {
        "pending": {"waiting": {"reason": "ContainerCreating"}},
        "unpullable": {"waiting": {"reason": "ErrImagePull", "message": missing}},
        "pull-backoff": {
            "waiting": {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{image}": {missing}'}
        },
        "starting": {"running": {"startedAt": started}},
        "ready": {"running": {"startedAt": started}},
        "dead": life.ended or {},
        "backoff": {"waiting": {"reason": "CrashLoopBackOff", "message": backoff_message(pod, spec, life)}},
    }
    return states[life.stage]


def backoff_seconds(failures: int) -> float:
    """10 s, doubled each time, five minutes at most: the kubelet's back-off."""
    return float(min(10 * 2 ** max(0, failures - 1), 300))


def backoff_message(pod: Object, spec: Object, life: Life) -> str:
    """As the kubelet words it."""
    seconds = int(backoff_seconds(life.restarts))
    wait = f"{seconds // 60}m{seconds % 60}s" if seconds >= 60 else f"{seconds}s"
    meta = pod["metadata"]
    about = f"container={spec['name']} pod={meta['name']}_{meta['namespace']}({meta['uid']})"
    return f"back-off {wait} restarting failed {about}"


def container_end(reason: str, code: int, life: Life, now: float) -> Object:
    """The terminated state of a run that ends now."""
    return {
        "terminated": {
            "exitCode": code,
            "reason": reason,
            "startedAt": stamp(life.started or now),
            "finishedAt": stamp(now),
            "containerID": "",
        }
    }
