"""The town's time series under their de-facto names, each a function of time."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from bot.playground.town.telemetry_load import BUCKETS, Load
from bot.playground.town.timeline import PodMoment, Timeline

SCRAPE = 15.0  # seconds between two samples
_MIB = 1024.0 * 1024.0
_OOM_CLIMB = 45.0  # seconds from a start until a version that leaks holds all it may


@dataclass(frozen=True)
class Series:
    """One time series. `steady` counters exist always and never start again, so that two samples give their rate."""

    labels: Mapping[str, str]
    value: Callable[[float], float | None] = field(compare=False)
    steady: bool = False


class Telemetry:
    """Every series of a world. Keeps what it worked out until the workload's timeline moves."""

    def __init__(self, world: Timeline) -> None:
        self._world = world
        self._loads: dict[tuple[str, str], tuple[tuple[int, float], Load]] = {}

    def now(self) -> float:
        """Seconds since 1970."""
        return self._world.now()

    def names(self) -> tuple[str, ...]:
        """Every metric's name."""
        return tuple(_FAMILIES)

    def series(self, name: str | None = None) -> Iterator[Series]:
        """All series, or those of one metric."""
        for family in _FAMILIES if name is None else [name] if name in _FAMILIES else []:
            for namespace, workload in self._world.workloads():
                load = self.load(namespace, workload)
                if load is not None:
                    yield from _FAMILIES[family](family, load)

    def load(self, namespace: str, name: str) -> Load | None:
        """The traffic of a workload; None for an unknown one."""
        moments = self._world.moments(namespace, name)
        if not moments:
            return None
        stamp = len(moments), moments[-1].at
        kept = self._loads.get((namespace, name))
        if kept is None or kept[0] != stamp:
            kept = stamp, Load(self._world, namespace, name, tuple(moments))
            self._loads[namespace, name] = kept
        return kept[1]


def pod_memory(load: Load, pod: PodMoment, started: float, at: float) -> float:
    """Bytes that a pod's container holds."""
    normal = load.traits["memory_mib"] * _MIB
    phase = zlib.crc32(pod.name.encode()) % 1000
    if load.behaviour(pod.version) == "oom":
        return normal * (0.7 + 0.5 * min(1.0, max(0.0, at - started) / _OOM_CLIMB))
    breathing = 1 + 0.03 * math.sin(at / 140 + phase) + 0.02 * math.sin(at / 37 + phase)
    return normal * breathing * min(1.0, 0.7 + 0.3 * (at - started) / 120)


def _service(name: str, load: Load, **more: str) -> dict[str, str]:
    return {"__name__": name, "namespace": load.namespace, "service": load.name, "job": load.name, **more}


def _requests(name: str, load: Load) -> Iterator[Series]:
    def fine(at: float) -> float:
        return (load.requests(at) - load.errors(at)) * 0.992

    def lost(at: float) -> float:
        return (load.requests(at) - load.errors(at)) * 0.008

    yield Series(_service(name, load, code="200"), fine, steady=True)
    yield Series(_service(name, load, code="404"), lost, steady=True)
    yield Series(_service(name, load, code="500"), lambda at: load.errors(at) * 0.7, steady=True)
    yield Series(_service(name, load, code="503"), lambda at: load.errors(at) * 0.3, steady=True)


def _buckets(name: str, load: Load) -> Iterator[Series]:
    for n, bound in enumerate(BUCKETS):
        yield Series(_service(name, load, le=f"{bound:g}"), partial(load.in_bucket, n), steady=True)
    yield Series(_service(name, load, le="+Inf"), load.requests, steady=True)


def _durations(name: str, load: Load) -> Iterator[Series]:
    value = load.requests if name.endswith("_count") else load.seconds
    yield Series(_service(name, load), value, steady=True)


def _replicas(name: str, load: Load) -> Iterator[Series]:
    labels = {"__name__": name, "namespace": load.namespace, "deployment": load.name, "job": "kube-state-metrics"}
    if name == "kube_deployment_spec_replicas":
        yield Series(labels, lambda at: float(load.moment(at).desired))
    else:
        yield Series(labels, lambda at: float(sum(pod.ready for pod in load.moment(at).pods)))


def _pods(name: str, load: Load) -> Iterator[Series]:
    for pod in dict.fromkeys(pod.name for moment in load.moments for pod in moment.pods):
        job = "kube-state-metrics" if name.startswith("kube_") else "kubelet"
        labels = {"namespace": load.namespace, "pod": pod, "container": load.name, "job": job}
        yield Series({"__name__": name, **labels}, _PER_POD[name](load, pod))


def _pod_at(load: Load, name: str, at: float) -> PodMoment | None:
    return next((pod for pod in load.moment(at).pods if pod.name == name), None)


def _pod_cpu(load: Load, name: str) -> Callable[[float], float | None]:
    work = load.pod_work(name)
    born = next(m.at for m in load.moments if any(pod.name == name for pod in m.pods))
    return lambda at: work(at) - work(min(born, at)) if _pod_at(load, name, at) else None


def _pod_memory(load: Load, name: str) -> Callable[[float], float | None]:
    starts: list[tuple[float, int]] = []  # every time the container started, and its restarts until then
    for moment in load.moments:
        seen = next((pod for pod in moment.pods if pod.name == name), None)
        if seen is not None and (not starts or seen.restarts != starts[-1][1]):
            starts.append((moment.at, seen.restarts))

    def value(at: float) -> float | None:
        pod = _pod_at(load, name, at)
        started = max((when for when, _ in starts if when <= at), default=at - 3600)
        return pod_memory(load, pod, started, at) if pod else None

    return value


def _pod_restarts(load: Load, name: str) -> Callable[[float], float | None]:
    def value(at: float) -> float | None:
        pod = _pod_at(load, name, at)
        return float(pod.restarts) if pod else None

    return value


_PER_POD: Mapping[str, Callable[[Load, str], Callable[[float], float | None]]] = {
    "container_cpu_usage_seconds_total": _pod_cpu,
    "container_memory_working_set_bytes": _pod_memory,
    "kube_pod_container_status_restarts_total": _pod_restarts,
}
_FAMILIES: Mapping[str, Callable[[str, Load], Iterator[Series]]] = {
    "http_requests_total": _requests,
    "http_request_duration_seconds_bucket": _buckets,
    "http_request_duration_seconds_count": _durations,
    "http_request_duration_seconds_sum": _durations,
    "kube_deployment_spec_replicas": _replicas,
    "kube_deployment_status_replicas_available": _replicas,
    **dict.fromkeys(_PER_POD, _pods),
}
