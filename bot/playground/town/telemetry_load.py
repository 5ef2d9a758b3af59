"""What the town's traffic does to a service: requests, errors and latency as exact integrals over time.

Everything is a pure function of the timeline and the time: asking twice gives the same numbers, and a counter
never falls. Randomness is a sum of sine waves whose phases are hashed from the service's name, because such a
sum has a closed integral: a rate over any window is then exact without simulating every second.
"""

from __future__ import annotations

import math
import zlib
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from bot.playground.town.timeline import Behaviour, Moment, Timeline

ERRORS_RATIO = 0.12  # 5xx answers of a version that raises errors
_DOWN_RATIO = 0.98  # with no pod ready nearly every request fails at the front door
_TRAFFIC_SHARE = {"prod": 1.0, "staging": 0.06}  # anywhere else: 0.02
_TAIL = {"slow": (1.15, 1.42, 1.56), "oom": (1.05, 1.2, 1.3)}  # factors on p50, p95 and p99
_SCORES = (0.0, 1.6449, 2.3263)  # standard normal quantiles of 0.5, 0.95 and 0.99
BUCKETS = tuple(round(0.004 * 1.24**n, 4) for n in range(40))  # upper bounds in seconds, up to 17 s

Function = Callable[[float], float]


class Wave:
    """A positive, gently random rate and its integral: `level x (1 + daily curve + ripples)`."""

    def __init__(self, seed: str, level: float, daily: float, ripple: float) -> None:
        phase = zlib.crc32(seed.encode()) / 2**32 * math.tau
        parts = [(86_400.0, daily, 4.4)]  # low in the early morning, high in the evening
        for n, (period, share) in enumerate(((5400, 0.3), (1260, 0.25), (417, 0.2), (173, 0.15), (67, 0.1))):
            parts.append((float(period), ripple * share, phase * (n + 1.7)))
        self.level = level
        self._parts = [(math.tau / period, size, shift) for period, size, shift in parts if size]
        self.total = lru_cache(4096)(self._total)

    def _total(self, at: float) -> float:
        """The integral from 1970 until then."""
        return self.level * (at - sum(size / w * math.cos(w * at + shift) for w, size, shift in self._parts))


class Flow:
    """The integral of a weight that is constant between the segments' starts, over a wave."""

    def __init__(self, starts: Sequence[float], weights: Sequence[float], basis: Function) -> None:
        self._starts, self._weights, self._basis = starts, weights, basis
        self._before = [weights[0] * basis(starts[0])]
        for n in range(1, len(starts)):
            passed = basis(starts[n]) - basis(starts[n - 1])
            self._before.append(self._before[-1] + weights[n - 1] * passed)

    def __call__(self, at: float) -> float:
        n = max(0, bisect_right(self._starts, at) - 1)  # before the first moment it was as in the first
        return self._before[n] + self._weights[n] * (self._basis(at) - self._basis(self._starts[n]))


@dataclass(frozen=True)
class Segment:
    """What the pods of a moment do to the traffic."""

    serving: float  # 1 while anything should run, 0 when scaled to nothing
    error_ratio: float
    quantiles: tuple[float, float, float]  # p50, p95 and p99 in seconds


