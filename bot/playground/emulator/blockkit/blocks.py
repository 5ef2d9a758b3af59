"""Blocks, and on which surfaces they may stand."""

from __future__ import annotations

from typing import Any

from bot.playground.emulator.blockkit.elements import (
    ELEMENTS,
    IN_ACTIONS,
    IN_CONTEXT_ACTIONS,
    IN_INPUT,
    IN_SECTION,
)
from bot.playground.emulator.blockkit.objects import SLACK_FILE, URL, plain, text
from bot.playground.emulator.blockkit.richtext import RICH_TEXT_ELEMENTS
from bot.playground.emulator.blockkit.rules import (
    Report,
    Rule,
    Shape,
    at_least_one,
    boolean,
    choice,
    each,
    exactly_one,
    integer,
    string,
    typed,
)

COMMON: dict[str, Rule] = {"block_id": string(255)}
CONTEXT_TEXT = text(2000)
CONTEXT_IMAGE = typed(ELEMENTS, {"image"})
TABLE_ROWS, TABLE_COLUMNS = 100, 20
CELLS: dict[str, Rule] = {
    "raw_text": Shape({"text": string(3000)}),
    "raw_number": Shape({"value": lambda value, pointer, report: None}, {"text": string(3000)}),
    "rich_text": Shape({"elements": RICH_TEXT_ELEMENTS}, COMMON),
}
COLUMN = Shape(optional={"align": choice("left", "center", "right"), "is_wrapped": boolean})


def _context_element(value: Any, pointer: str, report: Report) -> None:
    """An image or a text."""
    if isinstance(value, dict) and value.get("type") == "image":
        CONTEXT_IMAGE(value, pointer, report)
    elif isinstance(value, dict) and value.get("type") not in ("plain_text", "mrkdwn"):
        report.note(f"{pointer}/type", f"unsupported type: {value.get('type')}")
    else:
        CONTEXT_TEXT(value, pointer, report)


def _even_rows(value: Any, pointer: str, report: Report) -> None:
    rows = value.get("rows")
    widths = {len(row) for row in rows if isinstance(row, list)} if isinstance(rows, list) else set()
    if len(widths) > 1:
        report.note(f"{pointer}/rows", "all rows must have the same number of cells")


BLOCKS: dict[str, Rule] = {
    "section": Shape(
        optional={
            **COMMON,
            "text": text(3000),
            "fields": each(text(2000), 10),
            "accessory": typed(ELEMENTS, IN_SECTION),
            "expand": boolean,
        },
        whole=(at_least_one("text", "fields"),),
    ),
    "actions": Shape({"elements": each(typed(ELEMENTS, IN_ACTIONS), 25)}, COMMON),
    "context": Shape({"elements": each(_context_element, 10)}, COMMON),
    "context_actions": Shape({"elements": each(typed(ELEMENTS, IN_CONTEXT_ACTIONS), 5)}, COMMON),
    "divider": Shape(optional=COMMON),
    "header": Shape({"text": plain(150)}, {**COMMON, "level": integer(1, 4)}),
    "image": Shape(
        {"alt_text": string(2000)},
        {**COMMON, "image_url": URL, "slack_file": SLACK_FILE, "title": plain(2000)},
        (exactly_one("image_url", "slack_file"),),
    ),
    "input": Shape(
        {"label": plain(2000), "element": typed(ELEMENTS, IN_INPUT)},
        {**COMMON, "dispatch_action": boolean, "hint": plain(2000), "optional": boolean},
    ),
    "markdown": Shape({"text": string(12_000)}, COMMON),
    "rich_text": Shape({"elements": RICH_TEXT_ELEMENTS}, COMMON),
    "table": Shape(
        {"rows": each(each(typed(CELLS), TABLE_COLUMNS), TABLE_ROWS)},
        {**COMMON, "column_settings": each(COLUMN, TABLE_COLUMNS, 0)},
        (_even_rows,),
    ),
    "video": Shape(
        {"alt_text": string(2000), "title": plain(200), "thumbnail_url": URL, "video_url": URL},
        {
            **COMMON,
            "author_name": string(50),
            "description": plain(200),
            "provider_icon_url": URL,
            "provider_name": string(50),
            "title_url": URL,
        },
    ),
}
IN_MESSAGE = set(BLOCKS)
IN_VIEW = set(BLOCKS) - {"markdown", "table", "context_actions"}
