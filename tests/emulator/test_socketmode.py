"""Socket Mode as Slack speaks it: addresses, envelopes, acknowledgements and broken links."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from aiohttp import ClientSession, WSServerHandshakeError
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import cast
from tests.emulator.conftest import IMPATIENT
from tests.emulator.doubles import People, Running, socket
from tests.waiting import PATIENCE, within


async def test_an_address_is_good_for_one_connection(running: Running) -> None:
    app = AsyncWebClient(cast.APP_TOKEN, base_url=running.api)
    url = str((await app.apps_connections_open(app_token=cast.APP_TOKEN))["url"])
    async with ClientSession() as session, session.ws_connect(url) as ws:
        assert (await ws.receive_json(timeout=PATIENCE))["type"] == "hello"
        with pytest.raises(WSServerHandshakeError):
            await session.ws_connect(url)


async def test_only_the_app_token_opens_connections(web: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as refusal:
        await web.apps_connections_open(app_token=cast.BOT_TOKEN)
    assert refusal.value.response["error"] == "not_allowed_token_type"


async def test_hello_counts_connections_and_names_the_app(running: Running) -> None:
    async with socket(running) as one, socket(running) as two:
        assert one.frames[0]["num_connections"] == 1
        assert two.frames[0]["num_connections"] == 2
        assert one.frames[0]["connection_info"] == {"app_id": cast.APP_ID}


async def test_each_envelope_goes_to_one_connection_in_turn(running: Running, people: People) -> None:
    async with socket(running, event_callback=None) as one, socket(running, event_callback=None) as two:
        for number in range(4):
            await people.say(f"message {number}")
        await within(lambda: len(one.envelopes()) + len(two.envelopes()) >= 4)
        ids = [frame["payload"]["event_id"] for frame in one.envelopes() + two.envelopes()]
        assert len(ids) == len(set(ids)) == 4
        assert len(one.envelopes()) == len(two.envelopes()) == 2


async def test_a_ping_comes_back_with_the_same_words(running: Running) -> None:
    async with socket(running) as one:
        await one.ws.ping(b"sdk-ping-pong:1.5")
        await within(lambda: one.pongs == [b"sdk-ping-pong:1.5"])


async def test_the_eleventh_connection_is_sent_away(running: Running) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(10):
            await stack.enter_async_context(socket(running))
        late = await stack.enter_async_context(socket(running))
        assert late.frames[0]["type"] == "disconnect"
        assert late.frames[0]["reason"] == "too_many_websockets"


async def test_a_warned_connection_gets_nothing_more_and_ends(running: Running, people: People) -> None:
    async with socket(running, event_callback=None) as old:
        await people.ok("faults", disconnect="warning")
        async with socket(running, event_callback=None) as new:
            await people.say("hello")
            await new.next()
            assert not old.envelopes()
            assert old.frames[1]["reason"] == "warning"
            await asyncio.wait_for(old.ended.wait(), PATIENCE)


async def test_what_arrives_while_nobody_listens_comes_after_the_reconnection(running: Running, people: People) -> None:
    """S2, S6: the first delivery fails, the one at once waits for a listener."""
    await people.say("is anybody there?")
    async with socket(running, event_callback=None) as one:
        frame = await one.next()
        assert (frame["retry_attempt"], frame["retry_reason"]) == (1, "connection_failed")


@pytest.mark.parametrize("ack_timeout", [IMPATIENT])
async def test_a_silent_link_hears_and_says_nothing_but_new_ones_work(running: Running, people: People) -> None:
    """S6: pings stay unanswered and what was sent there comes again elsewhere."""
    async with socket(running) as ghost:
        await people.ok("faults", silence=True)
        await ghost.ws.ping(b"anybody?")
        async with socket(running, event_callback=None) as fresh:
            await people.say("swallowed, perhaps")
            await people.say("heard")

            def both() -> bool:
                running.clock.advance(10)
                return len({one["payload"]["event_id"] for one in fresh.envelopes()}) == 2

            await within(both)
        assert not ghost.pongs and not ghost.envelopes()
        assert not ghost.ended.is_set()


async def test_a_reset_cuts_the_link_without_a_word(running: Running, people: People) -> None:
    async with socket(running) as one:
        await people.ok("faults", reset=True)
        await asyncio.wait_for(one.ended.wait(), PATIENCE)
        assert one.ws.close_code in (None, 1006)


async def test_garbage_from_the_bot_does_no_harm(running: Running, people: People) -> None:
    async with socket(running, event_callback=None) as one:
        for junk in ("not json", "[]", "{}", '{"envelope_id": 7}', '{"envelope_id": "unknown"}', "null"):
            await one.ws.send_str(junk)
        await people.say("still there?")
        await one.next()
