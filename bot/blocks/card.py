"""The request card: one message in every state, drawn from the digested plan and the request's state alone (A2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from actions.guard import in_words
from actions.plan import Plan, Target
from actions.terms import Risk
from approvals import amendment, breakglass
from approvals.actor import Actor
from approvals.request import Decision, Request, Requirement, State
from bot.blocks import message as kit
from bot.blocks.message import Block, Button, Message
from bot.blocks.text import bar, clip, escape, fitting, line, listed, moment, spelled

VALUE = 300  # characters of one value on a card; the whole of it is in Details
ROWS = 20  # differences on a card
NOTES = 6
ROOM, MARGIN = 420, 240  # characters for what a policy or a catalogue changes, and for notes on it: a phone's screen

_COLOURS = {
    State.PROPOSED: "#8a8f98",
    State.WAITING: "#d9a521",
    State.READY: "#2f6fde",
    State.RUNNING: "#2f6fde",
    State.SUCCEEDED: "#2e8b57",
    State.FAILED: "#c9302c",
    State.ROLLED_BACK: "#c9302c",
    State.UNKNOWN: "#7d3fb2",
    State.REFUSED: "#c9302c",
    State.DENIED: "#c9302c",
    State.EXPIRED: "#8a8f98",
    State.WITHDRAWN: "#8a8f98",
    State.STALE: "#8a8f98",
    State.ADOPTED: "#2e8b57",
}
_ALARM = "#c9302c"
_EMERGENCY = "🚨 Break glass: run it without a second key…"
_REQUESTERS = {"edit", "withdraw", "break_glass"}
_OPENINGS = {"Another", "It", "Its", "Nobody", "Not", "Nothing", "Only", "Somebody", "Someone", "The", "This"}
_COUNTS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}


@dataclass(frozen=True)
class Face:
    """What a card needs to know beside the request, to speak to people."""

    title: str  # Action.title of the plan's action
    production: bool
    now: datetime
    names: Mapping[str, str] = field(default_factory=dict)  # user id -> the name that people know
    glass: bool = False  # the policy knows an emergency for this change
    after: str = ""  # the title of what runs on its target, where it is ready and comes after that (E3)

    def name(self, actor: Actor | None) -> str:
        """The person's name; their id where it is not known."""
        return "somebody" if actor is None else self.names.get(actor.user_id, actor.user_id)


def card(request: Request, face: Face, deciding: bool = False) -> Message:
    """The whole card as a message with a coloured bar; `deciding` as for `body`."""
    plan = request.plan
    blocks = body(request, face, deciding=deciding)
    text = "\n".join(
        [
            f"{face.title} · {place(plan, face)} · {status(request, face)}",
            *(f"{d.field}: {d.before} → {d.after}" for d in plan.differences[:ROWS]),
            *([f"guard: {in_words(plan.guard)}"] if plan.guard else []),
        ]
    )
    attachment: Block = {
        "color": _ALARM if request.emergency and not request.state.final else _COLOURS[request.state],
        "blocks": blocks,
        "fallback": kit.fallback(f"{face.title} · {status(request, face)}"),
    }
    return Message(text=kit.fallback(text), blocks=(title(face),), attachments=(attachment,))


def title(face: Face) -> Block:
    """What is asked, in large letters."""
    return {**kit.header(spelled(face.title)), "block_id": "title"}


def body(request: Request, face: Face, prefix: str = "", deciding: bool = False) -> list[Block]:
    """Everything below the title; `prefix` keeps block ids apart where several cards share a view.

    `deciding` is for a place that only people see who may decide: what only the requester may do is left out there.
    """
    plan = request.plan
    found = [
        kit.rich(
            [
                kit.piece(place(plan, face), bold=True),
                *kit.pieces(f" · {status(request, face)}", written(request, face)),
            ],
            *_progress(request),
            block_id=f"{prefix}status",
        ),
        kit.rich(*differences(plan), block_id=f"{prefix}differences"),
        kit.rich(_target(plan.target, plan.facts), block_id=f"{prefix}target"),
    ]
    if plan.guard:
        found.append(
            kit.rich([kit.piece("guard  ", bold=True), _value(in_words(plan.guard))], block_id=f"{prefix}guard")
        )
    if plan.warnings:
        shown = notes(plan)
        rows = [[kit.piece("note  ", bold=True), _value(text)] for text in shown]
        if len(plan.warnings) > len(shown):
            rows.append([kit.piece(f"and {len(plan.warnings) - len(shown)} more notes, in Details")])
        found.append(kit.rich(*rows, block_id=f"{prefix}cautions"))
        found += kit.actions(_instead(request), block_id=f"{prefix}instead")
    found.append(kit.context(_asked(request, face), block_id=f"{prefix}asked"))
    pressed = [b for b in buttons(request, face) if not deciding or b.action_id not in _REQUESTERS]
    return found + kit.actions(pressed, block_id=f"{prefix}request")


