"""Buttons and menus. Every press is acknowledged at once; what it does comes after."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import JsonValue
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.errors import SlackApiError

from actions.errors import TwokeyError
from approvals.actor import Actor, DirectoryDown
from approvals.gate import DecisionRefused
from approvals.request import Request, State
from bot import forms, speech
from bot.blocks import amendment, emergency, evaluation, modals, questions
from bot.blocks import message as kit
from bot.blocks.card import Face
from bot.blocks.text import listed
from bot.conversation import Said
from bot.listeners import replacing, strays
from bot.listeners.desk import Desk, Place, actor_of, place_of
from bot.stage import SlackStage
from bot.threads import in_daemon
from bot.work import code_of

_TOO_LATE = {"expired_trigger_id", "trigger_expired", "exchanged_trigger_id", "trigger_exchanged"}

Press = Callable[[Desk, dict[str, Any], dict[str, Any]], Awaitable[None]]
"""Gets the desk, the payload and the action of it that was pressed."""


def register(app: AsyncApp, desk: Desk) -> None:
    """All buttons that the cards, questions and answers have."""

    def on(action_id: str | re.Pattern[str], press: Press, of_a_card: bool = False) -> None:
        async def pressed(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
            await ack()
            desk.work.start(_guarded(desk, body, action, press), f"press {action.get('action_id')}")
            if of_a_card and body.get("message"):
                desk.work.start(strays.settle(desk, body, _key(action)[0]), "a card that nobody noted")

        app.action(action_id)(pressed)

    for action_id, press in _OF_A_CARD.items():
        on(action_id, press, of_a_card=True)
    on("propose", _propose)
    on("held", _held)
    on("fill", _fill)
    on(re.compile(r"^do:\d+$"), _do)
    on(re.compile(rf"^{evaluation.SHOW}:\d+$"), _show)
    on(re.compile(r"^choose(:\d+)?$"), _choose)


async def explain(desk: Desk, body: dict[str, Any], text: str) -> None:
    """Tell the person who clicked, and nobody else."""
    place = await place_of(body, desk.client)
    await place.stages(desk.client).here.whisper(kit.say(text))


async def _guarded(desk: Desk, body: dict[str, Any], action: dict[str, Any], press: Press) -> None:
    try:
        await press(desk, body, action)
    except TwokeyError as error:
        await explain(desk, body, error.say)
    except SlackApiError as error:
        if code_of(error) not in _TOO_LATE:
            raise
        await explain(desk, body, "That took too long, and Slack opens nothing any more. Press it again.")


async def _approve(desk: Desk, body: dict[str, Any], action: dict[str, Any]) -> None:
    request_id, digest, actor = *_key(action), actor_of(body, desk.team_id)
    try:
        await asyncio.to_thread(desk.gate.decide, request_id, digest, actor, True)
    except DecisionRefused as error:
        request = await asyncio.to_thread(desk.ledger.get, request_id)
        who = await asyncio.to_thread(_others, desk, request, actor)
        await explain(desk, body, f"{error.say}{who}")
    await _refresh_home(desk, body, actor)


async def _propose(desk: Desk, body: dict[str, Any], action: dict[str, Any]) -> None:
    """Ask for a policy that is held back; its card takes the place of the message that offered it."""
    draft_id, _, where = str(action.get("value") or "").partition(":")
    place, actor = await place_of(body, desk.client), actor_of(body, desk.team_id)
    origin: dict[str, JsonValue] = {"channel": place.channel, "thread": place.thread}
    if where == amendment.HERE and place.ts:
        origin["message"] = place.ts
    await asyncio.to_thread(desk.gate.propose, draft_id, actor, origin)


async def _held(desk: Desk, body: dict[str, Any], action: dict[str, Any]) -> None:
    """Everything that would change, for who thinks of asking for it."""
    draft = await asyncio.to_thread(desk.gate.held, str(action.get("value") or ""))
    await desk.client.views_open(trigger_id=body["trigger_id"], view=amendment.details(draft))


async def _deny(desk: Desk, body: dict[str, Any], action: dict[str, Any]) -> None:
    request = await asyncio.to_thread(desk.ledger.get, _key(action)[0])
    if request.state not in {State.WAITING, State.READY}:
        await explain(desk, body, f"It is {request.state.value} already, so there is nothing to deny.")
        return
    await _ask_why(desk, body, action, modals.denial)


async def _break_glass(desk: Desk, body: dict[str, Any], action: dict[str, Any]) -> None:
    await _ask_why(desk, body, action, emergency.smash)


async def _review(desk: Desk, body: dict[str, Any], action: dict[str, Any]) -> None:
    await _ask_why(desk, body, action, emergency.review)


async def _ask_why(
    desk: Desk,
    body: dict[str, Any],
    action: dict[str, Any],
    form: Callable[[Request, Face, dict[str, JsonValue]], dict[str, Any]],
) -> None:
    """Open a form that asks for a few words; the gate says afterwards whether they may."""
    request = await asyncio.to_thread(desk.ledger.get, _key(action)[0])
    face = await asyncio.to_thread(desk.faces.of, request)
    place = await place_of(body, desk.client)
    view = form(request, face, {"channel": place.channel, "thread": place.thread})
    await desk.client.views_open(trigger_id=body["trigger_id"], view=view)


async def _withdraw(desk: Desk, body: dict[str, Any], action: dict[str, Any]) -> None:
    actor = actor_of(body, desk.team_id)
    await asyncio.to_thread(desk.gate.withdraw, _key(action)[0], actor)
    await _refresh_home(desk, body, actor)


async def _stop(desk: Desk, body: dict[str, Any], action: dict[str, Any]) -> None:
    await asyncio.to_thread(desk.gate.stop, _key(action)[0], actor_of(body, desk.team_id))
    await explain(desk, body, "I stop watching it. The change itself goes on.")


async def _details(desk: Desk, body: dict[str, Any], action: dict[str, Any]) -> None:
    """Opens at once; what has to be looked up follows."""
    request = await asyncio.to_thread(desk.ledger.get, _key(action)[0])
    face = await asyncio.to_thread(desk.faces.of, request)
    view = modals.details(request, face, modals.Background())
    opened = await desk.client.views_open(trigger_id=body["trigger_id"], view=view)
    actor = actor_of(body, desk.team_id)
    found = await in_daemon(lambda: desk.home.background(request, actor), f"details of {request.id}")
    try:
        await desk.client.views_update(view_id=opened["view"]["id"], view=modals.details(request, face, found))
    except SlackApiError as error:
        if code_of(error) != "not_found":  # closed meanwhile
            raise


async def _edit(desk: Desk, body: dict[str, Any], action: dict[str, Any]) -> None:
    request = await asyncio.to_thread(desk.ledger.get, _key(action)[0])
    if request.requester != actor_of(body, desk.team_id):
        await explain(
            desk, body, "Only the person who asked can edit this. You can deny it and say what should change."
        )
        return
    if request.state is not State.WAITING:
        await explain(desk, body, f"It is {request.state.value} already. Ask again instead.")
        return
    await _open_form(
        desk, body, dict(request.plan.action), "This makes a new card; the old one is withdrawn.", request.id
    )


async def _fill(desk: Desk, body: dict[str, Any], action: dict[str, Any]) -> None:
    await _open_form(desk, body, json.loads(action["value"])["action"], "What is still missing? A card comes next.")


async def _open_form(
    desk: Desk, body: dict[str, Any], so_far: dict[str, Any], say: str, request_id: str | None = None
) -> None:
    place = await place_of(body, desk.client)
    verb = desk.registry[str(so_far.get("verb", ""))]
    metadata: dict[str, Any] = {
        "verb": verb.verb,
        "request": request_id,
        "channel": place.channel,
        "thread": place.thread,
        "ts": place.ts,
        "kept": forms.kept(verb, so_far),
    }
    fields = forms.fields(verb, so_far, desk.catalog)
    view = modals.form(verb.verb.replace("_", " ").capitalize(), say, fields, metadata)
    await desk.client.views_open(trigger_id=body["trigger_id"], view=view)


async def _do(desk: Desk, body: dict[str, Any], action: dict[str, Any]) -> None:
    """A next step: a read answers below, a change gets a card of its own.

    What is offered in a request's place takes it where its own requester presses; for others it is a request beside it.
    """
    wanted, place = json.loads(action["value"]), await place_of(body, desk.client)
    if wanted.get("instead_of"):
        first = await asyncio.to_thread(desk.ledger.get, str(wanted["instead_of"]))
        if first.requester == actor_of(body, desk.team_id):
            said = await _said(desk, body, place)
            await replacing.replace(desk, said, wanted["action"], place.stages(desk.client), first.id)
            return
    await _take_up(desk, body, place, wanted["action"])


async def _show(desk: Desk, body: dict[str, Any], action: dict[str, Any]) -> None:
    """Brings what is kept of an eval's run into the thread."""
    run_id, _, position = str(action.get("value") or "").partition(":")
    pieces = await asyncio.to_thread(desk.ledger.proofs.evidence, run_id)
    if not position.isdecimal() or int(position) >= len(pieces):
        await explain(desk, body, "That is not kept any more. Run the eval again.")
        return
    found, stage = pieces[int(position)], (await place_of(body, desk.client)).stages(desk.client).below
    message = evaluation.piece(found)
    await (stage.show(message) if message else stage.attach(found))


