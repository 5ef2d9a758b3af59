"""Whether a service is as well after a change as it was before, told from its metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from actions import quantities
from actions.vitals import Vitals

# Worse is what a person would call worse on a graph: twice the errors and at least one request in a hundred more,
# or half as slow again and at least 50 ms more. Less than that is noise in a minute's worth of requests.
_ERRORS_TIMES, _ERRORS_MORE = 2.0, 0.01
_SLOWER_TIMES, _SLOWER_BY = 1.5, 0.05


@dataclass(frozen=True)
class Verified:
    """What the metrics say. `worse` is None where they say nothing."""

    worse: bool | None
    text: str  # "error rate 0.2 % (was 0.2 %), p95 180 ms (was 240 ms)"


def compare(before: Vitals | None, after: Vitals | None) -> Verified:
    """The service before and after, in words; missing numbers are left out and never count as worse."""
    if after is None or (after.error_ratio is None and after.p95 is None):
        return Verified(None, "no metrics to verify it with")
    parts, worse = [], False
    old = before or Vitals(None, None, None)
    if after.error_ratio is not None:
        parts.append(f"error rate {quantities.percent(after.error_ratio)}{_was(old.error_ratio, quantities.percent)}")
        worse |= _rose(old.error_ratio, after.error_ratio, _ERRORS_TIMES, _ERRORS_MORE)
    if after.p95 is not None:
        parts.append(f"p95 {quantities.duration(after.p95)}{_was(old.p95, quantities.duration)}")
        worse |= _rose(old.p95, after.p95, _SLOWER_TIMES, _SLOWER_BY)
    known = old.error_ratio is not None or old.p95 is not None
    return Verified(worse if known else None, ", ".join(parts))


def _was(value: float | None, spell: Callable[[float], str]) -> str:
    return "" if value is None else f" (was {spell(value)})"


def _rose(before: float | None, after: float, times: float, more: float) -> bool:
    return before is not None and after >= before * times and after - before >= more
