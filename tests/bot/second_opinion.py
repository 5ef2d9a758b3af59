"""Block Kit's rules once more, written from Slack's reference and independent of the code that makes the blocks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_TEXT = {"section": 3000, "header": 150, "button": 75, "label": 2000, "hint": 2000, "placeholder": 150}
_KNOWN = {"section", "header", "context", "actions", "divider", "rich_text", "table", "input", "image"}


def complaints(payload: dict[str, Any]) -> list[str]:
    """Everything in a message or view that Slack would refuse."""
    found: list[str] = []
    json.dumps(payload).encode()
    if payload.get("type") in {"modal", "home"}:
        found += _view(payload)
        groups, most = [payload["blocks"]], 100
    else:
        if not 0 < len(payload["text"]) <= 4000:
            found.append(f"text of {len(payload['text'])} characters")
        groups, most = [payload["blocks"], *(a["blocks"] for a in payload["attachments"])], 50
    blocks = [b for g in groups for b in g]
    if len(blocks) > most or not blocks:
        found.append(f"{len(blocks)} blocks")
    ids = [b["block_id"] for b in blocks if "block_id" in b]
    if len(ids) != len(set(ids)) or any(not 0 < len(i) <= 255 for i in ids):
        found.append("block ids repeat or are too long")
    if sum(b["type"] == "table" for b in blocks) > 1:
        found.append("two tables")
    for block in blocks:
        found += _block(block)
    return found


def _view(view: dict[str, Any]) -> Iterator[str]:
    if len(view.get("private_metadata", "")) > 3000:
        yield "private_metadata"
    for name in ("title", "submit", "close"):
        if name in view and not 0 < len(view[name]["text"]) <= 24:
            yield name


def _block(block: dict[str, Any]) -> Iterator[str]:
    kind = block["type"]
    if kind not in _KNOWN:
        yield f"unknown block {kind}"
    if kind in {"section", "header"}:
        yield from _text(block["text"], _TEXT[kind], kind)
    if kind == "context":
        if not 0 < len(block["elements"]) <= 10:
            yield "context elements"
        for element in block["elements"]:
            yield from _text(element, 2000, kind)
    if kind == "actions":
        yield from _actions(block)
    if kind == "input":
        yield from _text(block["label"], 2000, "label")
        yield from _element(block["element"])
    if kind == "rich_text":
        yield from _rich(block)
    if kind == "table":
        yield from _table(block)


def _actions(block: dict[str, Any]) -> Iterator[str]:
    ids = [e["action_id"] for e in block["elements"]]
    if not 0 < len(ids) <= 25 or len(ids) != len(set(ids)):
        yield f"actions {ids}"
    for element in block["elements"]:
        yield from _element(element)


def _text(text: dict[str, Any], limit: int, where: str) -> Iterator[str]:
    if not 0 < len(text["text"]) <= limit or not text["text"].strip():
        yield f"{where}: {len(text['text'])} characters"


def _overflow(options: list[dict[str, Any]]) -> Iterator[str]:
    if not 1 <= len(options) <= 5 or any(len(o["value"]) > 150 for o in options):
        yield "overflow menu"
    for option in options:
        yield from _text(option["text"], 75, "overflow option")


def _element(element: dict[str, Any]) -> Iterator[str]:
    if len(element["action_id"]) > 255:
        yield "action_id"
    if element["type"] == "button":
        yield from _text(element["text"], 75, "button")
        if len(element["value"]) > 2000 or not 0 < len(element.get("accessibility_label", "")) <= 75:
            yield "button value or label"
        if "confirm" in element:
            yield from _text(element["confirm"]["text"], 300, "confirm")
            yield from _text(element["confirm"]["title"], 100, "confirm title")
    if element["type"] == "overflow":
        yield from _overflow(element["options"])
    if element["type"] == "static_select":
        if not 0 < len(element["options"]) <= 100:
            yield "options"
        for option in element["options"]:
            yield from _text(option["text"], 75, "option")
            if not 0 < len(option["value"]) <= 75:
                yield "option value"


def _rich(block: dict[str, Any]) -> Iterator[str]:
    if not block["elements"]:
        yield "empty rich text"
    for part in block["elements"]:
        if not part["elements"]:
            yield "empty part of rich text"
        for element in part["elements"]:
            if element["type"] == "text" and not 0 < len(element["text"]) <= 3000:
                yield "rich text run"


def _table(block: dict[str, Any]) -> Iterator[str]:
    rows = block["rows"]
    if not 0 < len(rows) <= 100 or not all(0 < len(r) <= 20 for r in rows):
        yield "table size"
    texts = [_cell(cell) for row in rows for cell in row]
    if sum(map(len, texts)) > 10_000 or not all(texts):
        yield "table text"
    for cell in (cell for row in rows for cell in row if cell["type"] == "rich_text"):
        yield from _block(cell)


def _cell(cell: dict[str, Any]) -> str:
    if cell["type"] == "raw_text":
        return str(cell["text"])
    return "".join(str(e.get("text") or e["fallback"]) for part in cell["elements"] for e in part["elements"])
