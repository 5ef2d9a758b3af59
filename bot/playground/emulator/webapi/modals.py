"""views.*: modals and Home tabs."""

from __future__ import annotations

from bot.playground.emulator.composing import compose_view
from bot.playground.emulator.core import Core
from bot.playground.emulator.tickets import Trigger
from bot.playground.emulator.views import View
from bot.playground.emulator.webapi.call import Call, Method
from bot.playground.emulator.wire import ApiError, Json


def open_(core: Core, call: Call) -> Json:
    """views.open"""
    body = compose_view(call.args.get("view"), ("modal",))
    return _shown(core.views.open(_trigger(core, call).user, body))


def push(core: Core, call: Call) -> Json:
    """views.push: needs a trigger from inside a modal."""
    body = compose_view(call.args.get("view"), ("modal",))
    trigger = _trigger(core, call)
    if trigger.view_id is None:
        raise ApiError("not_found")
    return _shown(core.views.push(trigger.user, body))


def update(core: Core, call: Call) -> Json:
    """views.update"""
    body = compose_view(call.args.get("view"))
    view = core.views.get(call.text("view_id") or call.required("external_id", "not_found"))
    if view.body["type"] != body["type"]:
        raise ApiError("invalid_arguments", ["the type of a view cannot change [json-pointer:/view/type]"])
    return _shown(core.views.update(view, body, call.text("hash")))


def publish(core: Core, call: Call) -> Json:
    """views.publish"""
    body = compose_view(call.args.get("view"), ("home",))
    user = call.required("user_id")
    if user not in core.workspace.people:
        raise ApiError("invalid_arguments", ["user_not_found [json-pointer:/user_id]"])
    return _shown(core.views.publish(user, body, call.text("hash")))


METHODS: dict[str, Method] = {
    "views.open": open_,
    "views.push": push,
    "views.update": update,
    "views.publish": publish,
}


def _trigger(core: Core, call: Call) -> Trigger:
    return core.tickets.redeem(call.text("trigger_id") or call.required("interactivity_pointer"))


def _shown(view: View) -> Json:
    return {"ok": True, "view": view.render()}
