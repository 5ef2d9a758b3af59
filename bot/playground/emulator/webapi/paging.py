"""Slack's cursors."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from bot.playground.emulator.webapi.call import Call
from bot.playground.emulator.wire import ApiError, Json

MOST = 1000


def page(call: Call, name: str, items: Sequence[object], default: int) -> Json:
    """One page of `items` under `name`, with the cursor of the next. Raises invalid_cursor, invalid_limit."""
    limit = call.number("limit", default)
    if not 0 < limit <= MOST:
        raise ApiError("invalid_limit")
    start = _start(call.text("cursor"))
    end = start + limit
    following = base64.b64encode(f"next:{end}".encode()).decode() if end < len(items) else ""
    return {"ok": True, name: list(items[start:end]), "response_metadata": {"next_cursor": following}}


def _start(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        word, _, number = base64.b64decode(cursor, validate=True).decode().partition(":")
        start = int(number)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise ApiError("invalid_cursor") from None
    if word != "next" or start < 0:
        raise ApiError("invalid_cursor")
    return start
