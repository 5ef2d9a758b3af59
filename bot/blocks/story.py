"""A request's story for its thread: one line an event, each told once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from actions.outcome import Evidence
from approvals import amendment
from approvals.request import Request, State
from bot.blocks import answers, emergency
from bot.blocks import message as kit
from bot.blocks.card import Face, needed, status, whose, written
from bot.blocks.message import Message
from bot.blocks.text import line

OUTCOME = "outcome"

_STARTED = {State.RUNNING, State.SUCCEEDED, State.FAILED, State.ROLLED_BACK, State.UNKNOWN}


@dataclass(frozen=True)
class Line:
    """`key` is stable, so that a line is not told twice, also after a restart."""

    key: str
    message: Message
    loud: bool = False  # the channel sees it too, not only the thread


def story(request: Request, face: Face, evidence: Sequence[Evidence] = ()) -> list[Line]:
    """Everything that happened so far, in order. `evidence` is what the outcome came with."""
    lines = [
        Line(f"approved {d.approver.user_id}", kit.say(f"{whose(d, face)} approved."))
        for d in request.decisions
        if d.approve
    ]
    if lines and request.state is State.WAITING:
        last = lines[-1]
        more = f"{whose(request.decisions[-1], face)} approved; still waiting for {needed(request.missing)}."
        lines[-1] = Line(last.key, kit.say(more))
    if request.emergency:
        lines.append(Line("break-glass", emergency.announcement(request, face), loud=True))
    if request.state in _STARTED:
        lines.append(Line("started", kit.say(f"Started: {face.title}.")))
    if request.state is State.UNKNOWN:
        lines.append(Line("unknown", kit.say(f"{_first_up(status(request, face))} Do not repeat it by hand yet.")))
    if request.state.final:
        lines.append(Line(OUTCOME, _end(request, face, evidence)))
    if request.review:
        by = face.name(request.review.by)
        lines.append(
            Line("reviewed", kit.say(line(f"{by} reviewed the break-glass: {request.review.note}")), loud=True)
        )
    return lines


def _end(request: Request, face: Face, evidence: Sequence[Evidence]) -> Message:
    if request.state is State.ADOPTED:
        said = f"{_first_up(status(request, face))}."
        if amendment.kind_of(request.plan) == "policy":
            said += " What was planned under the one before has to be asked for again."
        return kit.say(said)
    if request.outcome is None or request.state not in _STARTED:
        return kit.say(_first_up(status(request, face)), now=written(request, face))
    mark = {State.SUCCEEDED: "✅ ", State.ROLLED_BACK: "↩ "}.get(request.state, "❌ ")
    return answers.answer(request.outcome, written(request, face), evidence=evidence, mark=mark)


def _first_up(text: str) -> str:
    return text[:1].upper() + text[1:]
