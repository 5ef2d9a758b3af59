"""What a series does: its value now, its usual value, and since when the two differ. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Literal

from actions.clients.protocols import Sample
from actions.formulas import Metric

# What is too small to speak of, in the metric's own unit.
_FLOORS: dict[Metric, float] = {
    "request_rate": 0.05,
    "error_rate": 0.003,
    "latency_p50": 0.005,
    "latency_p95": 0.01,
    "latency_p99": 0.015,
    "cpu": 0.05,
    "memory": 16 * 1024 * 1024,
    "restarts": 0.5,
}
_RELATIVE = 0.2  # and less than a fifth is no change either
_NOISES = 5.0  # nor is what lies within five times the series' usual wobble
_LAPSES = 2  # samples on the wrong side that do not yet end a run


@dataclass(frozen=True)
class Trend:
    """`since` is in seconds since 1970; None where nothing differs, or where it did from the first sample on.

    `now` is the newest sample, as a picture shows it. One sample alone makes no direction: that is what `level` has,
    the newest smoothed value, and where the newest sample by itself says otherwise it is `odd`.
    """

    now: float
    usual: float
    level: float
    direction: Literal["steady", "rising", "falling"]
    since: float | None = None
    odd: bool = False


def trend(earlier: Sequence[Sample], recent: Sequence[Sample], metric: Metric) -> Trend | None:
    """Compares the newest of the recent samples with what is usual; None without recent samples.

    Usual is the median, each sample counting for as long as it stands for; what lasts longer than half of the whole
    span becomes usual itself, so give it a span well beyond what is looked for. The wobble is the median step between
    recent neighbours, which a lasting change leaves alone. Since when: the begin of the last run beyond half the
    difference.
    """
    if not recent:
        return None
    samples = [*earlier, *recent]
    values = _smoothed([sample.value for sample in samples])
    usual, level, now = _median_by_time(samples, values), values[-1], recent[-1].value
    wobble = median(abs(b - a) for a, b in pairwise(values[len(earlier) :])) if len(recent) > 1 else 0.0
    little = max(_FLOORS[metric], _RELATIVE * abs(usual), _NOISES * wobble)

    def side(value: float) -> int:
        return 0 if abs(value - usual) <= little else 1 if value > usual else -1

    sign, odd = side(level), side(now) != side(level)
    if not sign:
        return Trend(now, usual, level, "steady", odd=odd)
    half = usual + (level - usual) / 2
    first, lapses = len(values) - 1, 0
    for n in range(len(values) - 1, -1, -1):
        if (values[n] - half) * sign > 0:
            first, lapses = n, 0
        elif (lapses := lapses + 1) > _LAPSES:
            break
    since = samples[first].at if first else None
    return Trend(now, usual, level, "rising" if sign > 0 else "falling", since, odd)


def _smoothed(values: Sequence[float]) -> list[float]:
    """The median of three neighbours, so that one odd sample says nothing."""
    if len(values) < 3:
        return list(values)
    inner = [median(values[n - 1 : n + 2]) for n in range(1, len(values) - 1)]
    return [inner[0], *inner, median(values[-3:])]


def _median_by_time(samples: Sequence[Sample], values: Sequence[float]) -> float:
    """The median, where a sample weighs as much as the time until the next one."""
    if len(samples) < 3:
        return median(values)
    gaps = [b.at - a.at for a, b in pairwise(samples)]
    weighed = sorted(zip(values, [*gaps, gaps[-1]], strict=True))
    half, passed = sum(weight for _, weight in weighed) / 2, 0.0
    for value, weight in weighed:
        passed += weight
        if passed >= half:
            return value
    return weighed[-1][0]
