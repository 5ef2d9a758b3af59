"""Whole messages and views: counts, uniqueness, and the errors that Slack answers with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bot.playground.emulator.blockkit.blocks import BLOCKS, IN_MESSAGE, IN_VIEW
from bot.playground.emulator.blockkit.objects import plain
from bot.playground.emulator.blockkit.rules import Report, Rule, Shape, boolean, each, string, typed
from bot.playground.emulator.wire import ApiError, Json

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
MARKDOWN_IN_ALL = 12_000  # docs.slack.dev, "Markdown block": cumulative over one payload
TABLES = 1  # docs.slack.dev, "Table block": one a message

MESSAGE = each(typed(BLOCKS, IN_MESSAGE), MESSAGE_BLOCKS, 0)
IDENTITY: dict[str, Rule] = {
    "private_metadata": string(3000, 0),
    "callback_id": string(255, 0),
    "external_id": string(255, 0),
}
VIEW_CONTENT: dict[str, Rule] = {"blocks": each(typed(BLOCKS, IN_VIEW), VIEW_BLOCKS, 0)}
VIEWS: dict[str, Rule] = {
    "modal": Shape(
        {"title": plain(24), **VIEW_CONTENT},
        {
            **IDENTITY,
            "close": plain(24),
            "submit": plain(24),
            "clear_on_close": boolean,
            "notify_on_close": boolean,
            "submit_disabled": boolean,
        },
    ),
    "home": Shape(VIEW_CONTENT, IDENTITY),
}


def check_message(blocks: Sequence[Json], attachments: Sequence[Json]) -> None:
    """Raises invalid_blocks, invalid_attachments (each naming the places) or msg_too_long."""
    report = Report()
    _check_blocks(blocks, "/blocks", report)
    if report.problems:
        raise ApiError("invalid_blocks", report.problems)
    for number, attachment in enumerate(attachments):
        inner = attachment.get("blocks")
        if inner is not None:
            _check_blocks(inner, f"/attachments/{number}/blocks", report)
    if report.problems:
        raise ApiError("invalid_attachments", report.problems)
    everything = [*blocks, *(one for attachment in attachments for one in attachment.get("blocks") or [])]
    if sum(len(one["text"]) for one in everything if one["type"] == "markdown") > MARKDOWN_IN_ALL:
        raise ApiError("msg_too_long")


def check_view(view: Json, kinds: Iterable[str]) -> None:
    """Raises invalid_arguments naming the places; `kinds` are the types that fit the method."""
    report = Report()
    typed(VIEWS, set(kinds))(view, "/view", report)
    blocks = view.get("blocks")
    if isinstance(blocks, list):
        _check_ids(blocks, "/view/blocks", report)
        _check_focus(blocks, report)
        inputs = any(isinstance(one, dict) and one.get("type") == "input" for one in blocks)
        if inputs and view.get("type") == "modal" and view.get("submit") is None:
            report.note("/view/submit", "missing required field: submit (a view with input blocks needs one)")
    if report.problems:
        raise ApiError("invalid_arguments", report.problems)


def _check_blocks(blocks: Any, pointer: str, report: Report) -> None:
    MESSAGE(blocks, pointer, report)
    if not isinstance(blocks, list):
        return
    _check_ids(blocks, pointer, report)
    tables = [number for number, one in enumerate(blocks) if isinstance(one, dict) and one.get("type") == "table"]
    for number in tables[TABLES:]:
        report.note(f"{pointer}/{number}", "only_one_table_allowed")


def _check_ids(blocks: Sequence[Any], pointer: str, report: Report) -> None:
    """block_id is unique on its surface, action_id in its block."""
    seen: set[str] = set()
    for number, block in enumerate(blocks):
        if not isinstance(block, dict):
            continue
        block_id = block.get("block_id")
        if isinstance(block_id, str) and block_id in seen:
            report.note(f"{pointer}/{number}/block_id", f"`block_id` already exists: {block_id}")
        seen.add(str(block_id))
        _check_action_ids(block.get("elements"), f"{pointer}/{number}/elements", report)


def _check_action_ids(elements: Any, pointer: str, report: Report) -> None:
    seen: set[str] = set()
    for number, element in enumerate(elements if isinstance(elements, list) else []):
        action_id = element.get("action_id") if isinstance(element, dict) else None
        if not isinstance(action_id, str):
            continue
        if action_id in seen:
            report.note(f"{pointer}/{number}/action_id", f"`action_id` already exists: {action_id}")
        seen.add(action_id)


def _check_focus(blocks: Sequence[Any], report: Report) -> None:
    """docs.slack.dev: only one element of a view can have focus_on_load."""
    focused = 0
    for block in blocks:
        places = [block.get("element"), block.get("accessory")] if isinstance(block, dict) else []
        elements = block.get("elements") if isinstance(block, dict) else None
        places += elements if isinstance(elements, list) else []
        focused += sum(1 for one in places if isinstance(one, dict) and one.get("focus_on_load") is True)
    if focused > 1:
        report.note("/view/blocks", "only one element can have focus_on_load")