class Load:
    """The traffic of one workload and what becomes of it."""

    def __init__(self, world: Timeline, namespace: str, name: str, moments: Sequence[Moment]) -> None:
        self.namespace, self.name = namespace, name
        self.moments, self.traits = moments, world.traits(name)
        self.starts = [moment.at for moment in moments]
        self.normal_pods = max(1, moments[0].desired)
        self.behaviour: Callable[[str], Behaviour] = lambda version: world.behaviour(name, version)
        self.segments = [self._segment(moment) for moment in moments]
        level = self.traits["requests_per_second"] * _TRAFFIC_SHARE.get(namespace, 0.02)
        seed = f"{namespace}/{name}"
        self.traffic = Wave(seed, level, daily=0.22, ripple=0.12)
        # A share of the requests is slower than the rest, and the share drifts: that makes the quantiles drift.
        self._slower = Wave(f"{seed} slower", 0.5 * level, daily=0.22, ripple=0.5)
        self._misfortune = Wave(f"{seed} errors", level, daily=0.22, ripple=0.7)

    def moment(self, at: float) -> Moment:
        """The moment that holds then; the first one before it."""
        return self.moments[max(0, bisect_right(self.starts, at) - 1)]

    @cached_property
    def requests(self) -> Function:
        """How many requests there were until then."""
        return Flow(self.starts, [s.serving for s in self.segments], self.traffic.total)

    @cached_property
    def errors(self) -> Function:
        """How many of them were answered with a 5xx code."""
        few = [s.error_ratio * s.serving if s.error_ratio <= 0.4 else 0.0 for s in self.segments]
        most = [s.error_ratio * s.serving if s.error_ratio > 0.4 else 0.0 for s in self.segments]
        wobbling = Flow(self.starts, few, self._misfortune.total)
        level = Flow(self.starts, most, self.traffic.total)
        return lambda at: wobbling(at) + level(at)

    @cached_property
    def seconds(self) -> Function:
        """The sum of all durations, in seconds."""
        means = [1.2 * s.quantiles[0] * s.serving for s in self.segments]
        return Flow(self.starts, means, self.traffic.total)

    def in_bucket(self, number: int, at: float) -> float:
        """How many requests until then took no longer than BUCKETS[number]."""
        return self._buckets[number](at)

    @cached_property
    def _buckets(self) -> tuple[Function, ...]:
        return tuple(self._bucket(bound) for bound in BUCKETS)

    def pod_work(self, pod: str) -> Function:
        """What one pod's share of the requests cost, in CPU seconds."""
        weights = []
        for moment in self.moments:
            ready = [p.name for p in moment.pods if p.ready]
            weights.append(self.normal_pods / len(ready) if pod in ready else 0.06)
        cost = self.traits["cpu_cores"] / self.traits["requests_per_second"]
        return Flow(self.starts, [w * cost for w in weights], self.traffic.total)

    def _bucket(self, bound: float) -> Function:
        faster, slower = [], []
        for s in self.segments:
            faster.append(s.serving * _below(bound, s.quantiles, 0.94))
            slower.append(s.serving * _below(bound, s.quantiles, 1.06))
        quick = Flow(self.starts, faster, lambda at: self.traffic.total(at) - self._slower.total(at))
        slow = Flow(self.starts, slower, self._slower.total)
        return lambda at: quick(at) + slow(at)

    def _segment(self, moment: Moment) -> Segment:
        serving = 1.0 if moment.desired or moment.pods else 0.0
        ready = [self.behaviour(pod.version) for pod in moment.pods if pod.ready]
        normal = self.traits["p50_ms"] / 1000, self.traits["p95_ms"] / 1000, self.traits["p99_ms"] / 1000
        if not ready:
            return Segment(serving, _DOWN_RATIO, normal)
        bad = ready.count("errors") / len(ready)
        ratio = self.traits["error_ratio"] * (1 - bad) + ERRORS_RATIO * bad
        crowding = min(2.5, max(0.75, (self.normal_pods / len(ready)) ** 0.35))
        p50, p95, p99 = (
            q * crowding * sum(_TAIL.get(b, (1.0, 1.0, 1.0))[n] for b in ready) / len(ready)
            for n, q in enumerate(normal)
        )
        return Segment(serving, ratio, (p50, p95, p99))


def error_ratio(world: Timeline, namespace: str, name: str) -> float:
    """The share of requests that are answered with a 5xx code now, 0 to 1; 0 for an unknown workload or no traffic."""
    moments = world.moments(namespace, name)
    if not moments:
        return 0.0
    load, now = Load(world, namespace, name, moments), world.now()
    requests = load.requests(now) - load.requests(now - 15)
    return min(1.0, max(0.0, (load.errors(now) - load.errors(now - 15)) / requests)) if requests > 0 else 0.0


def _below(bound: float, quantiles: tuple[float, float, float], factor: float) -> float:
    """The share of durations within the bound: log-normal pieces through the three quantiles."""
    x = math.log(bound / factor)
    logs = [math.log(q) for q in quantiles]
    low = 0 if x < logs[1] else 1
    slope = (_SCORES[low + 1] - _SCORES[low]) / max(1e-6, logs[low + 1] - logs[low])
    return 0.5 * (1 + math.erf((_SCORES[low] + (x - logs[low]) * slope) / math.sqrt(2)))
