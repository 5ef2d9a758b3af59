"""query_metrics: a metric of a service over a while, as one line and a chart."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from pydantic import Field, JsonValue

from actions import changelog, formulas, periods, quantities, reads
from actions.action import Read
from actions.errors import BadInput
from actions.formulas import Metric
from actions.measurement import USUAL, chart, measure, verdict
from actions.outcome import Outcome, Step, Suggestion
from actions.periods import Reach, Zone
from actions.terms import Name, Rule
from actions.toolbox import Progress, Toolbox

_DEFAULT_WINDOW = "1h"
_SHORTEST = timedelta(seconds=1)  # since 14:00, asked at 14:00


class QueryMetrics(Read):
    """A chart and one line about a metric."""

    verb: ClassVar[str] = "query_metrics"
    rules: ClassVar[tuple[Rule, ...]] = (*reads.WORKLOADS, *reads.REVISIONS)
    help: ClassVar[str] = "A chart and one line about a metric"
    examples: ClassVar[tuple[str, ...]] = (
        "p99 of payments in prod last 6h",
        "error rate of checkout in prod",
    )

    pressed: ClassVar[frozenset[str]] = frozenset({"zone"})

    service: Name
    environment: Name
    metric: Metric
    window: Reach | None = None
    zone: Zone | None = Field(None, description="the asker's time zone, in which days and hours begin")

    @property
    def zoned(self) -> bool:
        """Where its window begins with an hour or a day."""
        return periods.zoned(self.window)

    @property
    def title(self) -> str:
        name = quantities.NAMES[self.metric]
        start = name if name.startswith("p") else f"{name[0].upper()}{name[1:]}"  # p99 is never P99
        return f"{start} of {self.service} in {self.environment}"

    def answer(self, tools: Toolbox, progress: Progress) -> Outcome:
        """A line, a chart and the changes in the window. Raises BadInput without metrics, or SourceError."""
        if tools.metrics is None:
            raise BadInput("No metrics are configured. Set PROMETHEUS_URL and I can answer this.")
        progress(Step(text=f"reading the {quantities.NAMES[self.metric]}"))
        period = periods.parse(self.window or _DEFAULT_WINDOW, tools.clock.now(), self.zone or "UTC")
        length = max(period.end - period.start, _SHORTEST)
        measured = measure(tools.metrics, tools, self.metric, self.service, self.environment, length)
        if measured is None:
            return self._nothing(tools, period.heading)
        log = changelog.read(tools, self.service, self.environment, measured.end - max(length, USUAL))
        title = f"{measured.subject}, {period.heading}"
        summary = f"{title}: {verdict(measured, log)}"
        inside = [entry for entry in log.entries if entry.at >= measured.start]
        details = [f"{entry.text} at {quantities.moment(entry.at, measured.end)}" for entry in inside[:8]]
        details += changelog.unseen(log.missing)
        return Outcome(
            ok=True,
            summary=summary,
            details=tuple(details),
            evidence=(chart(measured, log, title, ". ".join([summary, *details])),),
            suggestions=self._next(measured.trend.direction == "rising", length),
        )

    def _nothing(self, tools: Toolbox, when: str) -> Outcome:
        query = formulas.query(tools.catalog, self.metric, self.service, self.environment, "5m")
        name, key = quantities.NAMES[self.metric], f"services.{self.service}.metrics.{self.metric}"
        return Outcome(
            ok=None,
            summary=f"{name} of {self.service} in {self.environment}, {when}: Prometheus has no data for this.",
            details=(f"I asked: {query}", f"If it counts under another name, write your query into {key}."),
        )

    def _next(self, rising: bool, length: timedelta) -> tuple[Suggestion, ...]:
        here: dict[str, JsonValue] = {"service": self.service, "environment": self.environment}
        steps = [Suggestion(label="What changed?", action={"verb": "triage", **here})] if rising else []
        steps.append(Suggestion(label="Error lines", action={"verb": "query_logs", **here, "level": "error"}))
        if length < timedelta(hours=24):
            wider: dict[str, JsonValue] = {"verb": "query_metrics", **here, "metric": self.metric, "window": "24h"}
            steps.append(Suggestion(label="Last 24 h", action=wider))
        return tuple(steps)
