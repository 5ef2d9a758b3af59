"""Modals that were submitted: reasons, reviews, and the corrected arguments of an action."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from actions.errors import TwokeyError
from approvals.actor import Actor
from bot import forms
from bot.blocks import message as kit
from bot.listeners import replacing
from bot.listeners.desk import Desk, Place, actor_of


def register(app: AsyncApp, desk: Desk) -> None:
    """Wrong arguments are said in the form, before anything happens."""

    def on(callback: str, work: Callable[[Desk, dict[str, Any]], Coroutine[Any, Any, None]]) -> None:
        async def submitted(ack: AsyncAck, body: dict[str, Any]) -> None:
            await ack()
            desk.work.start(work(desk, body), callback)

        app.view(callback)(submitted)

    async def filled(ack: AsyncAck, body: dict[str, Any]) -> None:
        meta = json.loads(body["view"]["private_metadata"])
        partial = {**forms.partial(meta["verb"], _values(body["view"]), desk.registry), **meta.get("kept", {})}
        wrong = forms.complaints(desk.registry[str(partial["verb"])], desk.registry.wrong(partial))
        if wrong:
            await ack(response_action="errors", errors=wrong)
            return
        await ack()
        desk.work.start(_continue(desk, body, meta, partial), "form")

    on("deny", _deny)
    on("break_glass", _break_glass)
    on("review", _review)
    app.view("form")(filled)


async def _deny(desk: Desk, body: dict[str, Any]) -> None:
    await _reasoned(desk, body, lambda r, digest, actor, words: desk.gate.decide(r, digest, actor, False, words))


async def _break_glass(desk: Desk, body: dict[str, Any]) -> None:
    await _reasoned(desk, body, desk.gate.break_glass)


async def _review(desk: Desk, body: dict[str, Any]) -> None:
    await _reasoned(desk, body, lambda r, _digest, actor, words: desk.gate.review(r, actor, words))
    await desk.home.publish(actor_of(body, desk.team_id))


async def _reasoned(desk: Desk, body: dict[str, Any], deed: Callable[[str, str, Actor, str], object]) -> None:
    """Do what the form's words were for; who may not is told so in private."""
    meta = json.loads(body["view"]["private_metadata"])
    request_id, _, digest = str(meta["key"]).partition(":")
    words = _values(body["view"]).get("reason") or ""
    actor = actor_of(body, desk.team_id)
    try:
        await asyncio.to_thread(deed, request_id, digest, actor, words)
    except TwokeyError as error:
        place = Place(str(meta["channel"]), actor.user_id, thread=meta.get("thread"))
        await place.stages(desk.client).here.whisper(kit.say(error.say))


async def _continue(desk: Desk, body: dict[str, Any], meta: dict[str, Any], partial: dict[str, Any]) -> None:
    """Once a form, also where somebody sent it off again because the acknowledgement was lost (S2)."""
    form = f"form {body['view']['id']}"
    if not await asyncio.to_thread(desk.inbox.take, form):
        return
    actor = actor_of(body, desk.team_id)
    place = Place(str(meta["channel"]), actor.user_id, meta.get("ts"), meta.get("thread"))
    said = place.said(actor, f"trigger {body.get('trigger_id')}", None)
    stages = place.stages(desk.client)
    if not meta.get("request"):
        await desk.conversation.take_up(said, partial, stages)
    elif made := await replacing.replace(desk, said, partial, stages, str(meta["request"])):
        replaced = await asyncio.to_thread(desk.ledger.get, str(meta["request"]))
        delivery = str(replaced.origin.get("delivery"))
        await asyncio.to_thread(desk.readings.corrected, delivery, replaced.plan.action, made.plan.action)
    await desk.close(form)


def _values(view: dict[str, Any]) -> dict[str, str | None]:
    """What was entered, by argument."""
    found: dict[str, str | None] = {}
    for block_id, inputs in view["state"]["values"].items():
        for entered in inputs.values():
            option = entered.get("selected_option")
            found[block_id] = option["value"] if option else entered.get("value")
    return found
