"""auth.test, api.test, apps.connections.open, team.info, bots.info, emoji.list."""

from __future__ import annotations

from bot.playground import cast
from bot.playground.emulator.core import Core
from bot.playground.emulator.events import bot_profile
from bot.playground.emulator.webapi.call import Call, Method
from bot.playground.emulator.wire import ApiError, Json


def auth(core: Core, call: Call) -> Json:
    """auth.test"""
    return {
        "ok": True,
        "url": f"http://{call.host}/",
        "team": "Playground",
        "user": cast.BOT_NAME,
        "team_id": cast.TEAM_ID,
        "user_id": cast.BOT_USER_ID,
        "bot_id": cast.BOT_ID,
        "app_id": cast.APP_ID,
        "is_enterprise_install": False,
    }


def api(core: Core, call: Call) -> Json:
    """api.test: says the arguments back."""
    if call.text("error"):
        raise ApiError(call.text("error"), args=call.args)
    return {"ok": True, "args": call.args}


def connect(core: Core, call: Call) -> Json:
    """apps.connections.open"""
    return {"ok": True, "url": core.sockets.open(call.host)}


def team(core: Core, call: Call) -> Json:
    """team.info"""
    return {"ok": True, "team": {"id": cast.TEAM_ID, "name": "Playground", "domain": "playground", "icon": {}}}


def bot(core: Core, call: Call) -> Json:
    """bots.info"""
    if call.text("bot", cast.BOT_ID) != cast.BOT_ID:
        raise ApiError("bot_not_found")
    return {"ok": True, "bot": {**bot_profile(), "user_id": cast.BOT_USER_ID}}


def emoji(core: Core, call: Call) -> Json:
    """emoji.list: no custom emoji."""
    return {"ok": True, "emoji": {}, "cache_ts": core.workspace.stamp()}


METHODS: dict[str, Method] = {
    "auth.test": auth,
    "api.test": api,
    "apps.connections.open": connect,
    "team.info": team,
    "bots.info": bot,
    "emoji.list": emoji,
}
