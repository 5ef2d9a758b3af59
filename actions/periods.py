"""Stretches of time as people ask about them: `today`, `this week`, `since monday`, `3d`. Days begin at midnight of a
time zone, weeks on Monday (ISO 8601)."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator

from actions import durations, quantities
from actions.errors import BadInput

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NAMED = ("today", "yesterday", "this week", "last week", "this month", "last month")
_SINCE = re.compile(
    rf"(?P<since>since )?(?:(?P<day>{'|'.join(WEEKDAYS)})|(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d))"
)
_HOW = "write it like today, last week, since monday, since 14:00 or 3d"
UP_TO_NOW = ("today", "this week", "this month")


class Period(NamedTuple):
    """From `start` on, to before `end`."""

    start: datetime
    end: datetime
    words: str  # for a sentence: "this week", "the last 3 d", "since 14:00"

    @property
    def heading(self) -> str:
        """The words without their article, for a title: "last 3 d"."""
        return self.words.removeprefix("the ")


def parse(text: str, now: datetime, zone: str) -> Period:
    """The stretch that these words mean at this moment in this time zone. Raises BadInput.

    A weekday, or a time of the day, is the last one that has begun: `since friday` on a Friday is since midnight.
    """
    here = now.astimezone(ZoneInfo(zone))
    if text in _NAMED:
        return Period(*_named(text, here), text)
    found = _SINCE.fullmatch(text)
    if found is None:
        return Period(now - durations.parse(text), now, f"the last {quantities.stretch(text)}")
    if found["hour"]:
        at = _at(here, time(int(found["hour"]), int(found["minute"])))
        return Period(at if at <= here else _at(here - timedelta(days=1), at.time()), now, text)
    day = _midnight(here, (here.weekday() - WEEKDAYS.index(found["day"])) % 7)
    words = f"{found['since'] or 'on '}{found['day'].capitalize()}"
    return Period(day, now if found["since"] else min(now, _midnight(day, -1)), words)


def _named(text: str, here: datetime) -> tuple[datetime, datetime]:
    month = _midnight(here.replace(day=1))
    week = _midnight(here, here.weekday())
    return {
        "today": (_midnight(here), here),
        "yesterday": (_midnight(here, 1), _midnight(here)),
        "this week": (week, here),
        "last week": (_midnight(week, 7), week),
        "this month": (month, here),
        "last month": (_midnight((month - timedelta(days=1)).replace(day=1)), month),
    }[text]


def _midnight(at: datetime, ago: int = 0) -> datetime:
    """Of that day, or of so many days before; by the calendar, so that a change of the clocks moves nothing."""
    return _at(at - timedelta(days=ago), time(0))


def _at(day: datetime, clock: time) -> datetime:
    return datetime.combine(day.date(), clock, day.tzinfo)


def _checked(text: str) -> str:
    if text not in _NAMED and not _SINCE.fullmatch(text):
        try:
            durations.parse(text)
        except BadInput:
            raise ValueError(f'"{text}" is no stretch of time; {_HOW}') from None
    elif text.endswith(tuple("0123456789")) and not text.startswith("since "):
        raise ValueError(f'"{text}" is a moment; {_HOW}')
    return text


Stretch = Annotated[str, AfterValidator(_checked)]


def _reaching(text: str) -> str:
    found = _SINCE.fullmatch(text)
    if text not in UP_TO_NOW and not (found and found["since"]):
        try:
            durations.parse(text)
        except BadInput:
            how = "write it like 30m, 2h, 7d, today, since monday or since 14:00"
            raise ValueError(f'"{text}" is no stretch of time up to now; {how}') from None
    return text


Reach = Annotated[str, AfterValidator(_reaching)]
"""A stretch that ends now, for what is only looked at up to now: a duration, `since 14:00`, `today`."""


def zoned(text: str | None) -> bool:
    """Whether what these words mean depends on a time zone, as a plain duration never does."""
    return text is not None and (text in _NAMED or _SINCE.fullmatch(text) is not None)


def _known(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f'this machine knows no time zone "{zone}"') from None
    return zone


Zone = Annotated[str, AfterValidator(_known)]
"""A time zone by its IANA name, like Europe/Athens."""
