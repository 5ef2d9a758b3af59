"""A small timeline for tests of telemetry: what runs where since when, without a cluster behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from actions.clock import ManualClock
from bot.playground.town.timeline import Behaviour, Moment, PodMoment

TRAITS: Mapping[str, float] = {
    "requests_per_second": 68,
    "error_ratio": 0.003,
    "p50_ms": 80,
    "p95_ms": 210,
    "p99_ms": 300,
    "cpu_cores": 0.3,
    "memory_mib": 210,
}


@dataclass
class FakeTimeline:
    """A Timeline whose moments are given; its clock is driven by the test."""

    clock: ManualClock = field(default_factory=ManualClock)
    history: dict[tuple[str, str], list[Moment]] = field(default_factory=dict)
    behaviours: dict[tuple[str, str], Behaviour] = field(default_factory=dict)

    def now(self) -> float:
        return self.clock.now().timestamp()

    def workloads(self) -> Sequence[tuple[str, str]]:
        return list(self.history)

    def moments(self, namespace: str, name: str) -> Sequence[Moment]:
        return self.history.get((namespace, name), [])

    def behaviour(self, name: str, version: str) -> Behaviour:
        return self.behaviours.get((name, version), "good")

    def traits(self, name: str) -> Mapping[str, float]:
        return TRAITS

    def run(
        self,
        name: str,
        *versions: tuple[float, str],
        namespace: str = "prod",
        pods: int = 6,
        ready: int | None = None,
        restarts: int = 0,
    ) -> FakeTimeline:
        """From `minutes` ago on, this many pods of a version; the last one holds `ready` and `restarts`."""
        moments = self.history.setdefault((namespace, name), [])
        for ago, version in versions:
            newest = ago == versions[-1][0]
            up = pods if ready is None or not newest else ready
            there = tuple(
                PodMoment(f"{name}-{version.replace('.', '')}-{n}", version, n < up, restarts if newest else 0)
                for n in range(pods)
            )
            moments.append(Moment(self.now() - ago * 60, pods, there))
        return self


def payments(pods: int = 6) -> FakeTimeline:
    """payments in prod: 3.10.4 for a long while, 3.11.0 (slow) since 40 minutes; and checkout beside it."""
    world = FakeTimeline(behaviours={("payments", "3.11.0"): "slow", ("checkout", "1.5.0"): "errors"})
    world.run("payments", (30 * 60, "3.10.4"), (40, "3.11.0"), pods=pods)
    return world.run("checkout", (30 * 60, "1.4.1"), pods=3)
