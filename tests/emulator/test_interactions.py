"""Clicks, menus, commands and response URLs, from the click to the acknowledgement."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from aiohttp import ClientSession
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.playground import cast
from bot.playground.emulator.wire import Json
from tests.emulator.conftest import IMPATIENT
from tests.emulator.doubles import People, Running, actions, button, section, socket
from tests.waiting import within


def option(value: str) -> Json:
    return {"text": {"type": "plain_text", "text": value.upper()}, "value": value}


@dataclass
class Card:
    """A message of the bot with something to press."""

    channel: str
    ts: str

    @property
    def place(self) -> Json:
        return {"channel": self.channel, "message_ts": self.ts}


async def card(web: AsyncWebClient, *blocks: Json, **more: object) -> Card:
    answer = await web.chat_postMessage(channel="C0OPS", text="a card", blocks=list(blocks), **more)  # type: ignore[arg-type]
    return Card(str(answer["channel"]), str(answer["ts"]))


async def test_a_click_carries_who_what_and_where(running: Running, people: People, web: AsyncWebClient) -> None:
    made = await card(web, section(), actions(button("Approve", "approve", value="r1:abc", style="primary")))
    async with socket(running, block_actions=None) as bot:
        await people.ok("actions", user="ben", **made.place, action_id="approve")
        frame = await bot.interaction()
    payload = frame["payload"]
    assert (frame["type"], payload["type"], payload["user"]["id"]) == ("interactive", "block_actions", "U0BEN")
    assert payload["channel"]["id"] == "C0OPS"
    assert payload["container"] == {
        "type": "message",
        "message_ts": made.ts,
        "channel_id": "C0OPS",
        "is_ephemeral": False,
    }
    assert payload["message"]["text"] == "a card"
    assert payload["actions"][0]["value"] == "r1:abc"
    assert payload["actions"][0]["block_id"] == payload["message"]["blocks"][1]["block_id"]
    assert payload["trigger_id"] and payload["response_url"].startswith(running.url)


async def test_buttons_in_attachments_work_and_say_so(running: Running, people: People, web: AsyncWebClient) -> None:
    bar = {"color": "#2eb67d", "blocks": [section("bar"), actions(button())]}
    made = await web.chat_postMessage(channel="C0OPS", text="card", attachments=[bar])
    async with socket(running, block_actions=None) as bot:
        await people.ok("actions", user="ben", channel="ops", message_ts=made["ts"], action_id="go")
        container = (await bot.interaction())["payload"]["container"]
    assert (container["type"], container["attachment_id"]) == ("message_attachment", 1)


async def test_a_value_tells_buttons_of_one_action_id_apart(
    running: Running, people: People, web: AsyncWebClient
) -> None:
    made = await card(web, actions(button(value="one")), actions(button(value="two")))
    async with socket(running, block_actions=None) as bot:
        await people.ok("actions", user="ben", **made.place, action_id="go", value="two")
        assert (await bot.interaction())["payload"]["actions"][0]["value"] == "two"
    status, answer = await people.do("actions", user="ben", **made.place, action_id="go", value="three")
    assert (status, answer["error"]) == (404, "no_such_element")


@pytest.mark.parametrize(
    ("element", "value", "expected"),
    [
        ({"type": "static_select", "options": [option("a"), option("b")]}, "b", {"selected_option": option("b")}),
        ({"type": "overflow", "options": [option("a"), option("b")]}, "a", {"selected_option": option("a")}),
        ({"type": "radio_buttons", "options": [option("a")]}, "a", {"selected_option": option("a")}),
        ({"type": "checkboxes", "options": [option("a"), option("b")]}, ["b"], {"selected_options": [option("b")]}),
        ({"type": "users_select"}, "U0BEN", {"selected_user": "U0BEN"}),
        ({"type": "channels_select"}, "C0OPS", {"selected_channel": "C0OPS"}),
        ({"type": "datepicker"}, "2026-11-22", {"selected_date": "2026-11-22"}),
        ({"type": "timepicker"}, "09:30", {"selected_time": "09:30"}),
        ({"type": "datetimepicker"}, 1795306991, {"selected_date_time": 1795306991}),
    ],
    ids=lambda value: value.get("type") if isinstance(value, dict) else None,
)
async def test_a_choice_travels_in_its_own_field(
    running: Running, people: People, web: AsyncWebClient, element: Json, value: object, expected: Json
) -> None:
    made = await card(web, actions({**element, "action_id": "pick"}, block_id="here"))
    async with socket(running, block_actions=None) as bot:
        await people.ok("actions", user="ben", **made.place, action_id="pick", value=value)
        payload = (await bot.interaction())["payload"]
    assert {name: payload["actions"][0][name] for name in expected} == expected
    if element["type"] != "overflow":
        assert payload["state"]["values"]["here"]["pick"] == {"type": element["type"], **expected}


async def test_an_option_that_is_not_offered_cannot_be_chosen(people: People, web: AsyncWebClient) -> None:
    made = await card(web, actions({"type": "static_select", "action_id": "pick", "options": [option("a")]}))
    status, answer = await people.do("actions", user="ben", **made.place, action_id="pick", value="z")
    assert (status, answer["error"]) == (400, "no_such_option")


async def test_a_time_that_is_none_cannot_be_chosen(people: People, web: AsyncWebClient) -> None:
    made = await card(web, actions({"type": "datetimepicker", "action_id": "when"}))
    status, answer = await people.do("actions", user="ben", **made.place, action_id="when", value="soon")
    assert (status, answer["error"]) == (400, "no_such_option")


@pytest.mark.parametrize("ack_timeout", [IMPATIENT])
async def test_a_click_that_nobody_acknowledges_is_reported_and_not_repeated(
    running: Running, people: People, web: AsyncWebClient
) -> None:
    """S1: after the time for acknowledgements the clicker hears `operation_timeout`."""
    made = await card(web, actions(button()))
    async with socket(running) as bot:
        status, answer = await people.do("actions", user="ben", **made.place, action_id="go")
        assert (status, answer["error"], answer["reason"]) == (504, "operation_timeout", "timeout")
        running.clock.advance(600)
        await people.say("afterwards")
        await within(lambda: any("afterwards" in str(frame) for frame in bot.envelopes()))
        assert len(bot.interactions()) == 1


async def test_a_click_without_a_bot_fails_at_once(people: People, web: AsyncWebClient) -> None:
    made = await card(web, actions(button()))
    status, answer = await people.do("actions", user="ben", **made.place, action_id="go")
    assert (status, answer["error"], answer["reason"]) == (504, "operation_timeout", "connection_failed")


async def test_what_another_person_sees_privately_cannot_be_clicked(
    running: Running, people: People, web: AsyncWebClient
) -> None:
    note = await web.chat_postEphemeral(channel="C0OPS", user="U0ANA", text="yours", blocks=[actions(button())])
    place = {"channel": "ops", "message_ts": note["message_ts"], "action_id": "go"}
    assert (await people.do("actions", user="ben", **place))[1]["error"] == "message_not_found"
    async with socket(running, block_actions=None) as bot:
        await people.ok("actions", user="ana", **place)
        payload = (await bot.interaction())["payload"]
    assert payload["container"]["is_ephemeral"] is True
    assert "message" not in payload


async def test_a_changed_message_has_no_old_buttons(people: People, web: AsyncWebClient) -> None:
    """S3: what chat.update took away cannot be clicked."""
    made = await card(web, actions(button()))
    await web.chat_update(channel="C0OPS", ts=made.ts, text="decided", blocks=[section("decided by ben")])
    status, answer = await people.do("actions", user="ben", **made.place, action_id="go")
    assert (status, answer["error"]) == (404, "no_such_element")


async def clicked_url(running: Running, people: People, made: Card) -> str:
    async with socket(running, block_actions=None) as bot:
        await people.ok("actions", user="ben", **made.place, action_id="go")
        return str((await bot.interaction())["payload"]["response_url"])


async def test_a_response_url_answers_privately_unless_told(
    running: Running, people: People, web: AsyncWebClient
) -> None:
    hook = AsyncWebhookClient(await clicked_url(running, people, await card(web, actions(button()))))
    assert (await hook.send(text="only you")).body == "ok"
    await hook.send(text="everybody", response_type="in_channel")
    private, public = (await people.messages())[-2:]
    assert (private["text"], private["ephemeral_to"]) == ("only you", "U0BEN")
    assert public["text"] == "everybody" and "ephemeral_to" not in public


async def test_a_response_url_replaces_and_deletes_its_message(
    running: Running, people: People, web: AsyncWebClient
) -> None:
    made = await card(web, actions(button()))
    hook = AsyncWebhookClient(await clicked_url(running, people, made))
    await hook.send(text="replaced", replace_original=True)
    assert [one["text"] for one in await people.messages()] == ["replaced"]
    await hook.send(delete_original=True)
    assert await people.messages() == []


async def test_a_response_url_is_good_for_five_uses(running: Running, people: People, web: AsyncWebClient) -> None:
    hook = AsyncWebhookClient(await clicked_url(running, people, await card(web, actions(button()))))
    assert [(await hook.send(text=f"{number}")).status_code for number in range(6)] == [200] * 5 + [404]


async def test_a_response_url_is_good_for_thirty_minutes(running: Running, people: People, web: AsyncWebClient) -> None:
    url = await clicked_url(running, people, await card(web, actions(button())))
    hook = AsyncWebhookClient(url)
    running.clock.advance(30 * 60 - 1)
    assert (await hook.send(text="in time")).status_code == 200
    running.clock.advance(2)
    assert (await hook.send(text="too late")).status_code == 404
    async with ClientSession() as session, session.post(f"{running.url}/response/guess", json={"text": "x"}) as answer:
        assert answer.status == 404


async def test_invalid_blocks_on_a_response_url_are_refused(
    running: Running, people: People, web: AsyncWebClient
) -> None:
    """S4"""
    hook = AsyncWebhookClient(await clicked_url(running, people, await card(web, actions(button()))))
    answer = await hook.send(text="x", blocks=[section("")])
    assert answer.status_code == 400 and "invalid_blocks" in answer.body


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (None, None),
        ({"text": "here you are"}, {"text": "here you are", "ephemeral_to": "U0ANA"}),
        ({"text": "for all", "response_type": "in_channel"}, {"text": "for all", "ephemeral_to": None}),
    ],
)
async def test_a_command_is_answered_in_its_acknowledgement(
    running: Running, people: People, answer: Json | None, shown: Json | None
) -> None:
    async with socket(running, slash_commands=answer) as bot:
        await people.ok("commands", user="ana", channel="ops", command="/twokey", text="status checkout in prod")
        frame = await bot.interaction()
    assert frame["accepts_response_payload"] is True
    payload = frame["payload"]
    assert (payload["command"], payload["text"]) == ("/twokey", "status checkout in prod")
    assert (payload["user_id"], payload["channel_name"], payload["team_id"]) == ("U0ANA", "ops", cast.TEAM_ID)
    messages = await people.messages()
    assert [{"text": one["text"], "ephemeral_to": one.get("ephemeral_to")} for one in messages] == (
        [shown] if shown else []
    )


async def test_a_command_answered_with_invalid_blocks_fails_for_the_person(running: Running, people: People) -> None:
    async with socket(running, slash_commands={"blocks": [section("")]}):
        status, answer = await people.do("commands", user="ana", channel="ops", command="twokey", text="help")
    assert (status, answer["error"]) == (400, "invalid_command_response")


async def test_an_external_menu_asks_the_bot_for_its_options(
    running: Running, people: People, web: AsyncWebClient
) -> None:
    made = await card(web, actions({"type": "external_select", "action_id": "find", "min_query_length": 2}))
    async with socket(running, block_suggestion={"options": [option("cart")]}, block_actions=None) as bot:
        offered = await people.ok("options", user="ana", **made.place, action_id="find", query="ca")
        assert offered["options"] == [option("cart")]
        await people.ok("actions", user="ana", **made.place, action_id="find", value="cart")
        assert (await bot.interaction(2))["payload"]["actions"][0]["selected_option"] == option("cart")
        assert bot.interactions()[0]["payload"]["value"] == "ca"
    assert (await people.do("options", user="ana", **made.place, action_id="find", query="c"))[1]["error"] == (
        "query_too_short"
    )
