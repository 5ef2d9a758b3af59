"""Modals and Home: triggers, the stack, hashes, submissions and what the bot answers to them."""

from __future__ import annotations

import asyncio

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.emulator.wire import Json
from tests.emulator.conftest import IMPATIENT
from tests.emulator.doubles import People, Running, actions, button, modal, question, section, socket
from tests.waiting import within

HOME: Json = {"type": "home", "blocks": [section("hello"), actions(button())]}


async def trigger(running: Running, people: People, user: str = "ana") -> str:
    """From a slash command, which anybody can type at any time."""
    async with socket(running, slash_commands=None) as bot:
        await people.ok("commands", user=user, channel="ops", command="/twokey", text="")
        return str((await bot.next())["payload"]["trigger_id"])


async def opened(running: Running, people: People, web: AsyncWebClient, view: Json) -> Json:
    answer = await web.views_open(trigger_id=await trigger(running, people), view=view)
    made: Json = answer["view"]
    return made


async def inside(running: Running, people: People, view_id: str) -> str:
    """A trigger from a click inside a modal."""
    async with socket(running, block_actions=None) as bot:
        await people.ok("actions", user="ana", view_id=view_id, action_id="go")
        return str((await bot.next())["payload"]["trigger_id"])


async def open_views(people: People) -> list[Json]:
    return list((await people.state())["views"])


async def test_a_trigger_opens_one_view_within_three_seconds(
    running: Running, people: People, web: AsyncWebClient
) -> None:
    ticket = await trigger(running, people)
    await web.views_open(trigger_id=ticket, view=modal(question()))
    late = await trigger(running, people)
    running.clock.advance(3.1)
    for bad, error in ((ticket, "exchanged"), (late, "expired"), ("1.2.abc", "invalid")):
        with pytest.raises(SlackApiError) as refusal:
            await web.views_open(trigger_id=bad, view=modal(question()))
        assert refusal.value.response["error"] == f"{error}_trigger_id"


async def test_a_stack_has_at_most_three_views(running: Running, people: People, web: AsyncWebClient) -> None:
    view = modal(actions(button()), title="One")
    top = await opened(running, people, web, view)
    for title in ("Two", "Three"):
        inner = await inside(running, people, top["id"])
        top = (await web.views_push(trigger_id=inner, view={**view, "title": {"type": "plain_text", "text": title}}))[
            "view"
        ]
    shown = await open_views(people)
    assert [one["title"]["text"] for one in shown] == ["One", "Two", "Three"]
    assert [one.get("previous_view_id") for one in shown] == [None, shown[0]["id"], shown[1]["id"]]
    assert {one["root_view_id"] for one in shown} == {shown[0]["id"]}
    with pytest.raises(SlackApiError) as refusal:
        await web.views_push(trigger_id=await inside(running, people, top["id"]), view=view)
    assert refusal.value.response["error"] == "push_limit_reached"


async def test_an_update_with_an_old_hash_is_a_conflict(running: Running, people: People, web: AsyncWebClient) -> None:
    first = await opened(running, people, web, modal(question(), external_id="form"))
    changed = await web.views_update(external_id="form", hash=first["hash"], view=modal(section("new"), question()))
    assert changed["view"]["hash"] != first["hash"]
    with pytest.raises(SlackApiError) as refusal:
        await web.views_update(view_id=first["id"], hash=first["hash"], view=modal(question()))
    assert refusal.value.response["error"] == "hash_conflict"


async def test_what_was_entered_survives_an_update(running: Running, people: People, web: AsyncWebClient) -> None:
    view = await opened(running, people, web, modal(question(), actions(button())))
    await people.ok("actions", user="ana", view_id=view["id"], action_id="text", value="half a sentence")
    answer = await web.views_update(view_id=view["id"], view=modal(question(), question("more"), section()))
    values = answer["view"]["state"]["values"]
    assert values["reason"]["text"]["value"] == "half a sentence"
    assert values["more"]["text"]["value"] is None


