"""Numbers with their units and times, as people read them."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from actions.formulas import Metric

_MIB = 1024.0 * 1024.0
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MOMENT = re.compile(
    rf"\b(?:(?P<weekday>{'|'.join(_WEEKDAYS)}) |(?P<day>[1-9]\d?) (?P<month>{'|'.join(_MONTHS)}) )?"
    r"(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d) UTC\b"
)
NAMES: dict[Metric, str] = {
    "request_rate": "request rate",
    "error_rate": "error rate",
    "latency_p50": "p50",
    "latency_p95": "p95",
    "latency_p99": "p99",
    "cpu": "CPU",
    "memory": "memory",
    "restarts": "restarts",
}


def spell(metric: Metric, value: float) -> str:
    """A metric's value with its unit: `480 ms`, `0.3 %`, `4,120 req/min`, `1.5 cores`, `218 MiB`."""
    if metric.startswith("latency"):
        return duration(value)
    if metric == "error_rate":
        return percent(value)
    if metric == "request_rate":
        return requests(value)
    if metric == "memory":
        return f"{value / _MIB:.0f} MiB" if value < 1024 * _MIB else f"{value / _MIB / 1024:.1f} GiB"
    return f"{value:.2f} cores" if metric == "cpu" else f"{value:.0f}"


def percent(ratio: float) -> str:
    """0.003 -> `0.3 %`."""
    share = ratio * 100
    return f"{share:.0f} %" if share >= 9.95 or share == 0 else f"{share:.1f} %"


def duration(seconds: float) -> str:
    """0.48 -> `480 ms`, 1.9 -> `1.9 s`."""
    return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else f"{seconds:.1f} s"


def requests(a_second: float) -> str:
    """Requests a second as `4,120 req/min`."""
    return f"{a_second * 60:,.0f} req/min"


def moment(at: datetime, now: datetime) -> str:
    """`11:40 UTC`, with the day where it is not today: `Tue 11:40 UTC`, `3 Nov 11:40 UTC`."""
    here, today = at.astimezone(UTC), now.astimezone(UTC)
    days = (today.date() - here.date()).days
    day = "" if days == 0 else f"{here:%a} " if 0 < days < 7 else f"{here.day} {here:%b} "
    return f"{day}{here:%H:%M} UTC"


def moments(text: str, now: datetime) -> list[tuple[re.Match[str], datetime]]:
    """Where words of `moment` stand in a text that was written about `now`, and the times that they mean, in order."""
    found = ((match, _meant(match, now.astimezone(UTC))) for match in _MOMENT.finditer(text))
    return [(match, at) for match, at in found if at is not None]


def _meant(match: re.Match[str], now: datetime) -> datetime | None:
    time = now.replace(hour=int(match["hour"]), minute=int(match["minute"]), second=0, microsecond=0)
    if match["weekday"]:
        return time - timedelta(days=(now.weekday() - _WEEKDAYS.index(match["weekday"]) - 1) % 7 + 1)
    if not match["month"]:
        return time if time <= now + timedelta(hours=12) else time - timedelta(days=1)  # written before midnight
    years = []
    for year in (now.year - 1, now.year, now.year + 1):
        with suppress(ValueError):  # 29 Feb
            years.append(time.replace(year, _MONTHS.index(match["month"]) + 1, int(match["day"])))
    return min(years, key=lambda at: abs(at - now), default=None)


def stretch(text: str) -> str:
    """A duration as in requests, spaced for a sentence: `6h` -> `6 h`, `30m` -> `30 min`."""
    unit = {"m": "min"}.get(text[-1], text[-1])
    return f"{text[:-1]} {unit}"


def span(seconds: float) -> str:
    """How long something took or is ago: `40 s`, `6 min`, `3 h`, `2 d`."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 1.5 * size or (unit == "min" and seconds >= 60):
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"


def count(number: int, singular: str, plural: str | None = None) -> str:
    """`1 line`, `212 lines`."""
    return f"{number:,} {singular if number == 1 else plural or f'{singular}s'}"
