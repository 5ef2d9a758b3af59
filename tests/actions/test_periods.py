"""Stretches of time are the asker's: days begin at their midnight, weeks on their Monday, whatever the clocks do."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from actions import periods
from actions.verbs.history import History
from actions.verbs.query_logs import QueryLogs
from actions.verbs.query_metrics import QueryMetrics

ATHENS = "Europe/Athens"
NOW = datetime(2026, 10, 28, 0, 30, tzinfo=ZoneInfo(ATHENS))  # a Wednesday there, a Tuesday in UTC


def there(day: int, hour: int = 0, month: int = 10) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=ZoneInfo(ATHENS))


@pytest.mark.parametrize(
    ("text", "start", "end", "words"),
    [
        ("today", there(28), NOW, "today"),
        ("yesterday", there(27), there(28), "yesterday"),
        ("this week", there(26), NOW, "this week"),
        ("last week", there(19), there(26), "last week"),  # the clocks went back on Sunday the 25th
        ("this month", there(1), NOW, "this month"),
        ("last month", there(1, month=9), there(1), "last month"),
        ("since monday", there(26), NOW, "since Monday"),
        ("since wednesday", there(28), NOW, "since Wednesday"),
        ("thursday", there(22), there(23), "on Thursday"),
        ("since 14:00", there(27, 14), NOW, "since 14:00"),
        ("3d", NOW - timedelta(days=3), NOW, "the last 3 d"),
    ],
)
def test_a_stretch_is_what_the_asker_means_by_it(text: str, start: datetime, end: datetime, words: str) -> None:
    found = periods.parse(text, NOW, ATHENS)
    assert (found.start.timestamp(), found.end.timestamp()) == (start.timestamp(), end.timestamp())
    assert found.words == words


@pytest.mark.parametrize("text", ["14:00", "since 25:00", "soon", "since", "0d", "last year", "Monday"])
def test_what_is_no_stretch_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        History(service="checkout", period=text)


def test_a_zone_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValidationError):
        History(zone="Europe/Atlantis")


@pytest.mark.parametrize("text", ["yesterday", "last week", "last month", "monday", "14:00", "soon"])
def test_what_is_only_looked_at_up_to_now_takes_no_stretch_with_an_end(text: str) -> None:
    """Never silently another stretch than the one that was asked for."""
    with pytest.raises(ValidationError, match="no stretch of time up to now"):
        QueryLogs(service="checkout", environment="prod", since=text)
    with pytest.raises(ValidationError, match="no stretch of time up to now"):
        QueryMetrics(service="checkout", environment="prod", metric="cpu", window=text)


@pytest.mark.parametrize(
    ("text", "zoned"), [("30m", False), (None, False), ("today", True), ("since monday", True), ("since 14:00", True)]
)
def test_only_days_and_hours_need_to_know_whose(text: str | None, zoned: bool) -> None:
    assert QueryLogs(service="checkout", environment="prod", since=text).zoned is zoned
    assert QueryMetrics(service="checkout", environment="prod", metric="cpu", window=text).zoned is zoned
