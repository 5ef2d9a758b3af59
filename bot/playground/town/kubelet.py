"""Runs the pods: pulls, starts, gets ready, crashes, backs off and ends them, each at its own pace."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from bot.playground.town.agenda import Agenda
from bot.playground.town.objects import Object, clone, main_container, stamp
from bot.playground.town.pod_status import (
    Life,
    backoff_seconds,
    container_end,
    pod_status,
)
from bot.playground.town.recorder import Recorder
from bot.playground.town.services import Plan
from bot.playground.town.store import Store

GRACE = 30  # seconds, as the API has it; the town's processes end in ENDING
ENDING = 1.0
PULLING = 0.4
STARTING = 1.6  # and up to JITTER more, by pod
JITTER = 0.9
CRASHING = 0.8  # seconds that a container of a crashing version lives
LEAKING = 3.0  # seconds that a container of a version that runs out of memory is ready


class Kubelet:
    """Owns the lives of all pods."""

    def __init__(self, store: Store, agenda: Agenda, recorder: Recorder, plan: Plan) -> None:
        self._store, self._agenda, self._recorder, self._plan = store, agenda, recorder, plan
        self.lives: dict[tuple[str, str], Life] = {}

    def run(self, pod: Object, workload: str) -> None:
        """Take a new pod (without status) into the cluster."""
        meta = pod["metadata"]
        life = Life(workload, self._agenda.at, since=self._agenda.at)
        self.lives[meta["namespace"], meta["name"]] = life
        node = f"town-node-{1 + int(self._pace(pod, 3))}"
        pod["spec"]["nodeName"] = node
        pod["status"] = pod_status(pod, life, main_container(pod, workload)["name"])
        pod = self._store.put("pods", pod)
        placed = f"Successfully assigned {meta['namespace']}/{meta['name']} to {node}"
        self._recorder.record(pod, "Scheduled", placed, "default-scheduler")
        self._next(pod, PULLING + self._pace(pod, 0.1))

    def end(self, pod: Object) -> None:
        """Begin the pod's graceful end; it is gone a second later."""
        if pod["metadata"].get("deletionTimestamp"):
            return
        ending = clone(pod)
        ending["metadata"]["deletionTimestamp"] = stamp(self._agenda.at + GRACE)
        ending["metadata"]["deletionGracePeriodSeconds"] = GRACE
        pod = self._store.put("pods", ending)
        life = self._life(pod)
        if life.stage in ("starting", "ready"):
            name = main_container(pod, life.workload)["name"]
            self._recorder.record(pod, "Killing", f"Stopping container {name}", "kubelet", container=name)
        self._agenda.later(ENDING, ("remove", pod["metadata"]["namespace"], pod["metadata"]["name"]))

    def remove(self, namespace: str, name: str) -> None:
        """The pod is gone."""
        if (pod := self._store.get("pods", namespace, name)) and pod["metadata"].get("deletionTimestamp"):
            del self.lives[namespace, name]
            self._store.remove("pods", namespace, name)

    def ready_since(self, pod: Object) -> float | None:
        """When the pod became ready; None if it is not, or is ending."""
        life = self._life(pod)
        return life.since if life.stage == "ready" and not pod["metadata"].get("deletionTimestamp") else None

    def step(self, namespace: str, name: str) -> None:
        """The next thing in this pod's life."""
        pod = self._store.get("pods", namespace, name)
        if pod is None or pod["metadata"].get("deletionTimestamp"):
            return
        life = self._life(pod)
        container = main_container(pod, life.workload)
        steps = {
            "pending": self._pull,
            "pull-backoff": self._pull,
            "unpullable": self._back_off_pulling,
            "starting": self._get_ready_or_crash,
            "ready": self._run_out_of_memory,
            "dead": self._restart_or_back_off,
            "backoff": self._start,
        }
        steps[life.stage](pod, container, life)

    def _pull(self, pod: Object, container: Object, life: Life) -> None:
        image, name = container["image"], container["name"]
        if self._plan.image_behaviour(image) is not None:
            self._say(pod, name, "Pulled", f'Container image "{image}" already present on machine')
            self._start(pod, container, life, restarts=0)
            return
        missing = (
            f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": {image}: not found'
        )
        self._say(pod, name, "Pulling", f'Pulling image "{image}"')
        self._say(
            pod,
            name,
            "Failed",
            f'Failed to pull image "{image}": rpc error: code = NotFound desc = {missing}',
            bad=True,
        )
        self._say(pod, name, "Failed", "Error: ErrImagePull", bad=True)
        self._become(pod, replace(life.at("unpullable", self._agenda.at), pulls=life.pulls + 1))
        self._next(pod, 1.0)

    def _back_off_pulling(self, pod: Object, container: Object, life: Life) -> None:
        image, name = container["image"], container["name"]
        self._say(pod, name, "BackOff", f'Back-off pulling image "{image}"')
        self._say(pod, name, "Failed", "Error: ImagePullBackOff", bad=True)
        self._become(pod, life.at("pull-backoff", self._agenda.at))
        self._next(pod, backoff_seconds(life.pulls))

    def _start(self, pod: Object, container: Object, life: Life, restarts: int | None = None) -> None:
        name, now = container["name"], self._agenda.at
        self._say(pod, name, "Created", f"Created container: {name}")
        self._say(pod, name, "Started", f"Started container {name}")
        count = life.restarts + 1 if restarts is None else restarts
        self._become(pod, replace(life.at("starting", now), started=now, restarts=count))
        crashes = self._plan.image_behaviour(container["image"]) == "crash"
        self._next(pod, CRASHING if crashes else STARTING + self._pace(pod, JITTER))

    def _get_ready_or_crash(self, pod: Object, container: Object, life: Life) -> None:
        behaviour = self._plan.image_behaviour(container["image"])
        if behaviour == "crash":
            self._die(pod, life, "Error", 1)
            return
        self._become(pod, life.at("ready", self._agenda.at))
        if behaviour == "oom":
            self._next(pod, LEAKING)

    def _run_out_of_memory(self, pod: Object, container: Object, life: Life) -> None:
        self._die(pod, life, "OOMKilled", 137)

    def _die(self, pod: Object, life: Life, reason: str, code: int) -> None:
        now = self._agenda.at
        self._become(pod, replace(life.at("dead", now), ended=container_end(reason, code, life, now)))
        self._next(pod, 1.0)

    def _restart_or_back_off(self, pod: Object, container: Object, life: Life) -> None:
        if life.restarts == 0:
            self._start(pod, container, life)
            return
        meta = pod["metadata"]
        about = f"container {container['name']} in pod {meta['name']}_{meta['namespace']}({meta['uid']})"
        self._say(pod, container["name"], "BackOff", f"Back-off restarting failed {about}", bad=True)
        self._become(pod, life.at("backoff", self._agenda.at))
        self._next(pod, backoff_seconds(life.restarts))

    def _become(self, pod: Object, life: Life) -> None:
        meta = pod["metadata"]
        self.lives[meta["namespace"], meta["name"]] = life
        main = main_container(pod, life.workload)["name"]
        self._store.put("pods", {**pod, "status": pod_status(pod, life, main)})

    def _say(self, pod: Object, container: str, reason: str, message: str, bad: bool = False) -> None:
        self._recorder.record(pod, reason, message, "kubelet", kind="Warning" if bad else "Normal", container=container)

    def _next(self, pod: Object, seconds: float) -> None:
        self._agenda.later(seconds, ("pod", pod["metadata"]["namespace"], pod["metadata"]["name"]))

    def _life(self, pod: Object) -> Life:
        return self.lives[pod["metadata"]["namespace"], pod["metadata"]["name"]]

    @staticmethod
    def _pace(pod: Object, most: float) -> float:
        """Between 0 and `most`, the same for the same pod."""
        return Random(pod["metadata"]["uid"]).random() * most  # noqa: S311 - a simulation has to repeat itself
