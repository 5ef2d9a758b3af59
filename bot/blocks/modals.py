"""Modals: the details of a request, the reason of a denial, and the form that corrects arguments."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from actions.clients.protocols import ChangeRecord
from actions.plan import REQUEST_TOKEN, Guard, Plan
from approvals.request import Request
from bot.blocks import message as kit
from bot.blocks.card import Face, body, key, needed, place
from bot.blocks.message import Block
from bot.blocks.text import clip, escape, listed, local, moment, spelled

_HASH = re.compile(r"[0-9a-f]{40,}")
DIFF_BLOCKS = 24  # boxes of a long diff
CHOICES = 100


@dataclass(frozen=True)
class Field:
    """One argument in a form. With `choices` it is a menu."""

    name: str
    label: str
    value: str
    choices: tuple[str, ...] = ()
    hint: str = ""
    optional: bool = True


@dataclass(frozen=True)
class Background:
    """What the details show beside the plan; read live, so it may come a moment later or not at all."""

    approvers: tuple[str, ...] | None = None  # names; None while it is being looked up
    recent: Sequence[ChangeRecord] | None = None
    now: tuple[str, ...] | None = None  # how the service is doing now
    withheld: bool = False  # the policy does not let this person read what changed


def details(request: Request, face: Face, background: Background) -> Block:
    """Everything there is to know before a key is turned."""
    plan = request.plan
    blocks = [b for b in body(request, face) if b["type"] != "actions"]
    blocks[:0] = [kit.section(f"*{escape(clip(face.title, 300))}*")]
    whole = "Every verdict that changes" if plan.amends else "Whole change, as the cluster's dry run returned it"
    blocks += [_titled(whole), *_placeholder(plan)]
    blocks += diff_boxes(plan.diff)
    blocks += [_titled("It rests on"), _listed(_preconditions(plan))]
    if plan.guard:
        blocks += [_titled("Its guard"), *_guard(plan.guard)]
    blocks += [_titled("Who may approve, and why"), kit.section(_who(request, background))]
    if not plan.amends:
        blocks += [_titled("Last changes of this service"), kit.section(_recent(background))]
        blocks += [_titled("Now"), kit.section(local(_or_wait(background.now), face.now))]
    blocks.append(kit.context(f"request `{escape(request.id)}` · digest `{plan.digest}` · {escape(place(plan, face))}"))
    return _modal("Details", blocks, callback="details", metadata=key(request))


def denial(request: Request, face: Face, reply: dict[str, JsonValue]) -> Block:
    """Asks why; the answer may be empty."""
    field = {
        "type": "plain_text_input",
        "action_id": "reason",
        "multiline": True,
        "max_length": 500,
        "placeholder": kit.plain("What should be different?", 150),
    }
    blocks: list[Block] = [
        kit.section(f"Deny *{escape(clip(face.title, 300))}*? A denial is final."),
        {
            "type": "input",
            "block_id": "reason",
            "optional": True,
            "label": kit.plain("Reason, for the requester", 2_000),
            "element": field,
        },
    ]
    meta = json.dumps({"key": key(request), **reply})
    view = _modal("Deny", blocks, callback="deny", metadata=meta)
    return {**view, "submit": kit.plain("Deny", 24), "close": kit.plain("Not now", kit.MODAL_TITLE)}


def form(title: str, say: str, fields: Sequence[Field], metadata: dict[str, JsonValue]) -> Block:
    """A form with one input an argument. Nothing runs from it: it leads to a card."""
    blocks: list[Block] = [kit.section(escape(say))]
    blocks += [_input(field) for field in fields[:20]]
    view = _modal(title, blocks, callback="form", metadata=json.dumps(metadata))
    return {**view, "submit": kit.plain("Continue", 24)}


def notice(title: str, text: str, more: Sequence[Block] = ()) -> Block:
    """A modal that only says something, and below it `more`."""
    return _modal(title, [kit.section(escape(text)), *more], callback="notice", metadata="")


def diff_boxes(diff: str) -> list[Block]:
    """A unified diff in as many boxes as it takes; what is beyond a modal's size is said."""
    text = diff.strip("\n") or "(the dry run returned no difference)"
    lines, boxes, box = text.split("\n"), [], ""
    for line in lines:
        line = clip(line, 1_000)
        if len(box) + len(line) > kit.ELEMENT - 10:
            boxes.append(box)
            box = ""
        box += line + "\n"
    boxes.append(box)
    found = [kit.preformatted(b.rstrip("\n") or " ") for b in boxes[:DIFF_BLOCKS]]
    if len(boxes) > DIFF_BLOCKS:
        found.append(kit.context("The diff is longer than a modal can show; the rest is not shown here."))
    return found


