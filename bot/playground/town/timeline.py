"""What the town's cluster remembers of each workload over time; its metrics and logs are derived from this alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Behaviour = Literal["good", "slow", "errors", "crash", "oom"]
"""What a version does once it runs: fine; slower, with upstream timeouts; errors; exits at start; out of memory."""


@dataclass(frozen=True)
class PodMoment:
    """One pod at a moment."""

    name: str
    version: str  # the tag of its main container's image
    ready: bool
    restarts: int


@dataclass(frozen=True)
class Moment:
    """A workload from `at` (seconds since 1970) until the next moment."""

    at: float
    desired: int
    pods: tuple[PodMoment, ...]


class Timeline(Protocol):
    """The world as telemetry reads it. Reaches back at least 26 hours before the town was started."""

    def now(self) -> float:
        """Seconds since 1970 on the town's one clock."""
        ...

    def workloads(self) -> Sequence[tuple[str, str]]:
        """(namespace, name) of every workload there is."""
        ...

    def moments(self, namespace: str, name: str) -> Sequence[Moment]:
        """Oldest first, up to now; empty for an unknown workload."""
        ...

    def behaviour(self, name: str, version: str) -> Behaviour:
        """What this version of this service does; `good` for an unknown one."""
        ...

    def traits(self, name: str) -> Mapping[str, float]:
        """Normal figures: requests_per_second, error_ratio, p50_ms, p95_ms, p99_ms, cpu_cores, memory_mib (a pod)."""
        ...
