"""The simulated cluster as a whole: one clock, one lock, a memory that reaches back before its start.

Nothing runs in the background: whoever looks first brings the town up to the clock's present.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from actions.clock import Clock, SystemClock
from bot.playground.town import logs, seed
from bot.playground.town.objects import Object, main_container
from bot.playground.town.simulation import Simulation
from bot.playground.town.timeline import Behaviour, Moment

LogSource = Callable[[str, str, float, float], list[tuple[float, str]]]
"""Namespace, pod, start and end (seconds since 1970) -> what the pod wrote then, oldest first."""

ErrorSource = Callable[[str, str], float]
"""Namespace and workload -> the share of its requests that fail now, 0 to 1."""


class World:
    """A town that starts at the clock's present. Safe between threads; the same calls at the same times of the clock
    give the same town, to the last uid."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self.log_source: LogSource | None = None  # None: a few lines of the pod's start
        self.error_source: ErrorSource | None = None  # None: the summary has no error ratios
        self._lock = threading.RLock()
        self._town = seed.town(self.clock.now().timestamp())

    @contextmanager
    def present(self) -> Iterator[Simulation]:
        """The town as it is now, for this thread alone until the block ends."""
        with self._lock:
            self._town.advance(self.clock.now().timestamp())
            yield self._town
            self._town.remember()

    # The Timeline that telemetry reads

    def now(self) -> float:
        with self.present() as town:
            return town.agenda.at

    def workloads(self) -> Sequence[tuple[str, str]]:
        with self.present() as town:
            return tuple(sorted(town.moments))

    def moments(self, namespace: str, name: str) -> Sequence[Moment]:
        with self.present() as town:
            return tuple(town.moments.get((namespace, name), ()))

    def behaviour(self, name: str, version: str) -> Behaviour:
        return self._town.plan.behaviour(name, version)

    def traits(self, name: str) -> Mapping[str, float]:
        """Those of the service; for a workload that the town does not know, those of `checkout`."""
        known = self._town.plan.services
        return known.get(name, known["checkout"]).traits

    # What the page's ribbon and the pods' logs show

    def summary(self) -> dict[str, Any]:
        """Services, their environments and pods, as the page's ribbon draws them."""
        with self.present() as town:
            environments = list(town.plan.namespaces)
            return {
                "clock": datetime.fromtimestamp(town.agenda.at, UTC).isoformat(),
                "services": [
                    {
                        "name": service,
                        "environments": [
                            self._environment(town, namespace, deployment)
                            for namespace in environments
                            if (deployment := town.store.get("deployments", namespace, service))
                        ],
                    }
                    for service in town.plan.services
                ],
            }

    def log(self, namespace: str, pod: str, start: float, end: float) -> list[tuple[float, str]]:
        """What this pod wrote between two moments (seconds since 1970), oldest first."""
        if self.log_source is not None:
            return self.log_source(namespace, pod, start, end)
        with self.present() as town:
            life = town.kubelet.lives.get((namespace, pod))
            return [line for line in logs.lines(life) if start <= line[0] <= end] if life else []

    def _environment(self, town: Simulation, namespace: str, deployment: Object) -> dict[str, Any]:
        service = deployment["metadata"]["name"]
        pods = [
            {
                "name": pod["metadata"]["name"],
                "version": town.plan.version(main_container(pod, service)["image"]),
                "state": _state(town, pod),
            }
            for pod in town.pods_of(namespace, service)
        ]
        shown = {"name": namespace, "desired": deployment["spec"]["replicas"], "pods": pods}
        if self.error_source is not None:
            shown["error_ratio"] = self.error_source(namespace, service)
        return shown


def _state(town: Simulation, pod: Object) -> str:
    if pod["metadata"].get("deletionTimestamp"):
        return "terminating"
    stage = town.kubelet.lives[pod["metadata"]["namespace"], pod["metadata"]["name"]].stage
    if stage in ("unpullable", "pull-backoff"):
        return "pulling"
    if stage in ("dead", "backoff"):
        return "crashing"
    return "ready" if stage == "ready" else "starting"
