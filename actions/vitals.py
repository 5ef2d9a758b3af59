"""How a service is doing right now, in three numbers: what status shows and what a change is verified against."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from actions import formulas
from actions.errors import SourceError
from actions.toolbox import Toolbox

# The last minute shows a bad change at once; a Prometheus that scrapes seldom has data for five only.
_WINDOWS = ("1m", "5m")
_METRICS: tuple[formulas.Metric, ...] = ("error_rate", "latency_p95", "request_rate")


@dataclass(frozen=True)
class Vitals:
    """None where there is no data."""

    error_ratio: float | None  # 0 to 1
    p95: float | None  # seconds
    rate: float | None  # requests a second

    @property
    def known(self) -> bool:
        """Whether there is any number at all."""
        return any(value is not None for value in (self.error_ratio, self.p95, self.rate))


def vitals(tools: Toolbox, service: str, environment: str) -> Vitals | None:
    """The service's error ratio, p95 and request rate of the last minute (of five where a minute holds no data).

    None where no metrics are configured or they cannot be reached. Raises UnknownService or UnknownEnvironment.
    """
    if tools.metrics is None:
        return None
    metrics, at = tools.metrics, tools.clock.now()

    def read(metric: formulas.Metric) -> float | None:
        for window in _WINDOWS:
            value = metrics.instant(formulas.query(tools.catalog, metric, service, environment, window), at)
            if value is not None:
                return value
        return None

    try:
        with ThreadPoolExecutor(len(_METRICS), "vitals") as pool:
            error_ratio, p95, rate = pool.map(read, _METRICS)
    except SourceError:
        return None
    return Vitals(error_ratio, p95, rate)
