"""The cluster's controllers around one store and one agenda; whoever calls it holds the world's lock."""

from __future__ import annotations

from bot.playground.town.agenda import Agenda, Duty
from bot.playground.town.deployments import Deployments
from bot.playground.town.kubelet import Kubelet
from bot.playground.town.objects import Names, Object, clone, main_container, owner, stamp
from bot.playground.town.recorder import Recorder
from bot.playground.town.replicasets import ReplicaSets
from bot.playground.town.services import Plan
from bot.playground.town.store import Changed, Store
from bot.playground.town.timeline import Moment, PodMoment

_NOTICING = 0.05  # seconds until a controller has seen a change
_AUTOSCALING = 15.0  # seconds until an autoscaler looks again


class Simulation:
    """Deployments that roll, pods that live and die, and the memory of it all."""

    def __init__(self, plan: Plan, start: float) -> None:
        self.plan, self.store, self.agenda, self.names = plan, Store(), Agenda(start), Names("town")
        recorder = self.recorder = Recorder(self.store, self.agenda, self.names)
        self.kubelet = Kubelet(self.store, self.agenda, recorder, plan)
        self.deployments = Deployments(self.store, self.agenda, recorder, self.names)
        self.replica_sets = ReplicaSets(self.store, self.agenda, recorder, self.names, self.kubelet)
        self.moments: dict[tuple[str, str], list[Moment]] = {}
        self._moved: set[tuple[str, str]] = set()
        self.store.on_change = self._notice

    def advance(self, until: float) -> None:
        """Let the town live up to this moment (seconds since 1970)."""
        self.agenda.advance(until, self._perform)
        self.remember()

    def remember(self) -> None:
        """Write down how the workloads that changed are now."""
        for key in sorted(self._moved):
            self._remember(*key)
        self._moved.clear()

    def pods_of(self, namespace: str, workload: str) -> list[Object]:
        """The pods of a workload, those that are ending included."""
        lives = self.kubelet.lives
        pods = self.store.all("pods", namespace)
        return [pod for pod in pods if lives[namespace, pod["metadata"]["name"]].workload == workload]

    def _perform(self, duty: Duty) -> None:
        kind, namespace, name = duty
        perform = {
            "deployment": self.deployments.sync,
            "replicaset": self.replica_sets.sync,
            "pod": self.kubelet.step,
            "remove": self.kubelet.remove,
            "autoscaler": self._autoscale,
            "forget": self.recorder.forget,
        }[kind]
        perform(namespace, name)
        self.remember()

    def _notice(self, change: Changed) -> None:
        """What the controllers' informers do: a change makes whoever depends on it look."""
        if change.resource == "events":
            return
        meta = change.object["metadata"]
        namespace, name = meta.get("namespace", ""), meta["name"]
        controller = owner(change.object)
        if change.resource == "deployments":
            self._moved.add((namespace, name))
            self.agenda.later(_NOTICING, ("deployment", namespace, name))
            self.agenda.later(_AUTOSCALING, ("autoscaler", namespace, name))
        elif change.resource == "horizontalpodautoscalers":
            target = change.object["spec"]["scaleTargetRef"]["name"]
            self.agenda.later(_AUTOSCALING, ("autoscaler", namespace, target))
        elif change.resource == "replicasets":
            self.agenda.later(_NOTICING, ("replicaset", namespace, name))
            if controller:
                self.agenda.later(_NOTICING, ("deployment", namespace, controller["name"]))
        elif change.resource == "pods":
            if controller:
                self.agenda.later(_NOTICING, ("replicaset", namespace, controller["name"]))
            if life := self.kubelet.lives.get((namespace, name)):
                self._moved.add((namespace, life.workload))
            elif controller and (replica_set := self.store.get("replicasets", namespace, controller["name"])):
                workload = replica_set["metadata"]["ownerReferences"][0]["name"]
                self._moved.add((namespace, workload))
                self.agenda.later(_NOTICING, ("deployment", namespace, workload))

    def _remember(self, namespace: str, workload: str) -> None:
        deployment = self.store.get("deployments", namespace, workload)
        pods = tuple(self._pod_moment(pod, workload) for pod in self.pods_of(namespace, workload))
        now = Moment(self.agenda.at, deployment["spec"]["replicas"] if deployment else 0, pods)
        past = self.moments.setdefault((namespace, workload), [])
        if past and past[-1].at == now.at:
            past.pop()
        if not past or (past[-1].desired, past[-1].pods) != (now.desired, now.pods):
            past.append(now)

    def _pod_moment(self, pod: Object, workload: str) -> PodMoment:
        life = self.kubelet.lives[pod["metadata"]["namespace"], pod["metadata"]["name"]]
        return PodMoment(
            name=pod["metadata"]["name"],
            version=self.plan.version(main_container(pod, workload)["image"]),
            ready=self.kubelet.ready_since(pod) is not None,
            restarts=life.restarts,
        )

    def _autoscale(self, namespace: str, name: str) -> None:
        """An autoscaler brings its workload back between its minimum and maximum; within them it is content."""
        deployment = self.store.get("deployments", namespace, name)
        for autoscaler in self.store.all("horizontalpodautoscalers", namespace):
            spec = autoscaler["spec"]
            if deployment is None or spec["scaleTargetRef"]["name"] != name:
                continue
            now = deployment["spec"]["replicas"]
            wanted = min(max(now, spec.get("minReplicas", 1)), spec["maxReplicas"]) if now else 0
            status = {"currentReplicas": now, "desiredReplicas": wanted}
            if wanted != now:
                why = "below Spec.MinReplicas" if now < wanted else "above Spec.MaxReplicas"
                message = f"New size: {wanted}; reason: Current number of replicas {why}"
                self.recorder.record(autoscaler, "SuccessfulRescale", message, "horizontal-pod-autoscaler")
                scaled = clone(deployment)
                scaled["spec"]["replicas"] = wanted
                self.store.put("deployments", scaled)
                status["lastScaleTime"] = stamp(self.agenda.at)
            merged = {**autoscaler, "status": {**autoscaler["status"], **status}}
            self.store.put("horizontalpodautoscalers", merged)