def place(plan: Plan, face: Face) -> str:
    """Production is told by a mark and by a word, and so is the policy itself."""
    if plan.amends:
        return f"⚖️ {_paper(plan).upper()} ({plan.environment})"
    return f"🟥 PRODUCTION ({plan.environment})" if face.production else f"◻ {plan.environment}"


def _paper(plan: Plan) -> str:
    """What is changed where it is nothing in a cluster: the policy, or the catalogue."""
    return amendment.WORDS[amendment.kind_of(plan)]


def key(request: Request) -> str:
    """What a decision's button carries: for which request, and for exactly which plan."""
    return f"{request.id}:{request.plan.digest}"


def written(request: Request, face: Face) -> datetime:
    """When the words about how it stands were written; the times in them are of that day."""
    return request.finished_at or face.now


def status(request: Request, face: Face) -> str:
    """Where it is, in one line of plain words, whatever line ends a reason has."""
    found = line(_status(request, face))
    if request.emergency is None:
        return found
    if request.review:
        return f"{found} · 🚨 break-glass, reviewed by {face.name(request.review.by)}"
    due = " · not reviewed yet" if breakglass.review_due(request) else ""
    return f"🚨 BREAK-GLASS by {face.name(request.emergency.by)} · {found}{due}"


def _status(request: Request, face: Face) -> str:
    approved = [whose(d, face) for d in request.decisions if d.approve]
    if request.state is State.WAITING:
        so_far = f"{listed(approved, 'and')} approved · " if approved else ""
        return f"{so_far}waiting for {needed(request.missing or request.requirements)}"
    if request.state is State.READY:
        start = f"starts after “{face.after}”" if face.after else "starting"
        return f"{'no second key' if request.emergency else _approved(approved)} · {start}"
    if request.state is State.RUNNING:
        return f"running · {_elapsed(request, face.now)}"
    summary = request.outcome.summary if request.outcome else ""
    by = f" by {face.name(request.reason_by)}" if request.reason_by else ""
    reason = request.reason if request.reason_by else _told(request.reason)  # a person's words stay as they are
    why = f": {reason}" if reason not in {"", "denied", "withdrawn"} else ""
    return {
        State.PROPOSED: "being checked",
        State.SUCCEEDED: f"✅ {summary or 'done'}",
        State.FAILED: f"❌ {_failed(summary or request.reason)}",
        State.ROLLED_BACK: f"↩ {summary or 'rolled back by its guard'}",
        State.UNKNOWN: f"❓ not known whether it happened; I keep reading the cluster. {summary}".strip(),
        State.REFUSED: f"⛔ refused{by}{why}",
        State.DENIED: f"⛔ denied{by}{why}",
        State.WITHDRAWN: f"withdrawn{by}{why}",
        State.EXPIRED: f"⌛ expired{why}",
        State.STALE: f"stale{why}",
        State.ADOPTED: f"✅ in force now, {_approved(approved)}",
    }[request.state]


def _told(reason: str) -> str:
    """Our own sentence after a colon: its opening word is written small there, a name as it is."""
    first, space, rest = reason.partition(" ")
    return f"{first.lower()}{space}{rest}" if first in _OPENINGS else reason


def whose(decision: Decision, face: Face) -> str:
    """`carla`, or `carla (with ben's key)`."""
    name = face.name(decision.approver)
    return f"{name} (with {face.name(decision.lent_by)}'s key)" if decision.lent_by else name


