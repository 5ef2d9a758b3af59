"""One metric of one service over a while: its samples, its trend, and both in words and as a picture."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from actions import charts, formulas, quantities
from actions.changelog import Changelog, Entry
from actions.clients.protocols import Metrics, Sample
from actions.formulas import Metric
from actions.outcome import Chart
from actions.toolbox import Toolbox
from actions.trend import Trend, trend

USUAL = timedelta(hours=6)
"""What is usual is judged over at least this long."""
_POINTS = 120
_CAUSE = timedelta(minutes=30)  # a change this long before is worth naming beside a rise


@dataclass(frozen=True)
class Measurement:
    """A metric from `start` to `end`; there is at least one sample."""

    metric: Metric
    service: str
    environment: str
    start: datetime
    end: datetime
    step: float  # seconds between samples
    samples: Sequence[Sample]
    trend: Trend

    @property
    def since(self) -> datetime | None:
        """Since when it differs from what is usual; None where it does not, or has all along."""
        return None if self.trend.since is None else datetime.fromtimestamp(self.trend.since, self.end.tzinfo)

    @property
    def subject(self) -> str:
        """`p99 of payments in prod`."""
        return f"{quantities.NAMES[self.metric]} of {self.service} in {self.environment}"


def measure(
    metrics: Metrics, tools: Toolbox, metric: Metric, service: str, environment: str, window: timedelta
) -> Measurement | None:
    """Reads it up to now; None where there is no data. Raises BadInput or SourceError.

    Where the window alone does not say what is usual, coarser samples from before it do.
    """
    end = tools.clock.now()
    start = end - window

    def read(begin: datetime, until: datetime) -> tuple[float, list[Sample]]:
        step = max(15.0, round((until - begin).total_seconds() / _POINTS))  # no closer than the usual scrape interval
        query = formulas.query(tools.catalog, metric, service, environment, formulas.rate_window(step))
        return step, metrics.range(query, begin, until, step)

    step, samples = read(start, end)
    earlier = read(end - USUAL, start)[1] if samples and window < USUAL else []
    found = trend(earlier, samples, metric)
    return Measurement(metric, service, environment, start, end, step, samples, found) if found else None


def verdict(measured: Measurement, log: Changelog) -> str:
    """`now 480 ms, usually 300 ms; rising since 11:40 UTC, 6 min after deploy 3.11.0`."""
    found, since = measured.trend, measured.since
    now, usual = (quantities.spell(measured.metric, value) for value in (found.now, found.usual))
    words = f"now {now}, usually {usual}; {found.direction}{' but for the newest point' if found.odd else ''}"
    if since is None:
        return words
    words += f" since {quantities.moment(since, measured.end)}"
    cause = cause_of(measured, log)
    if cause is None:
        return words
    after = (since - cause.at).total_seconds()
    return f"{words}, {quantities.span(after)} after {cause.what}" if after >= 60 else f"{words}, right at {cause.what}"


def cause_of(measured: Measurement, log: Changelog) -> Entry | None:
    """The last change in the half hour before the metric began to differ."""
    if measured.since is None:
        return None
    # A rate's window reaches back, so a rise may seem to begin a moment before its cause.
    return log.before(measured.since + timedelta(minutes=2), _CAUSE)


def chart(measured: Measurement, log: Changelog, title: str, alt: str) -> Chart:
    """The picture with its words; `alt` says the same."""
    # The outcome's field takes base64, as it stands in JSON, and holds the bytes.
    return Chart(title=title, png=base64.b64encode(charts.png(picture(measured, log))), alt=alt)


def picture(measured: Measurement, log: Changelog) -> charts.Picture:
    """What is drawn: the same numbers that `verdict` says."""
    found, metric = measured.trend, measured.metric
    unit, factor = _axis(metric, max(sample.value for sample in measured.samples))
    return charts.Picture(
        title=f"{quantities.NAMES[metric]} · {measured.service} in {measured.environment}",
        unit=unit,
        samples=[Sample(s.at, s.value * factor) for s in measured.samples],
        start=measured.start.timestamp(),
        end=measured.end.timestamp(),
        step=measured.step,
        usual=found.usual * factor,
        usual_label=f"usually {quantities.spell(metric, found.usual)}",
        now_label=f"now {quantities.spell(metric, found.now)}",
        markers=[charts.Marker(e.at.timestamp(), e.what) for e in log.entries],
    )


def _axis(metric: Metric, highest: float) -> tuple[str, float]:
    """The axis' unit, and what a value is multiplied by to be in it."""
    if metric.startswith("latency"):
        return ("ms", 1000.0) if highest < 2 else ("seconds", 1.0)
    units = {
        "error_rate": ("% of requests", 100.0),
        "request_rate": ("requests a minute", 60.0),
        "cpu": ("cores, all pods", 1.0),
        "memory": ("MiB, the fullest pod", 1 / 1024**2),
        "restarts": ("restarts of the pods there", 1.0),
    }
    return units[metric]
