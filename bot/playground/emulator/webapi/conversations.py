"""conversations.*: channels and direct messages."""

from __future__ import annotations

from collections.abc import Sequence

from bot.playground import cast
from bot.playground.emulator.core import Core
from bot.playground.emulator.events import render_message
from bot.playground.emulator.webapi.call import Call, Method
from bot.playground.emulator.webapi.paging import page
from bot.playground.emulator.wire import ApiError, Json
from bot.playground.emulator.workspace import Conversation, Message

DEFAULT_PAGE = 100


def list_(core: Core, call: Call) -> Json:
    """conversations.list"""
    types = call.listed("types") or ["public_channel"]
    wanted = [
        one for one in core.workspace.conversations.values() if ("im" if one.is_im else "public_channel") in types
    ]
    return page(call, "channels", [_render(one) for one in wanted], DEFAULT_PAGE)


def info(core: Core, call: Call) -> Json:
    """conversations.info"""
    conversation = _named(core, call)
    return {"ok": True, "channel": {**_render(conversation), "num_members": len(conversation.members)}}


def open_(core: Core, call: Call) -> Json:
    """conversations.open: the direct message with one person."""
    if call.text("channel"):
        conversation = _named(core, call)
    else:
        users = [user for user in call.listed("users") if user != cast.BOT_USER_ID]
        if not users:
            raise ApiError("users_list_not_supplied")
        if len(users) > 1 or users[0] not in core.workspace.people:
            raise ApiError("user_not_found" if len(users) == 1 else "too_many_users")
        conversation = core.workspace.direct(users[0])
    shown = _render(conversation) if call.flag("return_im") else {"id": conversation.id}
    return {"ok": True, "no_op": True, "already_open": True, "channel": shown}


def members(core: Core, call: Call) -> Json:
    """conversations.members"""
    return page(call, "members", sorted(_named(core, call).members), DEFAULT_PAGE)


def join(core: Core, call: Call) -> Json:
    """conversations.join"""
    conversation = _named(core, call)
    if conversation.is_im:
        raise ApiError("method_not_supported_for_channel_type")
    new = core.join(conversation, cast.BOT_USER_ID)
    answer: Json = {"ok": True, "channel": _render(conversation)}
    return answer if new else answer | {"warning": "already_in_channel"}


def history(core: Core, call: Call) -> Json:
    """conversations.history: the channel's own messages, newest first."""
    conversation = _readable(core, call)
    shown = [
        one
        for one in core.workspace.messages(conversation.id)
        if one.ephemeral_to is None and (one.thread_ts in (None, one.ts) or one.reply_broadcast)
    ]
    return _messages(core, call, shown[::-1])


def replies(core: Core, call: Call) -> Json:
    """conversations.replies: a thread, its first message first."""
    conversation = _readable(core, call)
    parent = core.workspace.find(conversation.id, call.required("ts"))
    if parent is None or parent.ephemeral_to is not None:
        raise ApiError("thread_not_found")
    root = parent.thread_ts or parent.ts
    first = core.workspace.find(conversation.id, root)
    thread = core.workspace.replies(conversation.id, root)
    return _messages(core, call, ([first] if first else []) + thread)


METHODS: dict[str, Method] = {
    "conversations.list": list_,
    "conversations.info": info,
    "conversations.open": open_,
    "conversations.members": members,
    "conversations.join": join,
    "conversations.history": history,
    "conversations.replies": replies,
}


def _named(core: Core, call: Call) -> Conversation:
    return core.workspace.conversation(call.required("channel", "channel_not_found"))


def _readable(core: Core, call: Call) -> Conversation:
    conversation = _named(core, call)
    if cast.BOT_USER_ID not in conversation.members:
        raise ApiError("not_in_channel")
    return conversation


def _messages(core: Core, call: Call, messages: Sequence[Message]) -> Json:
    oldest, latest = call.text("oldest", "0"), call.text("latest") or "inf"
    inclusive = call.flag("inclusive")
    try:
        low, high = float(oldest), float(latest)
    except ValueError:
        raise ApiError("invalid_ts_oldest") from None
    kept = [one for one in messages if low < float(one.ts) < high or (inclusive and float(one.ts) in (low, high))]
    hidden = set() if call.flag("include_all_metadata") else {"metadata"}
    shown = [{k: v for k, v in render_message(core.workspace, one).items() if k not in hidden} for one in kept]
    answer = page(call, "messages", shown, DEFAULT_PAGE)
    return {**answer, "has_more": bool(answer["response_metadata"]["next_cursor"]), "pin_count": 0}


def _render(conversation: Conversation) -> Json:
    shown: Json = {"id": conversation.id, "created": 0, "is_im": conversation.is_im, "is_archived": False}
    if conversation.is_im:
        return shown | {"user": conversation.user, "is_user_deleted": False, "is_open": True}
    return shown | {
        "name": conversation.name,
        "name_normalized": conversation.name,
        "is_channel": True,
        "is_group": False,
        "is_mpim": False,
        "is_private": False,
        "is_general": False,
        "is_shared": False,
        "is_member": cast.BOT_USER_ID in conversation.members,
        "creator": cast.BOT_USER_ID,
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": conversation.purpose, "creator": "", "last_set": 0},
        "num_members": len(conversation.members),
        "context_team_id": cast.TEAM_ID,
    }