def needed(requirements: Sequence[Requirement]) -> str:
    """`1 of sre`, or `2: one of sre, one of payments-owners`."""
    if len(requirements) == 1:
        one = requirements[0]
        return f"{one.count} of {_groups(one)}" if one.group else _others(one.count)
    parts = [
        f"{_COUNTS.get(r.count, str(r.count))} of {_groups(r)}" if r.group else _others(r.count) for r in requirements
    ]
    return f"{sum(r.count for r in requirements)}: {', '.join(parts)}"


def _groups(requirement: Requirement) -> str:
    return " or ".join((requirement.group or "anyone", *requirement.also))


def buttons(request: Request, face: Face) -> list[Button]:
    """The decision while it is open; afterwards only what may sensibly come next (S3)."""
    if request.state is State.WAITING:
        return _decision(request, face)
    found = []
    if breakglass.review_due(request):
        found.append(Button("Review…", "review", key(request), f"Review, for somebody else: {face.title}", "primary"))
    if request.state is State.RUNNING:
        found.append(Button("Stop watching", "stop", key(request), label="Stop watching; the change goes on"))
    if request.state in {State.DENIED, State.EXPIRED, State.WITHDRAWN, State.STALE}:
        found += [_proposed_again(request)] if request.plan.amends else _do([("Ask again", request.plan.action)])
    if request.outcome and request.state.final:
        found += _do([(s.label, s.action) for s in request.outcome.suggestions[:4]])
    known = {b.value for b in found}
    if request.plan.undo and request.state in {State.RUNNING, State.SUCCEEDED}:  # a failure says itself what helps
        found += [b for b in _do([("Undo…", request.plan.undo)], start=9) if b.value not in known]
    return [*found, Button("Details", "details", key(request), label=f"Details of: {face.title}")]


def _instead(request: Request) -> list[Button]:
    """What a note offers in place of the change, while the change is still to be decided."""
    if request.state is not State.WAITING:
        return []
    offers = [w.instead for w in request.plan.warnings[:NOTES] if w.instead]
    return _do([(offer.label, offer.action) for offer in offers], start=20, instead_of=request.id)


def _do(pairs: Sequence[tuple[str, object]], start: int = 0, instead_of: str = "") -> list[Button]:
    """Buttons that ask for an action; a change becomes a card of its own, in the place of the one `instead_of`."""
    found = []
    for number, (text, action) in enumerate(pairs, start):
        for_whom = {"instead_of": instead_of} if instead_of else {}
        value = kit.pack({"action": action, **for_whom})  # type: ignore[dict-item]  # an action's JSON form
        if value:
            found.append(Button(text, f"do:{number}", value))
    return found


def _decision(request: Request, face: Face) -> list[Button]:
    value, what = key(request), face.title
    high = request.plan.risk is Risk.HIGH
    return [
        Button("Approve", "approve", value, f"Approve: {what}", "primary", _confirm(request, face) if high else None),
        Button("Deny", "deny", value, f"Deny: {what}", "danger"),
        Button("Details", "details", value, f"Details of: {what}"),
        *([] if request.plan.amends else [Button("Edit", "edit", value, f"Edit, for the requester: {what}")]),
        Button("Withdraw", "withdraw", value, f"Withdraw, for the requester: {what}"),
        *([Button(_EMERGENCY, "break_glass", value, folded=True)] if face.glass else []),
    ]


def _proposed_again(request: Request) -> Button:
    return Button(
        "Ask again", "propose", str(request.plan.action["draft"]), f"Ask again for this {_paper(request.plan)}"
    )


