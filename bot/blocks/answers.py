"""What a read came back with: a line that answers, short lines below it, evidence, and next steps as buttons."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from actions import quantities
from actions.outcome import Evidence, Outcome, Quote, Step, Suggestion, Table
from bot.blocks import message as kit
from bot.blocks.message import Block, Button, Message
from bot.blocks.text import bar, clip, escape, local, seen

_VERDICT = re.compile(r"\*([^*]+)\* (.+)", re.DOTALL)
_EMPHASIS = re.compile(r"\*([^*]+)\*")

LABELS = ("Evidence", "Speaks against", "Runbook")  # of a triage's lines
PASSED, FAILED = "#2e8b57", "#c9302c"  # the bars of an eval that is ready for production, and of one that is not
DETAILS = 20  # lines below the answer
QUOTED = 20  # lines of a quote
ROWS, COLUMNS, TABLE_TEXT = 100, 20, 9_000  # of a table block; characters in all of its cells
WRAPPED = 16  # characters from which on a column breaks its lines, so that a phone shows more of the table


def answer(
    outcome: Outcome,
    now: datetime,
    *,
    evidence: Sequence[Evidence] | None = None,
    mark: str = "",
    more: Sequence[Button] = (),
) -> Message:
    """The answer as one message, with `more` buttons behind those of its next steps; `now` is when it was found.

    Charts and files are uploaded apart; only the first table fits into it.
    """
    shown = outcome.evidence if evidence is None else evidence
    lines = [clip(line, 280) for line in outcome.details[:DETAILS]]
    blocks: list[Block] = []
    if lines:
        blocks.append(kit.section(local("\n".join(_grouped(lines)), now)))
    tables = 0
    for piece in shown:
        if isinstance(piece, Quote):
            blocks += quote(piece, now)
        elif isinstance(piece, Table) and tables == 0:
            tables += 1
            blocks += table(piece, now)
    blocks += kit.actions([*suggestions(outcome.suggestions), *more])
    head = kit.section(local(f"{mark}{_headline(outcome.summary)}", now))
    text = kit.fallback("\n".join([_plain(outcome.summary), *lines]))
    below = blocks[: kit.MESSAGE_BLOCKS - 1]
    if outcome.run is None or not below:
        return Message(text=text, blocks=(head, *below))
    card: Block = {"color": PASSED if outcome.run.passed else FAILED, "blocks": below, "fallback": text}
    return Message(text=text, blocks=(head,), attachments=(card,))


def suggestions(found: Sequence[Suggestion]) -> list[Button]:
    """Each becomes a request of its own; one that does not fit into a button is left out."""
    packed = [(s.label, kit.pack({"action": s.action})) for s in found[:5]]
    return [Button(label, f"do:{number}", value) for number, (label, value) in enumerate(packed) if value]


def quote(piece: Quote, now: datetime) -> list[Block]:
    """Text from logs or events, shown as it is (S5); of our own words, found `now`, the times are the reader's."""
    lines = [clip(line, 240) for line in piece.lines[:QUOTED]]
    if len(piece.lines) > QUOTED:
        lines.append(f"… and {len(piece.lines) - QUOTED} more")
    if piece.ours:
        return [kit.context(escape(clip(piece.title, 200))), kit.rich(*(kit.pieces(seen(line), now) for line in lines))]
    return [
        kit.context(f"{escape(clip(piece.title, 200))} · shown as it is"),
        kit.preformatted("\n".join(lines)),
    ]


def table(piece: Table, now: datetime | None = None) -> list[Block]:
    """Rows under headings; what is beyond Slack's size is said. `now` is when what has times in it was found."""
    columns = [_cell(c) for c in piece.columns[:COLUMNS]]
    rows, used = [columns], sum(map(len, columns))
    for row in piece.rows[: ROWS - 1]:
        cells = [_cell(c) for c in (*row, *[""] * len(columns))[: len(columns)]]
        used += sum(map(len, cells))
        if used > TABLE_TEXT:
            break
        rows.append(cells)
    left = len(piece.rows) - (len(rows) - 1)
    note = f" · {left} more rows are not shown" if left else ""
    found = [kit.context(f"{escape(clip(piece.title, 200))}{note}")]
    if not columns:
        return found
    longest = [max(len(row[number]) for row in rows) for number in range(len(columns))]
    settings = [{"is_wrapped": length > WRAPPED} for length in longest]
    shown = [[_shown(cell, now) for cell in row] for row in rows]
    return [*found, {"type": "table", "rows": shown, "column_settings": settings}]


def progress(title: str, steps: Sequence[Step]) -> Message:
    """One message that updates itself while a long read is under way."""
    newest = steps[-1] if steps else None
    gauge = f"{bar(newest.done, newest.total)}  " if newest and newest.total and newest.done is not None else ""
    words = f"{title} · {gauge}{newest.text}" if newest else f"{title} …"
    return kit.say(clip(words, 600))


def _grouped(lines: Sequence[str]) -> list[str]:
    """Neighbours that begin with the same label, as those of a triage do, become points below it."""
    found: list[str] = []
    for label, group in groupby(lines, _label):
        said = [line.removeprefix(f"{label}: ") if label else line for line in group]
        if label and len(said) > 1:
            found += [f"*{label}:*", *(f"• {escape(line)}" for line in said)]
        else:
            found += [f"*{label}:* {escape(line)}" if label else escape(line) for line in said]
    return found


def _label(line: str) -> str:
    return next((label for label in LABELS if line.startswith(f"{label}: ")), "")


def _cell(text: str) -> str:
    return clip(seen(text).strip() or "–", 200)


def _shown(cell: str, now: datetime | None) -> Block:
    if now is None or not quantities.moments(cell, now):
        return {"type": "raw_text", "text": cell}
    return kit.rich(kit.pieces(cell, now))


def _headline(summary: str) -> str:
    """Bold as a whole, or only the verdict with which it begins."""
    found = _VERDICT.match(summary)
    if found is None:
        return f"*{_bold(summary)}*"
    return f"*{_bold(found[1])}* {escape(clip(_plain(found[2]), 600)).replace('*', '∗')}"


def _bold(text: str) -> str:
    """All of it is bold, so emphasis within is dropped; bold reaches over no line end, and an asterisk would end it."""
    return escape(clip(_plain(text), 600)).replace("*", "∗") or "–"


def _plain(text: str) -> str:
    return _EMPHASIS.sub(r"\1", " ".join(text.split()))
