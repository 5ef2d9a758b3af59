"""What was measured, said honestly: quantiles with their n, targets beside figures, and the machine it ran on."""

from __future__ import annotations

import math
import os
import platform
import sqlite3
from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]


def quantile(values: Sequence[float], part: float) -> float:
    """The smallest value that at least `part` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-part * len(ordered) // 1) - 1))]


def spread(values: Sequence[float], unit: str, digits: int = 2) -> Json:
    """Median, p99, longest and n of what was measured in seconds, in `unit`: "ms" or "us"; only n where nothing was."""
    if not values:
        return {"n": 0}
    factor = {"ms": 1e3, "us": 1e6}[unit]
    p50, p99, longest = (round(quantile(values, part) * factor, digits) for part in (0.5, 0.99, 1))
    return {f"p50_{unit}": p50, f"p99_{unit}": p99, f"max_{unit}": longest, "n": len(values)}


def budget(app: float, beside: float, cores: int, processes: int = 1) -> Json:
    """What an event costs in seconds of processor time, in the app and in what is beside it, and how many that carries.

    The threads of one of the app's processes share one interpreter, so it never has more than one core; the rest has
    what is left of them all.
    """
    most = min(processes / app if app else math.inf, cores / (app + beside) if app + beside else math.inf)
    return {
        "app_cpu_ms_per_event": round(app * 1e3, 2),
        "playground_cpu_ms_per_event": round(beside * 1e3, 2),
        "cores": cores,
        "sustainable_per_s": round(most) if most < math.inf else None,
    }


def target(say: str, figure: float | None, limit: float, at_least: bool = False) -> Json:
    """A figure beside what it should be. `met` is false where nothing could be measured."""
    met = figure is not None and (figure >= limit if at_least else figure < limit)
    return {"target": say, "measured": figure, "met": met}


def machine() -> Json:
    """Where it ran, and how busy that was with other things at the start."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "sqlite": sqlite3.sqlite_version,
        "load_average_1m": round(os.getloadavg()[0], 2),
    }
