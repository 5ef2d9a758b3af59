"""Slack that refuses, stumbles or comes too late: people are told in a sentence, and nothing is lost."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from slack_sdk.web.async_client import AsyncWebClient

from actions.errors import ConfigError
from approvals.store import StoreDown
from bot.listeners import delivery
from bot.listeners.apology import Apologies
from bot.playground import cast
from bot.work import Work
from tests.bot.scene import Json, scene
from tests.waiting import PATIENCE


class Stumbling:
    """Stands before Slack and answers some calls in its place: an error of Slack's, or a page that is not Slack's."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Json | str]] = {}

    @property
    def middleware(self) -> Middleware:
        @web.middleware
        async def before(request: web.Request, handler: Handler) -> web.StreamResponse:
            waiting = self.answers.get(request.path.removeprefix("/api/"))
            if not waiting:
                return await handler(request)
            answer = waiting.pop(0)
            return web.Response(status=502, text=answer) if isinstance(answer, str) else web.json_response(answer)

        return before


def refusal(error: str) -> Json:
    return {"ok": False, "error": error}


async def test_a_card_comes_although_a_proxy_answered_with_a_page(tmp_path: Path) -> None:
    """S3: an answer that is not Slack's is no reason to lose a card."""
    stumbling = Stumbling()
    async with scene(tmp_path, stumbling.middleware) as slack, slack.program():
        stumbling.answers["chat.postMessage"] = ["<html>bad gateway</html>"]
        await slack.say("ana", "@twokey scale checkout to 5 in prod")
        await slack.see("waiting for 1 of sre")


async def test_an_answer_is_tried_again_where_slack_has_trouble(tmp_path: Path) -> None:
    stumbling = Stumbling()
    async with scene(tmp_path, stumbling.middleware) as slack, slack.program():
        stumbling.answers["chat.postMessage"] = ["<html>bad gateway</html>"]
        await slack.say("ana", "@twokey restart cart")
        await slack.see("in which environment?")


class Full:
    """A store that takes nothing."""

    def take(self, key: str, payload: Json | None = None) -> bool:
        raise StoreDown


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            {"event_id": "E1", "event": {"type": "app_mention", "user": "U0ANA", "channel": "C0OPS", "ts": "1.1"}},
            "Slack hands me your message again",
        ),
        (
            {"trigger_id": "T1", "command": "/twokey", "channel_id": "C0OPS", "user_id": "U0ANA"},
            "Try again in a minute",
        ),
        (
            {"trigger_id": "T2", "type": "block_actions", "user": {"id": "U0ANA"}, "channel": {"id": "C0OPS"}},
            "Try again in a minute",
        ),
    ],
)
async def test_with_a_store_that_takes_nothing_people_hear_of_it_once(tmp_path: Path, body: Json, said: str) -> None:
    """L1, S2: nothing is done without it, Slack delivers again, and whoever spoke or pressed knows why they wait."""
    async with scene(tmp_path) as slack:
        client, work = AsyncWebClient(cast.BOT_TOKEN, base_url=f"{slack.url}/api/"), Work()
        heard = delivery.middleware(Full(), "U0TWOKEY", Apologies(client, work).make)  # type: ignore[arg-type]

        async def never() -> None:
            raise AssertionError("it was worked on")

        for _ in range(3):
            answer = await heard(body, never)
            assert answer is not None
            assert answer.status == 503
        await work.finish(PATIENCE)
        (told,) = await slack.bots()
        assert (told["ephemeral_to"], said in told["text"]) == ("U0ANA", True)


async def test_details_that_were_closed_meanwhile_are_no_news(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    stumbling = Stumbling()
    async with scene(tmp_path, stumbling.middleware) as slack:
        async with slack.program():
            await slack.say("ana", "@twokey scale checkout to 5 in prod")
            card = await slack.see("waiting for 1 of sre")
            stumbling.answers["views.update"] = [refusal("not_found")]
            await slack.click("ben", card, "details")
            await slack.until(lambda _: not stumbling.answers["views.update"], "the update")
        assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_who_presses_too_late_for_slack_is_told_to_press_again(tmp_path: Path) -> None:
    stumbling = Stumbling()
    async with scene(tmp_path, stumbling.middleware) as slack, slack.program():
        await slack.say("ana", "@twokey scale checkout to 5 in prod")
        card = await slack.see("waiting for 1 of sre")
        stumbling.answers["views.open"] = [refusal("expired_trigger_id")]
        await slack.click("ben", card, "deny")
        said = await slack.see("Press it again")
        assert said["ephemeral_to"] == "U0BEN"


async def test_an_app_token_that_slack_refuses_ends_the_start_in_a_sentence(tmp_path: Path) -> None:
    """The SDK alone would try for ever."""
    stumbling = Stumbling()
    stumbling.answers["apps.connections.open"] = [refusal("invalid_auth")] * 2
    async with scene(tmp_path, stumbling.middleware) as slack:
        with pytest.raises(ConfigError, match="SLACK_APP_TOKEN: Slack opens no connection"):
            async with slack.program():
                """It does not come to this."""
