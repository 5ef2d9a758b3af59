"""What the bot is told: messages as they look on the wire, and the events around them. Pure functions."""

from __future__ import annotations

import secrets

from bot.playground import cast
from bot.playground.emulator.typing_in import as_rich_text
from bot.playground.emulator.wire import VERIFICATION_TOKEN, Json
from bot.playground.emulator.workspace import Change, Conversation, File, Message, Workspace


def event_callback(event: Json, seconds: float) -> Json:
    """The outer shape of an event; its id is new and stays the same over redeliveries."""
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": cast.TEAM_ID,
        "api_app_id": cast.APP_ID,
        "event": event,
        "type": "event_callback",
        "event_id": "Ev" + secrets.token_hex(6).upper(),
        "event_time": int(seconds),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": cast.TEAM_ID,
                "user_id": cast.BOT_USER_ID,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": "4-" + secrets.token_urlsafe(24),
    }


def render_file(file: File) -> Json:
    """A file as messages and `files.info` show it."""
    path = f"/files/{file.id}/{file.name}"
    return {
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title,
        "mimetype": file.mimetype,
        "filetype": file.name.rpartition(".")[2].lower(),
        "user": cast.BOT_USER_ID,
        "size": file.length,
        "mode": "hosted",
        "is_external": False,
        "is_public": True,
        "alt_txt": file.alt_text,
        "alt_text": file.alt_text,
        "url": path,
        "url_private": path,
        "url_private_download": path,
        "permalink": path,
    }


def render_message(workspace: Workspace, message: Message) -> Json:
    """A message as `conversations.history` and events show it."""
    shown: Json = {
        "type": "message",
        "user": message.user,
        "ts": message.ts,
        "text": message.text,
        "team": cast.TEAM_ID,
    }
    if message.by_bot:
        shown |= {"bot_id": cast.BOT_ID, "app_id": cast.APP_ID, "bot_profile": bot_profile()}
    if message.client_msg_id:
        shown |= {"client_msg_id": message.client_msg_id, "blocks": as_rich_text(message.text)}
    for name in ("blocks", "attachments", "metadata"):
        if getattr(message, name):
            shown[name] = getattr(message, name)
    if message.files:
        shown["files"] = [render_file(file) for file in message.files]
        shown["upload"] = False
    if message.edited_ts:
        shown["edited"] = {"user": message.edited_by, "ts": message.edited_ts}
    if message.reactions:
        shown["reactions"] = render_reactions(message)
    if message.thread_ts:
        shown |= _thread(workspace, message)
    return shown


def render_reactions(message: Message) -> list[Json]:
    """The reactions of a message, in the order in which they came."""
    return [{"name": name, "users": users, "count": len(users)} for name, users in message.reactions.items()]


def bot_profile() -> Json:
    """Who speaks when the bot speaks."""
    return {
        "id": cast.BOT_ID,
        "app_id": cast.APP_ID,
        "name": cast.BOT_NAME,
        "deleted": False,
        "updated": 0,
        "team_id": cast.TEAM_ID,
    }


def message_events(workspace: Workspace, change: Change) -> list[Json]:
    """The events of one change: none for private notes, `app_mention` beside `message` in channels."""
    message = change.message
    if message.ephemeral_to is not None:
        return []
    conversation = workspace.conversations[message.channel]
    if cast.BOT_USER_ID not in conversation.members:
        return []
    place = {"channel": message.channel, "channel_type": "im" if conversation.is_im else "channel"}
    if change.kind == "message":
        return _posted(workspace, conversation, message, place)
    event: Json = {"type": "message", "subtype": change.kind, "hidden": True, **place, "ts": workspace.stamp()}
    event["event_ts"] = event["ts"]
    if change.before is not None:
        event["previous_message"] = render_message(workspace, change.before)
    if change.kind == "message_changed":
        event["message"] = render_message(workspace, message)
    else:
        event["deleted_ts"] = message.ts
    return [event]


def _posted(workspace: Workspace, conversation: Conversation, message: Message, place: Json) -> list[Json]:
    shown = render_message(workspace, message) | {"event_ts": message.ts}
    if message.files:
        shown["subtype"] = "file_share"
    elif message.reply_broadcast:
        shown["subtype"] = "thread_broadcast"
    events = [shown | place]
    mentioned = f"<@{cast.BOT_USER_ID}>" in message.text or f"<@{cast.BOT_USER_ID}|" in message.text
    if mentioned and not conversation.is_im and not message.by_bot:
        mention = {name: value for name, value in shown.items() if name != "subtype"}
        events.append(mention | {"type": "app_mention", "channel": message.channel})
    return events


def _thread(workspace: Workspace, message: Message) -> Json:
    shown: Json = {"thread_ts": message.thread_ts}
    if message.ts == message.thread_ts:
        replies = workspace.replies(message.channel, message.ts)
        shown["reply_count"] = len(replies)
        shown["reply_users"] = list(dict.fromkeys(reply.user for reply in replies))
        shown["reply_users_count"] = len(shown["reply_users"])
        shown["latest_reply"] = replies[-1].ts if replies else message.ts
        return shown
    parent = workspace.find(message.channel, str(message.thread_ts))
    if parent is not None:
        shown["parent_user_id"] = parent.user
    return shown
