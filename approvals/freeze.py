"""When nothing may change: is a freeze's window open, and until when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta, tzinfo
from itertools import product
from zoneinfo import ZoneInfo

from approvals.policy_model import DAYS, Freeze, Once, Weekly, as_text

_WEEK = 7 * 24 * 60


def is_on(freeze: Freeze, now: datetime) -> bool:
    """Whether its window is open at this instant (with a time zone)."""
    zone = _zone(freeze.zone)
    if freeze.once is not None:
        start, until = _bounds(freeze.once, zone)
        return start <= now < until
    return freeze.weekly is not None and _in_week(freeze.weekly, now.astimezone(zone))


def ends(freeze: Freeze) -> str:
    """When it ends, for people: `Sun 20 Dec 18:00 (Europe/Athens)` or `mon 08:00 (UTC)`."""
    if freeze.once is not None:
        return as_text(freeze.once.until, freeze.zone)
    return f"{freeze.weekly.until if freeze.weekly else ''} ({freeze.zone})"


def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)


def _bounds(once: Once, zone: tzinfo) -> tuple[datetime, datetime]:
    # Where the clocks are set back a local time comes twice: the earlier one opens the window, the later one closes it.
    return once.start.replace(tzinfo=zone, fold=0), once.until.replace(tzinfo=zone, fold=1)


def _in_week(weekly: Weekly, local: datetime) -> bool:
    minute = (local.weekday() * 24 + local.hour) * 60 + local.minute
    start, until = _minute(weekly.start), _minute(weekly.until)
    return (minute - start) % _WEEK < (until - start) % _WEEK


def _minute(text: str) -> int:
    day, _, time = text.partition(" ")
    hour, _, minute = time.partition(":")
    return (DAYS.index(day) * 24 + int(hour)) * 60 + int(minute)


def edges(freeze: Freeze, now: datetime) -> Iterator[datetime]:
    """The moments at which it begins or ends: of a weekly one, those of the 53 weeks from now on."""
    zone = _zone(freeze.zone)
    if freeze.once is not None:
        yield from _bounds(freeze.once, zone)
    if freeze.weekly is None:
        return
    local = now.astimezone(zone)
    monday = datetime.combine(local.date() - timedelta(days=local.weekday()), time(), UTC).replace(tzinfo=None)
    for week, text in product(range(54), (freeze.weekly.start, freeze.weekly.until)):
        wall = monday + timedelta(weeks=week, minutes=_minute(text))
        yield wall.replace(tzinfo=zone).astimezone(UTC)
