"""The Web API: bodies, tokens, errors and limits, through Slack's own client."""

from __future__ import annotations

import json

import pytest
from aiohttp import ClientSession, FormData, ServerDisconnectedError
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import cast
from bot.playground.emulator.wire import Json
from tests.emulator.doubles import People, Running, section

BEARER = {"Authorization": f"Bearer {cast.BOT_TOKEN}"}


async def refused(call: object) -> Json:
    with pytest.raises(SlackApiError) as refusal:
        await call  # type: ignore[misc]
    answer: Json = dict(refusal.value.response.data)
    return answer


@pytest.mark.parametrize("way", ["json", "form", "multipart", "query", "token in body"])
async def test_arguments_come_in_any_body(running: Running, way: str) -> None:
    blocks = [section()]
    flat = {"channel": "C0OPS", "text": "hi", "blocks": json.dumps(blocks)}
    multipart = FormData(default_to_multipart=True)
    for name, value in flat.items():
        multipart.add_field(name, value)
    bodies: dict[str, Json] = {
        "json": {"json": {**flat, "blocks": blocks}, "headers": BEARER},
        "form": {"data": flat, "headers": BEARER},
        "multipart": {"data": multipart, "headers": BEARER},
        "query": {"params": flat, "headers": BEARER},
        "token in body": {"data": {**flat, "token": cast.BOT_TOKEN}},
    }
    async with ClientSession() as session, session.post(running.api + "chat.postMessage", **bodies[way]) as response:
        answer = await response.json()
    assert answer["ok"], answer
    assert answer["message"]["blocks"][0]["text"] == blocks[0]["text"]


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({}, "not_authed"),
        ({"Authorization": "Bearer xoxb-wrong"}, "invalid_auth"),
        ({"Authorization": f"Bearer {cast.APP_TOKEN}"}, "not_allowed_token_type"),
    ],
)
async def test_a_wrong_token_is_refused(running: Running, headers: dict[str, str], error: str) -> None:
    async with ClientSession() as session, session.post(running.api + "auth.test", headers=headers) as response:
        assert (response.status, await response.json()) == (200, {"ok": False, "error": error})


@pytest.mark.parametrize(
    ("content_type", "body", "error"),
    [
        ("application/json", "{", "invalid_json"),
        ("application/json", "[]", "json_not_object"),
        ("image/png", "x", "invalid_post_type"),
    ],
)
async def test_a_malformed_body_is_refused(running: Running, content_type: str, body: str, error: str) -> None:
    headers = {**BEARER, "Content-Type": content_type}
    async with (
        ClientSession() as session,
        session.post(running.api + "chat.postMessage", data=body, headers=headers) as response,
    ):
        assert (await response.json())["error"] == error


async def test_an_unknown_method_is_named(web: AsyncWebClient) -> None:
    answer = await refused(web.api_call("chat.shout"))
    assert (answer["error"], answer["req_method"]) == ("unknown_method", "chat.shout")


async def test_auth_test_says_who_and_with_which_scopes(web: AsyncWebClient) -> None:
    answer = await web.auth_test()
    assert (answer["user_id"], answer["bot_id"], answer["team_id"]) == (cast.BOT_USER_ID, cast.BOT_ID, cast.TEAM_ID)
    assert "chat:write" in {name.lower(): value for name, value in answer.headers.items()}["x-oauth-scopes"]


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"channel": "C0NONE", "text": "x"}, "channel_not_found"),
        ({"channel": "", "text": "x"}, "channel_not_found"),
        ({"channel": "C0OPS"}, "no_text"),
        ({"channel": "C0OPS", "text": "", "blocks": []}, "no_text"),
        ({"channel": "C0OPS", "text": "x", "blocks": "nonsense"}, "invalid_blocks_format"),
        ({"channel": "C0OPS", "text": "x", "blocks": {"type": "section"}}, "invalid_blocks_format"),
        ({"channel": "C0OPS", "text": "x", "blocks": [section("y" * 3001)]}, "invalid_blocks"),
        ({"channel": "C0OPS", "text": "x", "thread_ts": "yesterday"}, "invalid_thread_ts"),
    ],
)
async def test_a_message_that_slack_refuses_is_not_posted(
    web: AsyncWebClient, people: People, args: Json, error: str
) -> None:
    """S4"""
    assert (await refused(web.api_call("chat.postMessage", json=args)))["error"] == error
    assert await people.messages() == []


