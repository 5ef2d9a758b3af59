"""Events: which ones, how often, and when again."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import cast
from bot.playground.emulator.alarm import POLL
from bot.playground.emulator.blockkit import check_message
from bot.playground.emulator.wire import Json
from tests.emulator.conftest import IMPATIENT
from tests.emulator.doubles import People, Running, Socket, socket
from tests.waiting import within


def attempts(one: Socket) -> list[tuple[int, str]]:
    return [(frame["retry_attempt"], frame["retry_reason"]) for frame in one.envelopes()]


def firsts(one: Socket) -> dict[str, tuple[int, str]]:
    """By the text of each message, the first attempt at it that arrived."""
    found: dict[str, tuple[int, str]] = {}
    for frame in one.events("message"):
        found.setdefault(frame["payload"]["event"]["text"], (frame["retry_attempt"], frame["retry_reason"]))
    return found


def _reached(one: Socket, number: int) -> bool:
    return len(one.envelopes()) == number


@pytest.mark.parametrize("ack_timeout", [IMPATIENT])
async def test_an_unacknowledged_event_comes_at_once_after_one_and_after_five_minutes(
    running: Running, people: People
) -> None:
    """S2: the same event_id four times in all, then never again."""
    async with socket(running) as one:
        began = running.clock.now()
        await people.say("nobody acknowledges this")
        await within(lambda: len(one.envelopes()) == 2)
        for minutes, number in ((1, 3), (5, 4)):
            due = began + timedelta(minutes=minutes)
            running.clock.advance((due - running.clock.now()).total_seconds() - 1)
            await asyncio.sleep(IMPATIENT + 5 * POLL)  # the last try times out; the clock says it is too early
            assert len(one.envelopes()) == number - 1
            running.clock.advance(2)
            await within(partial(_reached, one, number))
        assert attempts(one) == [(0, ""), (1, "timeout"), (2, "timeout"), (3, "timeout")]
        assert len({frame["payload"]["event_id"] for frame in one.envelopes()}) == 1
        assert len({frame["envelope_id"] for frame in one.envelopes()}) == 4


async def test_an_acknowledged_event_does_not_come_again(running: Running, people: People) -> None:
    async with socket(running, event_callback=None) as one:
        await people.say("first")
        await one.next()
        running.clock.advance(600)
        await people.say("second")
        await one.next(2)
        assert attempts(one) == [(0, ""), (0, "")]


@pytest.mark.parametrize("ack_timeout", [IMPATIENT])
async def test_the_first_delivery_can_be_lost(running: Running, people: People) -> None:
    """S2: the redelivery is then the only delivery."""
    async with socket(running, event_callback=None) as one:
        await people.ok("faults", drop_first=1)
        await people.say("lost at first")
        await people.say("not lost")
        await within(lambda: len(firsts(one)) == 2)
        assert firsts(one) == {"lost at first": (1, "timeout"), "not lost": (0, "")}


async def test_an_event_can_come_twice_and_be_replayed(running: Running, people: People) -> None:
    """S2: duplicates carry one event_id in envelopes of their own."""
    async with socket(running, event_callback=None) as one:
        await people.ok("faults", duplicate=1)
        await people.say("twice")
        await one.next(2)
        assert (await people.ok("faults", replay=1))["replayed"] == 1
        await one.next(3)
        assert len({frame["payload"]["event_id"] for frame in one.envelopes()}) == 1
        assert len({frame["envelope_id"] for frame in one.envelopes()}) == 3


async def test_a_mention_in_a_channel_is_two_events(running: Running, people: People) -> None:
    async with socket(running, event_callback=None) as one:
        sent = await people.say("@twokey scale checkout")
        await one.next(2)
        message, mention = one.events("message")[0], one.events("app_mention")[0]
        for frame in (message, mention):
            event = frame["payload"]["event"]
            assert event["text"] == f"<@{cast.BOT_USER_ID}> scale checkout"
            assert (event["user"], event["channel"], event["ts"]) == ("U0ANA", "C0OPS", sent["ts"])
        assert message["payload"]["event"]["channel_type"] == "channel"
        assert message["payload"]["event_id"] != mention["payload"]["event_id"]
        assert message["accepts_response_payload"] is False
        assert message["payload"]["authorizations"][0]["user_id"] == cast.BOT_USER_ID


async def test_what_a_person_types_comes_as_rich_text_too(running: Running, people: People) -> None:
    async with socket(running, event_callback=None) as one:
        await people.say("@twokey ask @sre in #ops & see https://example.org/?a&b @here")
        block = (await one.next())["payload"]["event"]["blocks"][0]
        assert block["elements"][0]["elements"] == [
            {"type": "user", "user_id": cast.BOT_USER_ID},
            {"type": "text", "text": " ask "},
            {"type": "usergroup", "usergroup_id": "S0SRE"},
            {"type": "text", "text": " in "},
            {"type": "channel", "channel_id": "C0OPS"},
            {"type": "text", "text": " & see "},
            {"type": "link", "url": "https://example.org/?a&b"},
            {"type": "text", "text": " "},
            {"type": "broadcast", "range": "here"},
        ]
        check_message([block], [])


async def test_a_direct_message_is_one_event(running: Running, people: People) -> None:
    async with socket(running, event_callback=None) as one:
        await people.say("@twokey help", channel="@twokey")
        await people.say("the next one", channel="D0ANA")
        await one.next(2)
        assert not one.events("app_mention")
        assert [frame["payload"]["event"]["channel_type"] for frame in one.events("message")] == ["im", "im"]


async def test_the_bot_hears_its_own_messages(running: Running, web: AsyncWebClient) -> None:
    async with socket(running, event_callback=None) as one:
        await web.chat_postMessage(channel="C0OPS", text=f"<@{cast.BOT_USER_ID}> said the bot")
        event = (await one.next())["payload"]["event"]
        assert (event["bot_id"], event["user"]) == (cast.BOT_ID, cast.BOT_USER_ID)
        await web.reactions_add(channel="C0OPS", timestamp=event["ts"], name="eyes")
        await one.next(2)
        assert not one.events("app_mention")


async def test_edits_and_deletions_say_what_was_there_before(running: Running, people: People) -> None:
    async with socket(running, event_callback=None) as one:
        sent = await people.say("scale to 5")
        await people.ok("edits", user="ana", channel="ops", ts=sent["ts"], text="scale to 50")
        await people.ok("deletions", user="ana", channel="ops", ts=sent["ts"])
        await one.next(3)
        _, changed, deleted = [frame["payload"]["event"] for frame in one.events("message")]
        assert changed["subtype"] == "message_changed"
        assert (changed["message"]["text"], changed["previous_message"]["text"]) == ("scale to 50", "scale to 5")
        assert changed["message"]["edited"]["user"] == "U0ANA"
        assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", sent["ts"])


async def test_a_private_note_is_no_event(running: Running, people: People, web: AsyncWebClient) -> None:
    async with socket(running, event_callback=None) as one:
        await web.chat_postEphemeral(channel="C0OPS", user="U0ANA", text="only for you")
        await people.say("next")
        assert (await one.next())["payload"]["event"]["text"] == "next"


@pytest.mark.parametrize(
    ("deed", "body", "expected"),
    [
        ("home", {"user": "ben"}, {"type": "app_home_opened", "user": "U0BEN", "channel": "D0BEN", "tab": "home"}),
        ("members", {"user": "ben", "channel": "#new"}, None),
        (
            "usergroups",
            {"handle": "sre", "members": ["dora"]},
            {"type": "subteam_members_changed", "added_users": ["U0DORA"], "removed_users": ["U0BEN", "U0CARLA"]},
        ),
    ],
)
async def test_what_else_happens_in_a_workspace_is_told(
    running: Running, people: People, deed: str, body: Json, expected: Json | None
) -> None:
    async with socket(running, event_callback=None) as one:
        await people.ok(deed, **body)
        await people.say("afterwards")
        event = (await one.next())["payload"]["event"]
        assert {name: event[name] for name in expected or ()} == (expected or {})
        assert (event["type"] == "message") == (expected is None)


async def test_an_invited_bot_hears_that_it_joined_and_what_is_said(running: Running, people: People) -> None:
    async with socket(running, event_callback=None) as one:
        channel = (await people.ok("members", user="ana", channel="#quiet"))["channel"]
        await people.say("before", channel="#quiet")
        await people.ok("members", user="twokey", channel="#quiet")
        await people.say("after", channel="#quiet")
        await one.next(2)
        joined, message = (frame["payload"]["event"] for frame in one.envelopes())
        assert (joined["type"], joined["user"]) == ("member_joined_channel", cast.BOT_USER_ID)
        assert (joined["channel"], message["text"]) == (channel, "after")


async def test_reactions_are_told_with_the_message_they_are_on(running: Running, people: People) -> None:
    async with socket(running, event_callback=None) as one:
        sent = await people.say("look")
        await people.ok("reactions", user="ben", channel="ops", ts=sent["ts"], name="eyes")
        event = (await one.next(2))["payload"]["event"]
        assert (event["type"], event["reaction"], event["item_user"]) == ("reaction_added", "eyes", "U0ANA")
        assert event["item"] == {"type": "message", "channel": "C0OPS", "ts": sent["ts"]}
        assert (await people.messages())[0]["reactions"] == [{"name": "eyes", "users": ["U0BEN"], "count": 1}]
        status, answer = await people.do("reactions", user="ben", channel="ops", ts=sent["ts"], name="eyes")
        assert (status, answer["error"]) == (400, "already_reacted")
