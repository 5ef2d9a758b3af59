"""reactions.* and pins.*: marks on messages."""

from __future__ import annotations

from bot.playground import cast
from bot.playground.emulator.core import Core
from bot.playground.emulator.events import render_message
from bot.playground.emulator.marks import react, unreact
from bot.playground.emulator.webapi.call import Call, Method
from bot.playground.emulator.wire import ApiError, Json
from bot.playground.emulator.workspace import Message


def add(core: Core, call: Call) -> Json:
    """reactions.add"""
    react(core, _marked(core, call), cast.BOT_USER_ID, call.required("name", "invalid_name"))
    return {"ok": True}


def remove(core: Core, call: Call) -> Json:
    """reactions.remove"""
    unreact(core, _marked(core, call), cast.BOT_USER_ID, call.required("name", "invalid_name"))
    return {"ok": True}


def get(core: Core, call: Call) -> Json:
    """reactions.get"""
    message = _marked(core, call)
    shown = render_message(core.workspace, message)
    return {"ok": True, "type": "message", "channel": message.channel, "message": shown}


def pin(core: Core, call: Call) -> Json:
    """pins.add"""
    message = _marked(core, call)
    if message.pinned:
        raise ApiError("already_pinned")
    message.pinned = True
    return {"ok": True}


def unpin(core: Core, call: Call) -> Json:
    """pins.remove"""
    message = _marked(core, call)
    if not message.pinned:
        raise ApiError("no_pin")
    message.pinned = False
    return {"ok": True}


def pins(core: Core, call: Call) -> Json:
    """pins.list"""
    channel = core.workspace.conversation(call.required("channel", "channel_not_found")).id
    shown = [
        {"type": "message", "channel": channel, "message": render_message(core.workspace, one)}
        for one in core.workspace.messages(channel)
        if one.pinned
    ]
    return {"ok": True, "items": shown}


METHODS: dict[str, Method] = {
    "reactions.add": add,
    "reactions.remove": remove,
    "reactions.get": get,
    "pins.add": pin,
    "pins.remove": unpin,
    "pins.list": pins,
}


def _marked(core: Core, call: Call) -> Message:
    channel = core.workspace.conversation(call.required("channel", "channel_not_found")).id
    return core.workspace.message(channel, call.required("timestamp", "bad_timestamp"))