@pytest.mark.parametrize("values", [{"reason": "because"}, {"text": "because"}, {"reason": {"text": "because"}}])
async def test_a_submission_carries_what_was_entered_and_closes_the_view(
    running: Running, people: People, web: AsyncWebClient, values: Json
) -> None:
    view = await opened(running, people, web, modal(question(), private_metadata="r1"))
    async with socket(running, view_submission=None) as bot:
        answer = await people.ok("views", user="ana", view_id=view["id"], values=values)
        payload = (await bot.next())["payload"]
    assert answer["response_action"] is None
    assert payload["view"]["state"]["values"] == {"reason": {"text": {"type": "plain_text_input", "value": "because"}}}
    assert (payload["view"]["private_metadata"], payload["user"]["id"]) == ("r1", "U0ANA")
    assert await open_views(people) == []


async def test_errors_keep_the_view_open(running: Running, people: People, web: AsyncWebClient) -> None:
    view = await opened(running, people, web, modal(question()))
    refusal: Json = {"response_action": "errors", "errors": {"reason": "Say more."}}
    async with socket(running, view_submission=refusal):
        answer = await people.ok("views", user="ana", view_id=view["id"], values={"reason": "x"})
    assert (answer["response_action"], answer["errors"]) == ("errors", {"reason": "Say more."})
    assert len(await open_views(people)) == 1


async def test_errors_beside_blocks_that_do_not_exist_are_the_apps_mistake(
    running: Running, people: People, web: AsyncWebClient
) -> None:
    view = await opened(running, people, web, modal(question()))
    async with socket(running, view_submission={"response_action": "errors", "errors": {"elsewhere": "?"}}):
        status, answer = await people.do("views", user="ana", view_id=view["id"], values={"reason": "x"})
    assert (status, answer["error"], answer["known"]) == (400, "invalid_response_errors", ["reason"])


async def test_a_required_answer_is_asked_for_before_the_bot_hears_of_it(
    running: Running, people: People, web: AsyncWebClient
) -> None:
    view = await opened(running, people, web, modal(question(), question("note", "n", optional=True)))
    answer = await people.ok("views", user="ana", view_id=view["id"], values={})
    assert answer["errors"] == {"reason": "Please complete this required field."}


@pytest.mark.parametrize(
    ("answer", "titles"),
    [
        ({"response_action": "update", "view": modal(section(), title="Next")}, ["Next"]),
        ({"response_action": "push", "view": modal(section(), title="Next")}, ["Reason", "Next"]),
        ({"response_action": "clear"}, []),
    ],
    ids=["update", "push", "clear"],
)
async def test_the_answer_to_a_submission_changes_the_stack(
    running: Running, people: People, web: AsyncWebClient, answer: Json, titles: list[str]
) -> None:
    view = await opened(running, people, web, modal(question()))
    async with socket(running, view_submission=answer):
        await people.ok("views", user="ana", view_id=view["id"], values={"reason": "x"})
    assert [one["title"]["text"] for one in await open_views(people)] == titles


@pytest.mark.parametrize("ack_timeout", [IMPATIENT])
async def test_an_unacknowledged_submission_keeps_the_view_and_is_reported(
    running: Running, people: People, web: AsyncWebClient
) -> None:
    view = await opened(running, people, web, modal(question()))
    async with socket(running):
        status, answer = await people.do("views", user="ana", view_id=view["id"], values={"reason": "x"})
    assert (status, answer["error"]) == (504, "operation_timeout")
    assert len(await open_views(people)) == 1


@pytest.mark.parametrize("notify", [True, False])
async def test_closing_is_told_to_those_who_asked(
    running: Running, people: People, web: AsyncWebClient, notify: bool
) -> None:
    view = await opened(running, people, web, modal(question(), notify_on_close=notify))
    async with socket(running, view_closed=None, event_callback=None) as bot:
        await people.ok("views/close", user="ana", view_id=view["id"])
        await people.say("afterwards")
        first = (await bot.next())["payload"]
    assert (first["type"] == "view_closed") == notify
    assert await open_views(people) == []


