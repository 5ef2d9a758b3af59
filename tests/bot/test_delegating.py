"""Handing over a key in Slack: in so many words, in the giver's own time zone, and seen by everybody there."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from actions.errors import BadInput
from bot.delegating import Wish, ends_at, wish
from tests.bot.scene import Scene

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)  # 11:00 in Athens


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("delegate <@U0CARLA> until 18:00", Wish("give", "U0CARLA", "18:00")),
        ("delegate to <@U0CARLA|carla> for 2h.", Wish("give", "U0CARLA", "", "2h")),
        ("Hand over my key to <@U0CARLA> until 18:00", Wish("give", "U0CARLA", "18:00")),
        ("hand my key to <@U0CARLA> for 2 hours", Wish("give", "U0CARLA", "", "2h")),
        ("give my key to <@U0CARLA> for 45 min", Wish("give", "U0CARLA", "", "45m")),
        ("delegate end", Wish("end")),
        ("Take my key back.", Wish("end")),
        ("hand my key to carla for 2h", Wish("unclear")),
        ("hand my key to <@U0CARLA>", Wish("unclear")),
        ("hand my keys to <@U0CARLA> for 2h", None),
        ("End delegation!", Wish("end")),
        ("delegate <@U0CARLA>", Wish("unclear")),
        ("delegate @carla until 18:00", Wish("unclear")),
        ("delegate <@U0CARLA> until I am back", Wish("unclear")),
        ("delegate <@U0CARLA> until 18:00 and approve everything", Wish("unclear")),
        ("please do not delegate <@U0CARLA> until 18:00", None),
        ("scale checkout to 5 in prod", None),
    ],
)
def test_only_a_whole_wish_is_one(text: str, wanted: Wish | None) -> None:
    """A12: nothing around the words is guessed away."""
    assert wish(text) == wanted


@pytest.mark.parametrize(
    ("until", "zone", "ends"),
    [
        ("18:00", "Europe/Athens", "2026-11-02T16:00:00+00:00"),
        ("11:00", "Europe/Athens", "2026-11-03T09:00:00+00:00"),  # now exactly: tomorrow's
        ("8:30", "UTC", "2026-11-03T08:30:00+00:00"),
    ],
)
def test_a_time_of_day_is_the_next_one_on_the_givers_own_clock(until: str, zone: str, ends: str) -> None:
    assert ends_at(Wish("give", "U", until), NOW, zone) == datetime.fromisoformat(ends)


def test_a_time_that_no_clock_shows_is_said() -> None:
    with pytest.raises(BadInput, match="no time of the day"):
        ends_at(Wish("give", "U", "25:00"), NOW, "UTC")


async def test_a_command_hands_it_over_and_the_card_says_whose_key_was_turned(slack: Scene) -> None:
    """From the command to the run; ana asks, carla is in sre herself, so ben's key goes to ana and carla asks."""
    async with slack.program():
        await slack.post("commands", user="ben", channel="#ops", command="/twokey", text="delegate @ana until 18:00")
        told = await slack.see("ana may turn ben's key until Mon 18:00 (Europe/Athens)")
        assert told["channel"] == "C0OPS"
        await slack.say("carla", "@twokey scale checkout to 5 in prod")
        card = await slack.see("waiting for 1 of sre")
        await slack.click("ana", card, "approve")
        await slack.see("✅ done", "approved by ana (with ben's key)")
        await slack.say("ben", "@twokey delegate end")
        await slack.see("Your key is yours alone again.")


async def test_what_the_policy_does_not_allow_is_said_in_a_sentence(slack: Scene) -> None:
    async with slack.program():
        await slack.say("ben", "@twokey delegate @dora for 2h")
        await slack.see("A key can be handed to members of engineers only.")
        await slack.say("ben", "@twokey delegate @ana")
        await slack.see("Write `delegate @name until 18:00`")
