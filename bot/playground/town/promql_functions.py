"""PromQL's functions: over ranges of samples, over values, and the folds of its aggregations."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from bot.playground.town.promql_parser import PromqlError, Selector
from bot.playground.town.telemetry_series import SCRAPE, Series

Labels = frozenset[tuple[str, str]]


class Element(NamedTuple):
    """One element of an instant vector."""

    labels: Labels
    value: float


Vector = list[Element]
Value = float | str | Vector
Samples = Sequence[tuple[float, float]]


def labels_of(labels: Mapping[str, str]) -> Labels:
    """A hashable form."""
    return frozenset(labels.items())


def over_range(function: str, series: Sequence[Series], selector: Selector, at: float) -> Vector:
    """A function of the samples in a window, for each series that has enough of them."""
    end = at - selector.offset
    start = end - (selector.window or 0.0)
    fold, found = OVER_RANGE[function], []
    for one in series:
        ends_suffice = one.steady and function in ("rate", "increase")
        value = fold(samples(one, start, end, ends_suffice), start, end)
        if value is not None:
            labels = frozenset((k, v) for k, v in one.labels.items() if k != "__name__")
            found.append(Element(labels, value))
    return found


def samples(series: Series, start: float, end: float, ends_only: bool = False) -> Samples:
    """What a scraper that came by every SCRAPE seconds would have stored."""
    first, last = math.ceil(start / SCRAPE), math.floor(end / SCRAPE)
    moments = [first, last] if ends_only and last > first else range(first, last + 1)
    values = ((n * SCRAPE, series.value(n * SCRAPE)) for n in moments)
    return [(at, value) for at, value in values if value is not None]


def _increase(samples: Samples, start: float, end: float) -> float | None:
    """The growth of a counter, extrapolated to the window's edges as Prometheus does (extrapolatedRate)."""
    if len(samples) < 2:
        return None
    grown = samples[-1][1] - samples[0][1]
    for (_, before), (_, after) in pairwise(samples):
        if after < before:  # the counter started again
            grown += before
    covered = samples[-1][0] - samples[0][0]
    slack = SCRAPE * 1.1
    to_start, to_end = samples[0][0] - start, end - samples[-1][0]
    to_start = to_start if to_start < slack else SCRAPE / 2
    to_end = to_end if to_end < slack else SCRAPE / 2
    if grown > 0 and samples[0][1] >= 0:
        to_start = min(to_start, covered * samples[0][1] / grown)  # a counter does not begin below zero
    return grown * (covered + to_start + to_end) / covered


def _rate(samples: Samples, start: float, end: float) -> float | None:
    grown = _increase(samples, start, end)
    return None if grown is None else grown / (end - start)


def _irate(samples: Samples, start: float, end: float) -> float | None:
    if len(samples) < 2:
        return None
    (earlier, before), (later, after) = samples[-2:]
    return (after - before if after >= before else after) / (later - earlier)


def _values(fold: Callable[[list[float]], float]) -> Callable[[Samples, float, float], float | None]:
    return lambda samples, _start, _end: fold([value for _, value in samples]) if samples else None


def _delta(samples: Samples, start: float, end: float) -> float | None:
    if len(samples) < 2:
        return None
    return (samples[-1][1] - samples[0][1]) * (end - start) / (samples[-1][0] - samples[0][0])


OVER_RANGE: Mapping[str, Callable[[Samples, float, float], float | None]] = {
    "rate": _rate,
    "irate": _irate,
    "increase": _increase,
    "delta": _delta,
    "avg_over_time": _values(statistics.fmean),
    "max_over_time": _values(max),
    "min_over_time": _values(min),
    "sum_over_time": _values(math.fsum),
    "last_over_time": _values(lambda values: values[-1]),
    "count_over_time": _values(lambda values: float(len(values))),
}


def _number(value: Value) -> float:
    if not isinstance(value, float):
        raise PromqlError("parse error: expected type scalar in call to function")
    return value


