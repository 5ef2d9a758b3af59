"""chat.*: messages of the bot."""

from __future__ import annotations

import re

from bot.playground import cast
from bot.playground.emulator.composing import UPDATE_TEXT, Content, compose
from bot.playground.emulator.core import Core
from bot.playground.emulator.events import render_message
from bot.playground.emulator.webapi.call import Call, Method, missing
from bot.playground.emulator.wire import ApiError, Json
from bot.playground.emulator.workspace import Conversation, Message

TIMESTAMP = re.compile(r"\d{1,12}\.\d{6}")


def post_message(core: Core, call: Call) -> Json:
    """chat.postMessage"""
    conversation = _writable(core, call)
    content = compose(call.args)
    message = core.workspace.post(_message(core, call, conversation, content))
    return _posted(core, message, content)


def post_ephemeral(core: Core, call: Call) -> Json:
    """chat.postEphemeral: only this person sees it."""
    conversation = _writable(core, call)
    user = call.required("user")
    if user not in core.workspace.people:
        raise ApiError("user_not_found")
    if user not in conversation.members:
        raise ApiError("user_not_in_channel")
    content = compose(call.args)
    message = _message(core, call, conversation, content)
    message.ephemeral_to = user
    core.workspace.post(message)
    return {"ok": True, "message_ts": message.ts}


def update(core: Core, call: Call) -> Json:
    """chat.update: what is not given stays as it was; an empty list takes blocks or attachments away."""
    conversation, message = _own(core, call, "cant_update_message")
    content = compose(call.args, UPDATE_TEXT, may_be_empty=True)
    given = {name for name in ("text", "blocks", "attachments") if call.args.get(name) is not None}
    new = {name: getattr(content if name in given else message, name) for name in ("text", "blocks", "attachments")}
    if not given or not (any(new.values()) or message.files):
        raise ApiError("no_text")

    def revise(old: Message) -> None:
        old.text, old.blocks, old.attachments = new["text"], new["blocks"], new["attachments"]

    core.workspace.edit(message, cast.BOT_USER_ID, revise)
    shown = render_message(core.workspace, message)
    return {"ok": True, "channel": conversation.id, "ts": message.ts, "text": message.text, "message": shown}


def delete(core: Core, call: Call) -> Json:
    """chat.delete"""
    conversation, message = _own(core, call, "cant_delete_message")
    core.workspace.delete(message)
    return {"ok": True, "channel": conversation.id, "ts": message.ts}


def permalink(core: Core, call: Call) -> Json:
    """chat.getPermalink"""
    conversation = core.workspace.conversation(call.required("channel", "channel_not_found"))
    message = core.workspace.message(conversation.id, call.required("message_ts", "message_not_found"))
    link = f"http://{call.host}/archives/{conversation.id}/p{message.ts.replace('.', '')}"
    if message.thread_ts and message.thread_ts != message.ts:
        link += f"?thread_ts={message.thread_ts}&cid={conversation.id}"
    return {"ok": True, "channel": conversation.id, "permalink": link}


METHODS: dict[str, Method] = {
    "chat.postMessage": post_message,
    "chat.postEphemeral": post_ephemeral,
    "chat.update": update,
    "chat.delete": delete,
    "chat.getPermalink": permalink,
}


def _writable(core: Core, call: Call) -> Conversation:
    conversation = core.workspace.conversation(call.required("channel", "channel_not_found"))
    if cast.BOT_USER_ID not in conversation.members:
        raise ApiError("not_in_channel")
    return conversation


def _message(core: Core, call: Call, conversation: Conversation, content: Content) -> Message:
    thread_ts = call.text("thread_ts") or None
    if thread_ts and not TIMESTAMP.fullmatch(thread_ts):
        raise ApiError("invalid_thread_ts")
    metadata = call.decoded("metadata")
    if metadata is not None and not (isinstance(metadata, dict) and metadata.get("event_type")):
        raise ApiError("invalid_metadata_format")
    return Message(
        conversation.id,
        core.workspace.stamp(),
        cast.BOT_USER_ID,
        content.text,
        content.blocks,
        content.attachments,
        thread_ts=thread_ts,
        reply_broadcast=bool(thread_ts) and call.flag("reply_broadcast"),
        metadata=metadata if isinstance(metadata, dict) else None,
    )


def _posted(core: Core, message: Message, content: Content) -> Json:
    shown = render_message(core.workspace, message)
    answer: Json = {"ok": True, "channel": message.channel, "ts": message.ts, "message": shown}
    if content.warnings:
        answer["warning"] = ",".join(content.warnings)
        answer["response_metadata"] = {"warnings": list(content.warnings)}
    return answer


def _own(core: Core, call: Call, refusal: str) -> tuple[Conversation, Message]:
    if not call.text("ts"):
        raise missing("ts")
    conversation = core.workspace.conversation(call.required("channel", "channel_not_found"))
    message = core.workspace.message(conversation.id, call.text("ts"))
    if message.ephemeral_to is not None:
        raise ApiError("message_not_found")
    if not message.by_bot:
        raise ApiError(refusal)
    return conversation, message