@pytest.mark.parametrize(
    ("element", "value", "complaint"),
    [
        ({"type": "plain_text_input", "min_length": 3}, "ab", "Must be at least 3 characters."),
        ({"type": "plain_text_input", "max_length": 3}, "abcd", "Must be no longer than 3 characters."),
        ({"type": "number_input", "is_decimal_allowed": False}, "five", "Please enter a number."),
        ({"type": "number_input", "is_decimal_allowed": False}, "1.5", "Please enter a whole number."),
        ({"type": "number_input", "is_decimal_allowed": True, "min_value": "2"}, "1.5", "Must be 2 or more."),
        ({"type": "number_input", "is_decimal_allowed": False, "max_value": "9"}, "10", "Must be 9 or less."),
    ],
)
async def test_slacks_own_dialogue_checks_what_was_entered(
    running: Running, people: People, web: AsyncWebClient, element: Json, value: str, complaint: str
) -> None:
    view = await opened(running, people, web, modal(question(element={**element, "action_id": "text"})))
    answer = await people.ok("views", user="ana", view_id=view["id"], values={"reason": value})
    assert answer["errors"] == {"reason": complaint}


async def test_a_view_submitted_twice_at_once_is_done_once(
    running: Running, people: People, web: AsyncWebClient
) -> None:
    view = await opened(running, people, web, modal(question()))
    async with socket(running) as bot:
        twice = [
            asyncio.create_task(people.do("views", user="ana", view_id=view["id"], values={"reason": "x"}))
            for _ in range(2)
        ]
        for number in (1, 2):
            await bot.acknowledge(await bot.interaction(number))
        answers = [await one for one in twice]
    assert sorted(status for status, _ in answers) == [200, 404]


async def test_closing_does_not_wait_for_the_bot(running: Running, people: People, web: AsyncWebClient) -> None:
    view = await opened(running, people, web, modal(question(), notify_on_close=True))
    await people.ok("views/close", user="ana", view_id=view["id"])
    assert await open_views(people) == []


async def test_nobody_submits_another_persons_view(running: Running, people: People, web: AsyncWebClient) -> None:
    view = await opened(running, people, web, modal(question()))
    for deed in ("views", "views/close"):
        status, answer = await people.do(deed, user="ben", view_id=view["id"], values={"reason": "x"})
        assert (status, answer["error"]) == (404, "not_found")


async def test_home_is_asked_for_published_and_clicked(running: Running, people: People, web: AsyncWebClient) -> None:
    async with socket(running, event_callback=None, block_actions=None) as bot:
        await people.ok("home", user="ben")
        assert "view" not in (await bot.next())["payload"]["event"]
        await web.views_publish(user_id="U0BEN", view=HOME)
        await people.ok("home", user="ben")
        assert (await bot.next(2))["payload"]["event"]["view"]["type"] == "home"
        home = (await open_views(people))[0]
        assert (home["user"], home["type"]) == ("U0BEN", "home")
        await people.ok("actions", user="ben", view_id=home["id"], action_id="go")
        payload = (await bot.next(3))["payload"]
    assert payload["container"] == {"type": "view", "view_id": home["id"]}
    assert "response_url" not in payload
    await web.views_open(trigger_id=payload["trigger_id"], view=modal(question()))


async def test_an_invalid_view_is_refused_with_the_place(running: Running, people: People, web: AsyncWebClient) -> None:
    """S4"""
    with pytest.raises(SlackApiError) as refusal:
        await web.views_publish(user_id="U0BEN", view={"type": "home", "blocks": [section("")]})
    assert refusal.value.response["error"] == "invalid_arguments"
    places = refusal.value.response["response_metadata"]["messages"]
    assert "[ERROR] must be more than 0 characters [json-pointer:/view/blocks/0/text/text]" in places


async def test_the_page_hears_of_views(running: Running, people: People, web: AsyncWebClient) -> None:
    seen: list[str] = []
    running.emulator.core.feed.publish = lambda change: seen.append(change["type"])  # type: ignore[method-assign]
    view = await opened(running, people, web, modal(question()))
    await web.views_update(view_id=view["id"], view=modal(section()))
    await people.ok("views/close", user="ana", view_id=view["id"])
    await web.views_publish(user_id="U0BEN", view=HOME)
    await within(lambda: seen == ["view_opened", "view_updated", "view_closed", "home"])