async def test_long_text_is_cut_when_posted_and_refused_when_updated(web: AsyncWebClient) -> None:
    posted = await web.chat_postMessage(channel="C0OPS", text="x" * 40_001)
    assert len(posted["message"]["text"]) == 40_000
    assert posted["warning"] == "message_truncated"
    answer = await refused(web.chat_update(channel="C0OPS", ts=posted["ts"], text="x" * 4001))
    assert answer["error"] == "msg_too_long"


async def test_an_update_keeps_what_it_does_not_name(web: AsyncWebClient, people: People) -> None:
    bar = [{"color": "#f00", "blocks": [section("bar")]}]
    posted = await web.chat_postMessage(channel="#ops", text="one", blocks=[section()], attachments=bar)
    await web.chat_update(channel="C0OPS", ts=posted["ts"], text="two")
    shown = (await people.messages())[0]
    assert (shown["text"], len(shown["blocks"]), len(shown["attachments"]), shown["edited"]) == ("two", 1, 1, True)
    await web.chat_update(channel="C0OPS", ts=posted["ts"], text="three", blocks=[], attachments=[])
    shown = (await people.messages())[0]
    assert shown["text"] == "three" and "blocks" not in shown and "attachments" not in shown


async def test_only_its_own_messages_are_the_bots_to_change(web: AsyncWebClient, people: People) -> None:
    sent = await people.say("mine")
    for call, error in (
        (web.chat_update(channel="C0OPS", ts=sent["ts"], text="yours"), "cant_update_message"),
        (web.chat_delete(channel="C0OPS", ts=sent["ts"]), "cant_delete_message"),
        (web.chat_update(channel="C0OPS", ts="1.000001", text="x"), "message_not_found"),
    ):
        assert (await refused(call))["error"] == error


async def test_a_private_note_cannot_be_updated(web: AsyncWebClient) -> None:
    note = await web.chat_postEphemeral(channel="C0OPS", user="U0ANA", text="psst")
    answer = await refused(web.chat_update(channel="C0OPS", ts=note["message_ts"], text="x"))
    assert answer["error"] == "message_not_found"


async def test_a_thread_is_read_in_order_and_the_channel_newest_first(web: AsyncWebClient, people: People) -> None:
    first = await people.say("question")
    await web.chat_postMessage(channel="C0OPS", thread_ts=first["ts"], text="answer")
    await web.chat_postMessage(channel="C0OPS", thread_ts=first["ts"], text="for all", reply_broadcast=True)
    await people.say("another")
    thread = await web.conversations_replies(channel="C0OPS", ts=first["ts"])
    assert [one["text"] for one in thread["messages"]] == ["question", "answer", "for all"]
    assert thread["messages"][0]["reply_count"] == 2
    assert thread["messages"][1]["parent_user_id"] == "U0ANA"
    history = await web.conversations_history(channel="C0OPS")
    assert [one["text"] for one in history["messages"]] == ["another", "for all", "question"]


async def test_history_is_read_page_by_page(web: AsyncWebClient, people: People) -> None:
    for number in range(5):
        await people.say(f"{number}")
    first = await web.conversations_history(channel="C0OPS", limit=2)
    pages = [[one["text"] for one in page["messages"]] async for page in first]
    assert pages == [["4", "3"], ["2", "1"], ["0"]]
    assert (await refused(web.conversations_history(channel="C0OPS", cursor="???")))["error"] == "invalid_cursor"


