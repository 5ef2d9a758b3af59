"""Start, stop, silence, killed processes and clocks that were set are entries of the log."""

from __future__ import annotations

from typing import Any

import pytest

from approvals.pulse import HEARTBEAT, LOST, SILENCE, Pulse
from tests.approvals.doubles import House


def started(house: House) -> Pulse:
    pulse = house.ledger.pulse(house.clock)
    pulse.start("all", {"version": "0.1.0"})
    return pulse


def later(house: House, pulse: Pulse, seconds: float, every: float = 2) -> None:
    """So much time passes, with a beat every few seconds."""
    for _ in range(int(seconds / every)):
        house.clock.advance(every)
        pulse.beat()


def last(house: House) -> dict[str, Any]:
    return dict([entry.fields["data"] for entry in house.ledger.entries()][-1])


def test_a_quiet_log_has_an_entry_at_least_every_five_minutes(house: House) -> None:
    """L3: and no more than that, also with several processes."""
    pulse = started(house)
    other = house.beside().ledger.pulse(house.clock)
    other.start("runner", {})
    for _ in range(60):
        house.clock.advance(10)
        pulse.beat()
        other.beat()
    assert house.kinds() == ["service.started"] * 2 + ["service.heartbeat"] * 2
    later(house, pulse, HEARTBEAT.total_seconds() - 10)
    house.ledger.note("request.noted")
    later(house, pulse, HEARTBEAT.total_seconds() - 10)
    assert house.kinds()[4:] == ["service.lost", "request.noted"], "what is written is a sign of life as well"


@pytest.mark.parametrize("stopped", [True, False], ids=["stopped", "killed"])
def test_a_gap_is_found_at_the_next_start_and_written_down_before_it(house: House, stopped: bool) -> None:
    """L3."""
    pulse = started(house)
    if stopped:
        pulse.stop({})
    house.clock.advance(3600)
    started(house)
    middle = ["service.stopped", "service.gap"] if stopped else ["service.gap", "service.lost"]
    assert house.kinds() == ["service.started", *middle, "service.started"]
    gap = next(entry.fields for entry in house.ledger.entries() if entry.fields["kind"] == "service.gap")
    assert (gap["data"]["since"], gap["data"]["seconds"]) == ("2026-11-02T09:00:00.000000Z", 3600)


def test_a_process_that_was_suspended_says_so_when_it_goes_on(house: House) -> None:
    """L3: SIGSTOP, or a laptop that slept."""
    pulse = started(house)
    house.clock.advance(SILENCE.total_seconds() + 1)
    pulse.beat()
    assert house.kinds() == ["service.started", "service.gap"]


def test_a_killed_process_is_missed_once_by_those_that_live(house: House) -> None:
    """L3."""
    pulse, dead = started(house), house.beside().ledger.pulse(house.clock)
    other = house.beside().ledger.pulse(house.clock)
    dead.start("runner", {})
    other.start("gateway", {})
    for _ in range(int(LOST.total_seconds()) + 4):
        house.clock.advance(1)
        pulse.beat()
        other.beat()
    assert house.kinds() == ["service.started"] * 3 + ["service.lost"]
    assert (last(house)["lost"], last(house)["its_role"]) == (dead.name, "runner")


@pytest.mark.parametrize("seconds", [3600, -3600, 6, -6])
def test_a_clock_that_is_set_is_an_entry(house: House, seconds: int) -> None:
    """L3, A6: an hour forward is no gap, an hour back is no time."""
    pulse = started(house)
    house.clock.step(seconds)
    pulse.beat()
    assert house.kinds() == ["service.started", "clock.stepped"]
    assert last(house)["seconds"] == seconds
    later(house, pulse, 20)
    assert house.kinds() == ["service.started", "clock.stepped"]


def test_a_clock_that_was_set_back_while_nothing_ran_is_seen_at_the_start(house: House) -> None:
    """L3."""
    started(house).stop({})
    house.clock.step(-600)
    house.beside().ledger.pulse(house.clock).start("all", {})
    assert house.kinds() == ["service.started", "service.stopped", "clock.stepped", "service.started"]


def test_a_clock_that_drifts_a_little_is_no_news(house: House) -> None:
    pulse = started(house)
    for _ in range(10):
        house.clock.step(2)
        pulse.beat()
    assert house.kinds() == ["service.started"]