def _guard(guard: Guard) -> list[Block]:
    """What it asks, at which value it trips, what it would send then, and what has to be there still."""
    patch = json.dumps(guard.patch.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False)
    was = "nothing to measure" if guard.baseline is None else guard.baseline
    rows = [
        f"trips at {guard.limit} or more of {guard.metric} (said: {guard.tripwire}; measured for this plan: {was})",
        f"watches for {guard.window} s after the rollout: {guard.query}",
        *(f"rolls back only while {p.path} is {_short(spelled(str(p.value)))}" for p in guard.preconditions),
        "then sends, with the rights of a rollback:",
    ]
    return [_listed(rows), kit.preformatted(clip(patch, kit.ELEMENT - 10))]


def _modal(title: str, blocks: list[Block], callback: str, metadata: str) -> Block:
    return {
        "type": "modal",
        "callback_id": callback,
        "title": kit.plain(title, kit.MODAL_TITLE),
        "close": kit.plain("Close", kit.MODAL_TITLE),
        "private_metadata": clip(metadata, kit.METADATA),
        "blocks": blocks[: kit.VIEW_BLOCKS],
    }


def _input(field: Field) -> Block:
    options = [kit.option(c, c) for c in field.choices[:CHOICES] if 0 < len(c) <= kit.OPTION_VALUE]
    element: Block
    if options:
        element = {"type": "static_select", "action_id": field.name, "options": options}
        preset = [o for o in options if o["value"] == field.value]
        if preset:
            element["initial_option"] = preset[0]
    else:
        element = {"type": "plain_text_input", "action_id": field.name, "max_length": 500}
        if field.value:
            element["initial_value"] = clip(field.value, 500)
    found: Block = {
        "type": "input",
        "block_id": field.name,
        "optional": field.optional,
        "label": kit.plain(field.label, 2_000),
        "element": element,
    }
    return {**found, "hint": kit.plain(field.hint, 2_000)} if field.hint else found


def _titled(text: str) -> Block:
    return kit.section(f"*{escape(text)}*")


def _placeholder(plan: Plan) -> list[Block]:
    """What stands in the diff where the request's id will be."""
    return [kit.context(f"`{REQUEST_TOKEN}` becomes this request's id.")] if REQUEST_TOKEN in plan.diff else []


def _listed(lines: Sequence[str]) -> Block:
    return kit.rich(*[[kit.piece(clip(line, 400))] for line in lines[:40]] or [[kit.piece("nothing")]])


def _preconditions(plan: Plan) -> list[str]:
    found = [f"{p.path} is {_short(spelled(str(p.value)))}" for p in plan.preconditions]
    return [*found, f"policy version {_short(plan.policy_version)}"]


def _short(value: str) -> str:
    """The beginning of a hash is enough to compare it by eye."""
    return f"{value[:12]}…" if _HASH.fullmatch(value) else value


def _who(request: Request, background: Background) -> str:
    if request.plan.amends:
        rule = f"The policy in force asks for {escape(needed(request.requirements))}, never for who asks."
    else:
        rule = f"Rule *{escape(clip(request.rule, 200))}* asks for {escape(needed(request.requirements))}."
    if not request.requirements:
        rule = f"Rule *{escape(clip(request.rule, 200))}* needs no approval."
    if background.approvers is None:
        return f"{rule}\nLooking up who that is …"
    who = escape(listed(list(background.approvers[:20])))
    return f"{rule}\nCan approve now: {who}."


def _recent(background: Background) -> str:
    if background.withheld:
        return "The policy does not let you read what changed there."
    if background.recent is None:
        return "Looking …"
    lines = []
    for record in list(background.recent)[:5]:
        by = f", approved by {', '.join(record.approved_by)}" if record.approved_by else ""
        what = clip(record.summary or str(record.action.get("verb", "")), 200)
        lines.append(f"{moment(record.at, '{date_short_pretty}, {time}')}  {escape(f'{what} · {record.asked_by}{by}')}")
    return "\n".join(lines) or "No change went through Twokey in the last 30 days."


def _or_wait(lines: tuple[str, ...] | None) -> str:
    return "Looking …" if lines is None else "\n".join(escape(clip(line, 300)) for line in lines[:8])
