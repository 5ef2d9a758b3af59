"""Slack took a message and its answer never came: the card stays one, and no press is lost (S3)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiohttp import ClientConnectorError, ServerDisconnectedError
from slack_sdk.errors import SlackApiError

from bot.app import Program
from bot.cards import Cards
from bot.work import unheard
from bot.writer import Writer
from tests.bot.scene import Json, Scene, button_ids, scene
from tests.bot.test_unwell_slack import Stumbling, refusal

ASK = "@twokey scale checkout to 5 in prod"
LOST = {"method": "chat.postMessage", "times": 1}


@pytest.fixture
async def blind(tmp_path: Path) -> AsyncIterator[Scene]:
    """A workspace that did not grant us to read what is said in channels: what the manifest asks for."""
    stumbling = Stumbling()
    stumbling.answers["conversations.history"] = [refusal("missing_scope")] * 50
    async with scene(tmp_path, stumbling.middleware) as slack:
        yield slack


async def cards(slack: Scene) -> list[Json]:
    return [m for m in await slack.bots() if m.get("attachments")]


async def noted(slack: Scene, program: Program, card: Json) -> None:
    """Waits until the store knows where the card is."""
    known = Cards(Writer(program.engine), slack.clock)
    await slack.until(lambda _: known.at(card["channel"], card["ts"]) is not None, "the card in the store")


@pytest.mark.parametrize("inside", [False, True])
async def test_a_card_whose_answer_was_lost_is_found_and_stays_the_one(slack: Scene, inside: bool) -> None:
    """S3: in the channel and in a thread, where we may read there."""
    async with slack.program() as program:
        await slack.post("faults", rate_limit={"method": "conversations.history", "retry_after": 1, "times": 1})
        above = {"thread_ts": await slack.say("dora", "checkout is slow")} if inside else {}
        await slack.post("faults", lose_answer=LOST)
        await slack.say("ana", ASK, **above)
        card = await slack.see("waiting for 1 of sre")
        await noted(slack, program, card)
        await slack.click("ben", card, "approve")
        done = await slack.see("✅ done", "asked by ana")
        await slack.see("Started: Scale checkout in prod.")
        assert [m["ts"] for m in await cards(slack)] == [done["ts"]] == [card["ts"]]


async def test_it_is_found_by_the_process_that_comes_after(slack: Scene) -> None:
    """S3 across a restart: that the answer was lost is remembered, and what happened since is shown in that message."""
    async with slack.program() as program:
        await slack.post("faults", rate_limit={"method": "conversations.history", "retry_after": 600, "times": 50})
        await slack.post("faults", lose_answer=LOST)
        await slack.say("ana", ASK)
        card = await slack.see("waiting for 1 of sre")
        (request,) = program.ledger.waiting()
        approver = next(a for a in program.gate.approvers(request) if a.user_id == "U0BEN")
        program.gate.decide(request.id, request.plan.digest, approver, approve=True)
        await slack.until(lambda _: bool(slack.hands.effects), "the run")
    await slack.post("faults", rate_limit={"method": "conversations.history", "retry_after": 1, "times": 0})
    async with slack.program():
        await slack.see("✅ done", "asked by ana")
        assert [m["ts"] for m in await cards(slack)] == [card["ts"]]


async def test_a_line_of_the_story_whose_answer_was_lost_is_told_once(slack: Scene) -> None:
    async with slack.program():
        await slack.say("ana", ASK)
        card = await slack.see("waiting for 1 of sre")
        await slack.post("faults", lose_answer=LOST)
        await slack.click("carla", card, "approve")
        await slack.see("Started: Scale checkout in prod.")
        assert [m["text"] for m in await slack.bots()].count("carla approved.") == 1


async def test_where_we_may_not_read_a_press_on_the_second_card_counts_and_the_second_gives_way(blind: Scene) -> None:
    """S3: both have buttons until somebody presses; then the unnoted one has none, and says where the other is."""
    async with blind.program():
        await blind.post("faults", lose_answer=LOST)
        await blind.say("ana", ASK)
        await blind.until(lambda s: len([m for m in s["messages"] if m.get("attachments")]) == 2, "a second card")
        stray, kept = await cards(blind)
        await blind.click("ben", stray, "approve")
        done = await blind.see("✅ done", "asked by ana")
        assert done["ts"] == kept["ts"]
        told = await blind.see("This card came twice", f"p{kept['ts'].replace('.', '')}")
        assert told["ts"] == stray["ts"]
        assert not button_ids(told)
        assert len(blind.hands.effects) == 1


async def test_a_press_on_the_only_card_makes_it_the_card(slack: Scene) -> None:
    """S3: nobody has found the message yet, and the card goes on where it was pressed."""
    async with slack.program() as program:
        await slack.post("faults", rate_limit={"method": "conversations.history", "retry_after": 600, "times": 50})
        await slack.post("faults", lose_answer=LOST)
        await slack.say("ana", ASK)
        card = await slack.see("waiting for 1 of sre")
        await slack.click("ben", card, "details")
        await noted(slack, program, card)
        await slack.click("carla", card, "approve")
        assert (await slack.see("✅ done", "asked by ana"))["ts"] == card["ts"]
        assert len(await cards(slack)) == 1


async def test_what_somebody_else_wrote_is_never_taken_for_ours(tmp_path: Path) -> None:
    """A3: another app's message with our metadata is not where the card goes on."""
    stumbling = Stumbling()
    async with scene(tmp_path, stumbling.middleware) as slack, slack.program() as program:
        await slack.post("faults", lose_answer=LOST)
        await slack.say("ana", ASK)
        await slack.until(lambda _: bool(program.ledger.waiting()), "the request")
        payload = {"request": program.ledger.waiting()[0].id, "part": "card"}
        forged = {"user": "U0DORA", "ts": "1.000001"}
        forged |= {"metadata": {"event_type": "twokey_request", "event_payload": payload}}  # type: ignore[dict-item]
        stumbling.answers["conversations.history"] = [{"ok": True, "messages": [forged]}] * 50
        await slack.until(lambda s: len([m for m in s["messages"] if m.get("attachments")]) == 2, "a second card")


def test_only_what_may_have_arrived_is_looked_for() -> None:
    """A refusal in words is an answer, and what was never sent never arrived."""

    def api(status: int, **body: object) -> SlackApiError:
        answer = SimpleNamespace(status_code=status, data=body or "<html>", headers={})
        return SlackApiError("", answer)  # type: ignore[no-untyped-call]

    assert unheard(ServerDisconnectedError())
    assert unheard(TimeoutError())
    assert unheard(api(502))
    assert unheard(api(200, ok=False, error="internal_error"))
    assert not unheard(api(200, ok=False, error="channel_not_found"))
    assert not unheard(ClientConnectorError(None, OSError()))  # type: ignore[arg-type]