async def _choose(desk: Desk, body: dict[str, Any], action: dict[str, Any]) -> None:
    """Completes the sentence, once a question."""
    label, partial = chosen(action)
    place = await place_of(body, desk.client)
    if place.ts and not await asyncio.to_thread(desk.inbox.take, f"answer {place.channel} {place.ts}"):
        return
    if place.ts:
        name = await asyncio.to_thread(desk.names.of, [place.user])
        text = speech.words(str((body.get("message") or {}).get("text") or ""), desk.bot_user_id)
        message = questions.chosen(text, label, name[place.user])
        await SlackStage(desk.client, place.channel, place.user, ts=place.ts).show(message)
    await _take_up(desk, body, place, partial)
    if place.ts:
        await desk.close(f"answer {place.channel} {place.ts}")


def chosen(action: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The label and the partial action of a pressed button or a chosen option."""
    option = action.get("selected_option")
    if option:
        return str(option["text"]["text"]), {**json.loads(action["block_id"]), **json.loads(option["value"])}
    return str(action["text"]["text"]), json.loads(action["value"])["action"]


async def _take_up(desk: Desk, body: dict[str, Any], place: Place, partial: dict[str, Any]) -> None:
    await desk.conversation.take_up(await _said(desk, body, place), partial, place.stages(desk.client))


async def _said(desk: Desk, body: dict[str, Any], place: Place) -> Said:
    name = await desk.channel_name(place)
    return place.said(actor_of(body, desk.team_id), f"trigger {body.get('trigger_id')}", name)


async def _refresh_home(desk: Desk, body: dict[str, Any], actor: Actor) -> None:
    if (body.get("view") or {}).get("type") == "home":
        await desk.home.publish(actor)


_OF_A_CARD: dict[str, Press] = {
    "approve": _approve,
    "deny": _deny,
    "withdraw": _withdraw,
    "break_glass": _break_glass,
    "review": _review,
    "stop": _stop,
    "details": _details,
    "edit": _edit,
}


def _others(desk: Desk, request: Request, actor: Actor) -> str:
    """Names those who can, for the requester who cannot."""
    if request.requester != actor or request.state is not State.WAITING:
        return ""
    try:
        able = desk.approvers(request)
    except DirectoryDown:
        return ""
    names = desk.names.of(a.user_id for a in able)
    return f" That is {listed(sorted(names.values()))}." if names else ""


def _key(action: dict[str, Any]) -> tuple[str, str]:
    """The request and the digest that a button carries, or the chosen entry of a "⋯" menu."""
    pressed = action.get("selected_option") or action
    request_id, _, digest = str(pressed.get("value") or "").partition(":")
    return request_id, digest
