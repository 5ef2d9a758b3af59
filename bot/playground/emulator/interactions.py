"""What people do with the bot's messages and views, as payloads to the bot and the effect of its answers."""

from __future__ import annotations

from bot.playground import cast
from bot.playground.emulator import forms
from bot.playground.emulator.composing import compose, compose_view
from bot.playground.emulator.core import Core
from bot.playground.emulator.delivery import Ack, Failure, Kind
from bot.playground.emulator.events import render_message
from bot.playground.emulator.payloads import action, blocks_with, interaction, message_container
from bot.playground.emulator.views import View
from bot.playground.emulator.wire import VERIFICATION_TOKEN, ApiError, Json
from bot.playground.emulator.workspace import Conversation, Message

SUGGESTIONS = 100


class Interactions:
    """One person's click, submission or command at a time; each waits for the bot's acknowledgement.

    Everything raises ApiError: `operation_timeout` where the bot did not acknowledge in time.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._suggested: dict[tuple[str, str], list[Json]] = {}  # (message or view, action_id) -> options
        self._message_values: dict[tuple[str, str, str], Json] = {}  # (user, channel, ts) -> state values

    async def click(self, base: str, user: str, channel: str, ts: str, action_id: str, value: object) -> None:
        """Press or choose something in a message."""
        conversation, message = self._visible(user, channel, ts)
        blocks, attachment_id = blocks_with(message, action_id, value)
        block, element = forms.find(blocks, action_id, value)
        pressed = action(block, element, value, self._suggested.get((ts, action_id), ()), self._core.workspace.stamp())
        payload = self._payload("block_actions", user)
        payload |= {
            "container": message_container(message, attachment_id),
            "trigger_id": self._core.tickets.trigger(user),
            "channel": {"id": conversation.id, "name": "directmessage" if conversation.is_im else conversation.name},
            "state": {"values": self._message_state(user, message, block, pressed)},
            "response_url": f"{base}/response/{self._core.tickets.reply(user, conversation.id, ts, message.thread_ts)}",
            "actions": [pressed],
        }
        if message.ephemeral_to is None:
            payload["message"] = render_message(self._core.workspace, message)
        await self._ask("interactive", payload)

    async def click_view(self, user: str, view_id: str, action_id: str, value: object) -> None:
        """Press or choose something in a modal or on the Home."""
        view = self._own_view(user, view_id)
        block, element = forms.find(view.body["blocks"], action_id, value)
        suggested = self._suggested.get((view_id, action_id), ())
        pressed = action(block, element, value, suggested, self._core.workspace.stamp())
        if element["type"] in forms.STATE_FIELDS:
            entered = forms.chosen(element, value, suggested)
            view.values.setdefault(block["block_id"], {})[action_id] = {"type": element["type"], **entered}
        if block["type"] == "input" and not block.get("dispatch_action"):
            return  # an input block keeps what was entered for the submission
        payload = self._payload("block_actions", user)
        payload |= {
            "container": {"type": "view", "view_id": view.id},
            "trigger_id": self._core.tickets.trigger(user, view.id),
            "view": view.render(),
            "actions": [pressed],
        }
        await self._ask("interactive", payload)

    async def suggest(self, user: str, place: Json, action_id: str, query: str) -> list[Json]:
        """The options that the bot offers for a menu with an external source (block_suggestion)."""
        payload = self._payload("block_suggestion", user)
        if place.get("view_id"):
            view = self._own_view(user, str(place["view_id"]))
            blocks, where = view.body["blocks"], view.id
            payload |= {"container": {"type": "view", "view_id": view.id}, "view": view.render()}
        else:
            conversation, message = self._visible(user, str(place.get("channel")), str(place.get("message_ts")))
            (blocks, attachment_id), where = blocks_with(message, action_id, None), message.ts
            payload |= {"container": message_container(message, attachment_id)}
            payload |= {"channel": {"id": conversation.id, "name": conversation.name}}
        block, element = forms.find(blocks, action_id)
        if element["type"] not in forms.EXTERNAL or len(query) < element.get("min_query_length", 3):
            raise ApiError("no_such_element" if element["type"] not in forms.EXTERNAL else "query_too_short")
        payload |= {"action_id": action_id, "block_id": block["block_id"], "value": query}
        answer = (await self._ask("interactive", payload)).payload or {}
        groups = answer.get("option_groups") or [{"options": answer.get("options") or []}]
        options = [option for group in groups for option in group.get("options", [])][:SUGGESTIONS]
        self._suggested[where, action_id] = options
        return options

    async def submit(self, user: str, view_id: str, values: Json) -> Json:
        """Press the modal's submit button; the bot's `response_action` is applied and returned."""
        view = self._top_view(user, view_id)
        self._enter(view, values)
        wrong = forms.complaints(view.body["blocks"], view.values)
        if wrong:
            return {"response_action": "errors", "errors": wrong}
        payload = self._payload("view_submission", user)
        payload |= {
            "trigger_id": self._core.tickets.trigger(user, view.id),
            "view": view.render(),
            "response_urls": [],
        }
        answer = (await self._ask("interactive", payload)).payload or {}
        return self._respond(view, answer)

    async def close(self, user: str, view_id: str) -> None:
        """Press the modal's close button; the bot hears of it if it asked to."""
        view = self._top_view(user, view_id)
        cleared = bool(view.body.get("clear_on_close"))
        for closed in self._core.views.close(view):
            if closed.body.get("notify_on_close"):
                payload = self._payload("view_closed", user)
                self._core.delivery.notify("interactive", payload | {"view": closed.render(), "is_cleared": cleared})

    async def command(self, base: str, user: str, channel: str, command: str, text: str) -> None:
        """Type a slash command; what the bot answers at once is posted."""
        conversation = self._reachable(user, channel)
        person = self._core.workspace.people[user]
        payload: Json = {
            "token": VERIFICATION_TOKEN,
            "team_id": cast.TEAM_ID,
            "team_domain": "playground",
            "channel_id": conversation.id,
            "channel_name": "directmessage" if conversation.is_im else conversation.name,
            "user_id": user,
            "user_name": person.name,
            "command": command,
            "text": text,
            "api_app_id": cast.APP_ID,
            "is_enterprise_install": "false",
            "response_url": f"{base}/response/{self._core.tickets.reply(user, conversation.id)}",
            "trigger_id": self._core.tickets.trigger(user),
        }
        answer = (await self._ask("slash_commands", payload)).payload
        if answer:
            try:
                self.answer(user, conversation.id, None, answer)
            except ApiError as refusal:
                raise ApiError("invalid_command_response", [refusal.error, *refusal.messages]) from None

    def answer(self, user: str, channel: str, thread_ts: str | None, args: Json) -> Message:
        """Post what the bot answered to a command or on a response URL, privately unless it says `in_channel`."""
        content = compose(args)
        private = args.get("response_type", "ephemeral") != "in_channel"
        return self._core.workspace.post(
            Message(
                channel,
                self._core.workspace.stamp(),
                cast.BOT_USER_ID,
                content.text,
                content.blocks,
                content.attachments,
                thread_ts=thread_ts,
                ephemeral_to=user if private else None,
            )
        )

    # -- finding -------------------------------------------------------------------------------

    def _reachable(self, user: str, channel: str) -> Conversation:
        conversation = self._core.workspace.conversation(channel)
        if user not in conversation.members:
            raise ApiError("not_in_channel")
        return conversation

    def _visible(self, user: str, channel: str, ts: str) -> tuple[Conversation, Message]:
        conversation = self._reachable(user, channel)
        message = self._core.workspace.message(conversation.id, ts)
        if message.ephemeral_to not in (None, user):
            raise ApiError("message_not_found")
        return conversation, message

    def _own_view(self, user: str, view_id: str) -> View:
        for view in self._core.views.all():
            if view.id == view_id and view.user == user:
                return view
        raise ApiError("not_found")

    def _top_view(self, user: str, view_id: str) -> View:
        view = self._own_view(user, view_id)
        stack = self._core.views.stack(user)
        if not stack or stack[-1] is not view:
            raise ApiError("view_not_on_top")
        return view

    # -- saying --------------------------------------------------------------------------------

    def _payload(self, kind: str, user: str) -> Json:
        return interaction(kind, self._core.workspace.people[user])

    async def _ask(self, kind: Kind, payload: Json) -> Ack:
        answer = await self._core.delivery.ask(kind, payload)
        if isinstance(answer, Failure):
            raise ApiError("operation_timeout", reason=answer.reason)
        return answer

    def _enter(self, view: View, values: Json) -> None:
        """`values` is keyed by block_id or action_id, or is shaped like a view's state."""
        for block in view.body["blocks"]:
            for element in forms.elements_of(block):
                if element["type"] not in forms.STATE_FIELDS:
                    continue
                action_id, block_id = element["action_id"], block["block_id"]
                given = next((values[name] for name in (block_id, action_id) if name in values), ...)
                if given is ...:
                    continue
                if isinstance(given, dict) and action_id in given:
                    given = given[action_id]
                state = forms.chosen(element, given, self._suggested.get((view.id, action_id), ()))
                view.values.setdefault(block_id, {})[action_id] = {"type": element["type"], **state}

    def _respond(self, view: View, answer: Json) -> Json:
        action = answer.get("response_action")
        views = self._core.views
        if view not in views.stack(view.user):
            raise ApiError("not_found")  # closed or submitted a second time while the bot was thinking
        if action == "errors":
            return {"response_action": "errors", "errors": _known_errors(view, answer.get("errors"))}
        if action == "update":
            views.update(view, compose_view(answer.get("view"), ("modal",)))
        elif action == "push":
            views.push(view.user, compose_view(answer.get("view"), ("modal",)))
        elif action in (None, "clear"):
            views.done(view, clear=action == "clear")
        else:
            raise ApiError("invalid_response_action")
        return {"response_action": action}

    def _message_state(self, user: str, message: Message, block: Json, pressed: Json) -> Json:
        key = (user, message.channel, message.ts)
        blocks = [*message.blocks, *(one for item in message.attachments for one in item.get("blocks", []))]
        values = forms.keep_values(blocks, self._message_values.get(key, {}))
        if pressed["type"] in forms.STATE_FIELDS:
            field = forms.STATE_FIELDS[pressed["type"]][0]
            state = {"type": pressed["type"], field: pressed.get(field)}
            values.setdefault(block["block_id"], {})[pressed["action_id"]] = state
        self._message_values[key] = values
        return values


def _known_errors(view: View, errors: object) -> Json:
    """Slack shows an error only beside an input block of the view; anything else is the app's mistake."""
    inputs = {block["block_id"] for block in view.body["blocks"] if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
        raise ApiError("invalid_response_errors", known=sorted(inputs))
    return errors