async def test_people_channels_and_groups_are_as_cast(web: AsyncWebClient) -> None:
    members = (await web.users_list())["members"]
    assert [one["name"] for one in members] == ["ana", "ben", "carla", "dora", "twokey"]
    assert (await web.users_info(user="U0BEN"))["user"]["profile"]["title"] == "SRE, may approve"
    assert (await web.users_profile_get(user="U0ANA"))["profile"]["real_name"] == "Ana Alexiou"
    assert (await web.users_lookupByEmail(email="ben@playground.example"))["user"]["id"] == "U0BEN"
    assert (await web.usergroups_users_list(usergroup="S0SRE"))["users"] == ["U0BEN", "U0CARLA"]
    groups = (await web.usergroups_list(include_users=True))["usergroups"]
    assert {one["handle"]: one["user_count"] for one in groups} == {"engineers": 3, "sre": 2, "payments-owners": 1}
    channels = (await web.conversations_list(types="public_channel,im"))["channels"]
    assert [one["id"] for one in channels if one["is_im"]] == ["D0ANA", "D0BEN", "D0CARLA", "D0DORA"]
    assert (await web.conversations_open(users="U0BEN"))["channel"]["id"] == "D0BEN"
    assert len((await web.conversations_members(channel="C0OPS"))["members"]) == 5
    assert (await refused(web.users_info(user="U0NOBODY")))["error"] == "user_not_found"


async def test_the_bot_speaks_only_where_it_is(web: AsyncWebClient, people: People) -> None:
    channel = (await people.ok("members", user="ana", channel="#quiet"))["channel"]
    assert (await refused(web.chat_postMessage(channel=channel, text="hi")))["error"] == "not_in_channel"
    await web.conversations_join(channel=channel)
    await web.chat_postMessage(channel=channel, text="hi")


async def test_the_small_methods_answer(web: AsyncWebClient, people: People) -> None:
    sent = await people.say("look")
    place = {"channel": "C0OPS", "timestamp": sent["ts"]}
    await web.reactions_add(name="eyes", **place)
    reactions = (await web.reactions_get(**place))["message"]["reactions"]
    assert reactions == [{"name": "eyes", "users": [cast.BOT_USER_ID], "count": 1}]
    await web.reactions_remove(name="eyes", **place)
    await web.pins_add(**place)
    assert [one["message"]["ts"] for one in (await web.pins_list(channel="C0OPS"))["items"]] == [sent["ts"]]
    await web.pins_remove(**place)
    link = await web.chat_getPermalink(channel="C0OPS", message_ts=sent["ts"])
    assert link["permalink"].endswith(f"/archives/C0OPS/p{sent['ts'].replace('.', '')}")
    assert (await web.team_info())["team"]["id"] == cast.TEAM_ID
    assert (await web.bots_info(bot=cast.BOT_ID))["bot"]["user_id"] == cast.BOT_USER_ID
    assert (await web.users_getPresence(user="U0ANA"))["presence"] == "active"
    assert (await web.emoji_list())["emoji"] == {}
    assert (await web.api_test(foo="bar"))["args"] == {"foo": "bar"}


async def test_a_rate_limit_says_how_long_to_wait(web: AsyncWebClient, people: People) -> None:
    """S7"""
    await people.ok("faults", rate_limit={"method": "chat.update", "retry_after": 30, "times": 2})
    posted = await web.chat_postMessage(channel="C0OPS", text="not limited")
    for _ in range(2):
        with pytest.raises(SlackApiError) as refusal:
            await web.chat_update(channel="C0OPS", ts=posted["ts"], text="x")
        assert refusal.value.response.status_code == 429
        assert refusal.value.response["error"] == "ratelimited"
        assert refusal.value.response.headers["Retry-After"] == "30"
    await web.chat_update(channel="C0OPS", ts=posted["ts"], text="x")


async def test_a_lost_answer_is_a_call_that_was_done(web: AsyncWebClient, people: People) -> None:
    """S3: the connection is cut after the message was posted; its metadata is shown to who asks for it."""
    web.retry_handlers.clear()  # the SDK would post it a second time by itself
    await people.ok("faults", lose_answer={"method": "chat.postMessage", "times": 1})
    mark = {"event_type": "a", "event_payload": {"b": "c"}}
    with pytest.raises(ServerDisconnectedError):
        await web.chat_postMessage(channel="C0OPS", text="lost", metadata=mark)
    await web.chat_postMessage(channel="C0OPS", text="heard")
    heard, lost = (await web.conversations_history(channel="C0OPS", include_all_metadata=True))["messages"]
    assert (heard["text"], lost["text"], lost["metadata"]) == ("heard", "lost", mark)
    shown = (await web.conversations_history(channel="C0OPS"))["messages"]
    assert all("metadata" not in message for message in shown)
