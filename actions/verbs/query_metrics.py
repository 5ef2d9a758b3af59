"""query_metrics: a metric of a service over a while."""

from __future__ import annotations

from typing import ClassVar

from actions.action import Name, Read, Rule
from actions.durations import Duration
from actions.formulas import Metric


class QueryMetrics(Read):
    """A chart and one line about a metric."""

    verb: ClassVar[str] = "query_metrics"
    rules: ClassVar[tuple[Rule, ...]] = ()
    help: ClassVar[str] = "A chart and one line about a metric"
    examples: ClassVar[tuple[str, ...]] = (
        "p99 of payments in prod last 6h",
        "error rate of checkout in prod",
    )

    service: Name
    environment: Name
    metric: Metric
    window: Duration | None = None