def _vector(value: Value) -> Vector:
    if not isinstance(value, list):
        raise PromqlError("parse error: expected type instant vector in call to function")
    return value


def _each(change: Callable[[float], float]) -> Callable[..., Value]:
    def apply(_at: float, value: Value) -> Value:
        unnamed = ((frozenset(p for p in e.labels if p[0] != "__name__"), e.value) for e in _vector(value))
        return [Element(labels, change(v)) for labels, v in unnamed]

    return apply


def _clamp_min(_at: float, value: Value, low: Value) -> Value:
    return _each(lambda v: max(v, _number(low)))(_at, value)


def _clamp_max(_at: float, value: Value, high: Value) -> Value:
    return _each(lambda v: min(v, _number(high)))(_at, value)


def _scalar(_at: float, value: Value) -> Value:
    vector = _vector(value)
    return vector[0].value if len(vector) == 1 else math.nan


def _absent(_at: float, value: Value) -> Value:
    return [] if _vector(value) else [Element(frozenset(), 1.0)]


def _sort(_at: float, value: Value) -> Value:
    return sorted(_vector(value), key=lambda e: e.value)


def _histogram_quantile(_at: float, q: Value, value: Value) -> Value:
    histograms: dict[Labels, list[tuple[float, float]]] = {}
    for labels, count in _vector(value):
        bound = dict(labels).get("le")
        if bound is not None:
            rest = frozenset((k, v) for k, v in labels if k not in ("le", "__name__"))
            histograms.setdefault(rest, []).append((float(bound), count))
    return [Element(labels, _quantile(_number(q), sorted(found))) for labels, found in histograms.items()]


def _quantile(q: float, buckets: list[tuple[float, float]]) -> float:
    """Linear within the bucket that holds the rank, as Prometheus' `bucketQuantile`."""
    if len(buckets) < 2 or buckets[-1][0] != math.inf or buckets[-1][1] <= 0 or math.isnan(q):
        return math.nan
    if not 0 <= q <= 1:
        return math.copysign(math.inf, q)
    rank = q * buckets[-1][1]
    n = next(i for i, (_, count) in enumerate(buckets) if count >= rank)
    if buckets[n][0] == math.inf:
        return buckets[-2][0]
    low, before = buckets[n - 1] if n else (0.0, 0.0)
    inside = buckets[n][1] - before
    return low + (buckets[n][0] - low) * ((rank - before) / inside if inside > 0 else 0.0)


OVER_VALUES: Mapping[str, Callable[..., Value]] = {
    "histogram_quantile": _histogram_quantile,
    "clamp_min": _clamp_min,
    "clamp_max": _clamp_max,
    "abs": _each(abs),
    "ceil": _each(lambda v: float(math.ceil(v))),
    "floor": _each(lambda v: float(math.floor(v))),
    "scalar": _scalar,
    "vector": lambda _at, value: [Element(frozenset(), _number(value))],
    "time": lambda at: at,
    "absent": _absent,
    "sort": _sort,
}


def _fold_quantile(values: list[float], parameter: Value) -> float:
    ranked, q = sorted(values), _number(parameter)
    if not 0 <= q <= 1:
        return math.copysign(math.inf, q)
    place = q * (len(ranked) - 1)
    low = math.floor(place)
    return ranked[low] + (ranked[min(low + 1, len(ranked) - 1)] - ranked[low]) * (place - low)


FOLDS: Mapping[str, Callable[[list[float], Value], float]] = {
    "sum": lambda values, _: math.fsum(values),
    "avg": lambda values, _: statistics.fmean(values),
    "max": lambda values, _: max(values),
    "min": lambda values, _: min(values),
    "count": lambda values, _: float(len(values)),
    "group": lambda values, _: 1.0,
    "stddev": lambda values, _: statistics.pstdev(values),
    "quantile": _fold_quantile,
}