def _confirm(request: Request, face: Face) -> Block:
    """Asks once more, naming target and change."""
    plan = request.plan
    width = 120 if plan.amends else 40  # what gets weaker is told by the name of the line
    shown = plan.differences[:1] if plan.amends else plan.differences[:2]
    mark = ":" if plan.amends else ""
    changes = ", ".join(f"{clip(d.field, width)}{mark} {clip(d.before, 60)} → {clip(d.after, 60)}" for d in shown)
    more = f" (and {len(plan.differences) - 1} more)" if plan.amends and plan.differences[1:] else ""
    target = f"{plan.target.namespace} / {plan.target.kind} {plan.target.name}"
    asked = f"Put this {_paper(plan)} in force?" if plan.amends else f"Approve in {plan.environment}?"
    if plan.guard:
        target += f"\nGuard: {in_words(plan.guard)}"
    return {
        "title": kit.plain(asked, kit.CONFIRM_TITLE),
        "text": kit.plain(f"{clip(face.title, 100)}\n{changes}{more}\n{target}", kit.CONFIRM_TEXT),
        "confirm": kit.plain("Approve", kit.CONFIRM_BUTTON),
        "deny": kit.plain("Not now", kit.CONFIRM_BUTTON),
        "style": "primary",
    }


def differences(plan: Plan) -> list[list[Block]]:
    """Lines of rich text, one a difference. A policy's or a catalogue's are sentences: as many as a phone shows."""
    found, many = plan.differences, ROWS
    if plan.amends:
        many = fitting([f"{d.field}  {d.before} → {d.after}" for d in found], ROOM)
    rows = [
        [
            kit.piece(clip(spelled(d.field), VALUE), bold=True),
            kit.piece("  "),
            _value(d.before),
            kit.piece(" → "),
            kit.piece(clip(spelled(d.after), VALUE), bold=True),
        ]
        for d in found[:many]
    ]
    if len(found) > many:
        rows.append([kit.piece(f"and {len(found) - many} more differences, in Details")])
    return rows or [[kit.piece("nothing differs")]]


def notes(plan: Plan) -> list[str]:
    """The notes that a card has room for."""
    texts = [warning.text for warning in plan.warnings]
    return texts[: fitting(texts, MARGIN) if plan.amends else NOTES]


def _target(target: Target, facts: Sequence[str]) -> list[Block]:
    parts = [kit.piece("target", bold=True), kit.piece("  ")]
    if target.cluster is not None:
        parts += [_value(target.cluster), kit.piece(" / ")]
    parts += [_value(target.namespace), kit.piece(" / "), _value(f"{target.kind} {target.name}")]
    return parts + [kit.piece(f" · {clip(spelled(fact), VALUE)}") for fact in facts[:6]]


def _value(text: str) -> Block:
    return kit.piece(clip(spelled(text), VALUE))


def _progress(request: Request) -> list[list[Block]]:
    step = request.step
    if request.state is not State.RUNNING or step is None:
        return []
    gauge = f"{bar(step.done, step.total)}  " if step.done is not None and step.total else ""
    return [[kit.piece(gauge + clip(spelled(step.text), VALUE))]]


def _asked(request: Request, face: Face) -> str:
    """Who, when and what stay on the card for ever."""
    parts = [f"asked by {escape(face.name(request.requester))}, {moment(request.created_at)}"]
    if request.state is State.WAITING and request.approve_by:
        parts.append(f"expires {moment(request.approve_by)}")
    if request.emergency:
        parts.append(f"🚨 without a second key: {escape(clip(line(request.emergency.reason), VALUE))}")
    for d in request.decisions[:8]:
        parts.append(f"{'approved' if d.approve else 'denied'} by {escape(whose(d, face))}, {moment(d.at)}")
    if request.finished_at:
        parts.append(f"ended {moment(request.finished_at)}")
    digest = request.plan.digest
    return " · ".join([*parts, f"`{digest[:4]} {digest[4:8]}`"])


def _approved(names: list[str]) -> str:
    return f"approved by {listed(names, 'and')}" if names else "no approval needed"


def _failed(why: str) -> str:
    return why if why.startswith("failed") else f"failed: {_told(why) or 'see the thread'}"


def _others(count: int) -> str:
    return "1 other person" if count == 1 else f"{count} other people"


def _elapsed(request: Request, now: datetime) -> str:
    """Since the last key was turned or the glass was broken, which is when it could start."""
    keys = [d.at for d in request.decisions if d.approve]
    start = max([*keys, *([request.emergency.at] if request.emergency else [])], default=request.created_at)
    seconds = max(0, int((now - start).total_seconds()))
    return f"{seconds // 60}:{seconds % 60:02d}"
