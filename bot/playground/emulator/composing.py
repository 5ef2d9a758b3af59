"""Makes a message or a view out of what an app sent, and refuses what Slack would refuse."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from bot.playground.emulator.blockkit import check_message, check_view
from bot.playground.emulator.forms import with_ids
from bot.playground.emulator.wire import ApiError, Json

POST_TEXT = 40_000  # longer text is cut (docs.slack.dev, chat.postMessage, "Truncating content")
UPDATE_TEXT = 4_000  # longer text is refused (docs.slack.dev, chat.update)
MAX_ATTACHMENTS = 100
MAX_VIEW_BYTES = 250_000


@dataclass(frozen=True)
class Content:
    """What a message says."""

    text: str
    blocks: list[Json]
    attachments: list[Json]
    warnings: tuple[str, ...] = ()


def decoded(args: Mapping[str, object], name: str, error: str) -> object:
    """An argument that is JSON, or a string that holds JSON. Raises the ApiError named `error`."""
    value = args.get(name)
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    try:
        return json.loads(value)
    except ValueError:
        raise ApiError(error) from None


def compose(args: Mapping[str, object], max_text: int | None = None, may_be_empty: bool = False) -> Content:
    """Raises no_text, msg_too_long, invalid_blocks, invalid_blocks_format, invalid_attachments …"""
    text = args.get("text") or ""
    if not isinstance(text, str):
        raise ApiError("invalid_arguments", ["must be a string [json-pointer:/text]"])
    warnings: tuple[str, ...] = ()
    if max_text is not None and len(text) > max_text:
        raise ApiError("msg_too_long")
    if len(text) > POST_TEXT:
        text, warnings = text[:POST_TEXT], ("message_truncated",)
    blocks = _listed(decoded(args, "blocks", "invalid_blocks_format"), "invalid_blocks_format")
    attachments = _listed(decoded(args, "attachments", "invalid_attachments"), "invalid_attachments")
    if not text and not blocks and not attachments and not may_be_empty:
        raise ApiError("no_text")
    if len(attachments) > MAX_ATTACHMENTS:
        raise ApiError("too_many_attachments")
    check_message(blocks, attachments)
    numbered = [
        {**one, "id": number, **({"blocks": with_ids(one["blocks"])} if one.get("blocks") else {})}
        for number, one in enumerate(attachments, start=1)
    ]
    return Content(text, with_ids(blocks), numbered, warnings)


def compose_view(view: object, kinds: tuple[str, ...] = ("modal", "home")) -> Json:
    """Raises invalid_arguments naming what is wrong, view_too_large."""
    body = decoded({"view": view}, "view", "invalid_arguments")
    if not isinstance(body, dict):
        raise ApiError("invalid_arguments", ["missing required field: view"])
    if len(json.dumps(body)) > MAX_VIEW_BYTES:
        raise ApiError("view_too_large")
    check_view(body, kinds)
    return body


def _listed(value: object, error: str) -> list[Json]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ApiError(error)
    return value
