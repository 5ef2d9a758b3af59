"""users.* and usergroups.*: who is there."""

from __future__ import annotations

from bot.playground import cast
from bot.playground.emulator.core import Core
from bot.playground.emulator.webapi.call import Call, Method
from bot.playground.emulator.webapi.paging import page
from bot.playground.emulator.wire import ApiError, Json

MAIL_DOMAIN = "playground.example"


def info(core: Core, call: Call) -> Json:
    """users.info"""
    user = call.required("user", "user_not_found")
    if user == cast.BOT_USER_ID:
        return {"ok": True, "user": _bot()}
    return {"ok": True, "user": _render(_person(core, user))}


def list_(core: Core, call: Call) -> Json:
    """users.list"""
    return page(call, "members", [_render(one) for one in core.workspace.people.values()] + [_bot()], 100)


def look_up(core: Core, call: Call) -> Json:
    """users.lookupByEmail"""
    name, _, domain = call.required("email", "users_not_found").partition("@")
    for person in core.workspace.people.values():
        if (person.name, MAIL_DOMAIN) == (name, domain):
            return {"ok": True, "user": _render(person)}
    raise ApiError("users_not_found")


def presence(core: Core, call: Call) -> Json:
    """users.getPresence: everybody is there."""
    return {"ok": True, "presence": "active"}


def profile(core: Core, call: Call) -> Json:
    """users.profile.get"""
    user = call.text("user") or cast.BOT_USER_ID
    shown = _bot() if user == cast.BOT_USER_ID else _render(_person(core, user))
    return {"ok": True, "profile": shown["profile"]}


def groups(core: Core, call: Call) -> Json:
    """usergroups.list"""
    shown = []
    for group in core.workspace.usergroups.values():
        one: Json = {"id": group.id, "team_id": cast.TEAM_ID, "is_usergroup": True, "handle": group.handle}
        one |= {"name": group.handle, "description": "", "date_delete": 0, "user_count": len(group.members)}
        if call.flag("include_users"):
            one["users"] = list(group.members)
        shown.append(one)
    return {"ok": True, "usergroups": shown}


def group_members(core: Core, call: Call) -> Json:
    """usergroups.users.list"""
    group = core.workspace.usergroups.get(call.required("usergroup", "no_such_subteam"))
    if group is None:
        raise ApiError("no_such_subteam")
    return {"ok": True, "users": list(group.members)}


METHODS: dict[str, Method] = {
    "users.info": info,
    "users.list": list_,
    "users.lookupByEmail": look_up,
    "users.getPresence": presence,
    "users.profile.get": profile,
    "usergroups.list": groups,
    "usergroups.users.list": group_members,
}


def _person(core: Core, user: str) -> cast.Person:
    if user not in core.workspace.people:
        raise ApiError("user_not_found")
    return core.workspace.people[user]


def _render(person: cast.Person) -> Json:
    return {
        "id": person.id,
        "team_id": cast.TEAM_ID,
        "name": person.name,
        "real_name": person.real_name,
        "deleted": False,
        "tz": person.time_zone,
        "tz_label": person.time_zone,
        "tz_offset": 7200,
        "is_admin": False,
        "is_owner": False,
        "is_bot": False,
        "is_app_user": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "updated": 0,
        "profile": {
            "title": person.title,
            "real_name": person.real_name,
            "real_name_normalized": person.real_name,
            "display_name": person.name,
            "display_name_normalized": person.name,
            "email": f"{person.name}@{MAIL_DOMAIN}",
            "team": cast.TEAM_ID,
        },
    }


def _bot() -> Json:
    shown = _render(cast.Person(cast.BOT_USER_ID, cast.BOT_NAME, "Twokey", ""))
    shown["profile"] |= {"api_app_id": cast.APP_ID, "bot_id": cast.BOT_ID, "email": None}
    return shown | {"is_bot": True}
