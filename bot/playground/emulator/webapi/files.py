"""files.*: the upload in three steps (get an address, post the bytes, complete)."""

from __future__ import annotations

import mimetypes
import secrets

from bot.playground import cast
from bot.playground.emulator.composing import compose
from bot.playground.emulator.core import Core
from bot.playground.emulator.events import render_file
from bot.playground.emulator.webapi.call import Call, Method
from bot.playground.emulator.wire import ApiError, Json
from bot.playground.emulator.workspace import File, Message

MAX_ALT_TEXT = 1000  # docs.slack.dev, files.getUploadURLExternal


def upload_url(core: Core, call: Call) -> Json:
    """files.getUploadURLExternal"""
    name, length = call.required("filename"), call.number("length", 0)
    if length <= 0:
        raise ApiError("invalid_arguments", ["must be greater than 0 [json-pointer:/length]"])
    alt_text = call.text("alt_txt")
    if len(alt_text) > MAX_ALT_TEXT:
        raise ApiError("alt_txt_too_large")
    mimetype = mimetypes.guess_type(name)[0] or "application/octet-stream"
    created = int(core.clock.now().timestamp())
    bare = name.rpartition("/")[2] or "file"
    file = File("F" + secrets.token_hex(5).upper(), bare, bare, mimetype, alt_text, length, created)
    core.workspace.files[file.id] = file
    return {"ok": True, "upload_url": f"http://{call.host}/upload/v1/{file.id}", "file_id": file.id}


def complete(core: Core, call: Call) -> Json:
    """files.completeUploadExternal: shares the files in one message of each conversation named."""
    given = call.decoded("files")
    if not isinstance(given, list) or not given or not all(isinstance(one, dict) for one in given):
        raise ApiError("invalid_arguments", ["missing required field: files"])
    files = [_uploaded(core, str(one.get("id"))) for one in given]
    names = call.listed("channels") or call.listed("channel_id")
    places = [core.workspace.conversation(name) for name in names]
    if any(cast.BOT_USER_ID not in place.members for place in places):
        raise ApiError("not_in_channel")
    text = compose({"text": call.text("initial_comment"), "blocks": call.args.get("blocks")}, may_be_empty=True)
    for file, one in zip(files, given, strict=True):
        file.title, file.shared = str(one.get("title") or file.name), True
    thread_ts = call.text("thread_ts") or None
    for place in places:
        message = Message(place.id, core.workspace.stamp(), cast.BOT_USER_ID, text.text, text.blocks, files=files)
        message.thread_ts = thread_ts
        core.workspace.post(message)
    return {"ok": True, "files": [render_file(file) for file in files]}


def info(core: Core, call: Call) -> Json:
    """files.info"""
    file = core.workspace.files.get(call.required("file", "file_not_found"))
    if file is None or not file.shared:
        raise ApiError("file_not_found")
    return {"ok": True, "file": render_file(file), "comments": [], "response_metadata": {"next_cursor": ""}}


METHODS: dict[str, Method] = {
    "files.getUploadURLExternal": upload_url,
    "files.completeUploadExternal": complete,
    "files.info": info,
}


def _uploaded(core: Core, file_id: str) -> File:
    file = core.workspace.files.get(file_id)
    if file is None or file.content is None:
        raise ApiError("file_not_found")
    if file.shared:
        raise ApiError("file_already_completed")
    return file
