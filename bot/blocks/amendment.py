"""A policy or a catalogue that is held back, as people see it before somebody asks for it (A9)."""

from __future__ import annotations

from collections.abc import Sequence

from approvals import amendment, quorum
from approvals.charter import Draft
from bot.blocks import message as kit
from bot.blocks import modals
from bot.blocks.card import differences, notes
from bot.blocks.message import Block, Button, Message
from bot.blocks.text import escape

MOST = 5  # drafts of one answer that are shown whole
BRIEFLY = 14  # further ones that are offered in a line: a message has 50 blocks at most
HERE = "here"  # in a button's value: the card takes the place of this message


def count(draft: Draft) -> str:
    """`2 verdicts weaker`."""
    weaker = sum(shift.weaker for shift in draft.shifts)
    return f"{'1 verdict' if weaker == 1 else f'{weaker} verdicts'} weaker"


def notice(draft: Draft) -> Message:
    """For the channel in which such things are decided; the card takes its place once somebody asks."""
    what = f"Another {amendment.WORDS[draft.kind]} is held back"
    text = f"{what}: it makes {count(draft)}. Nothing changes until people agree."
    attachment: Block = {"color": "#d9a521", "blocks": offered(draft, f"{draft.id}:{HERE}"), "fallback": text}
    return Message(text=text, blocks=(kit.header(what),), attachments=(attachment,))


def standing(say: str, held: Sequence[tuple[Draft, str, str | None]]) -> Message:
    """An answer: what is in force, and each draft that is held back, with its offer or where somebody asks for it.

    `held` are the draft, what is said of who asks for it, and the address of that card.
    """
    blocks, texts = [kit.section(escape(say))], [say]
    for at, (draft, asked, link) in enumerate(held[: MOST + BRIEFLY]):
        what = f"{amendment.WORDS[draft.kind].capitalize()} {draft.id}"
        brief = f"{what} is held back: it makes {count(draft)}."
        if asked:
            blocks.append(kit.section(escape(asked) + (f" <{link}|Its card>" if link else "")))
        elif at < MOST:
            blocks += offered(draft, draft.id)
        else:
            blocks += [kit.section(escape(brief)), *kit.actions([_ask(draft, draft.id), _look(draft)])]
        texts.append(asked or brief)
    return Message(text=kit.fallback("\n".join(texts)), blocks=tuple(blocks))


def offered(draft: Draft, value: str) -> list[Block]:
    """What it would change, whose agreement that takes, and the button with which a person asks for it."""
    plan = amendment.plan_of(draft)
    word = amendment.WORDS[draft.kind]
    return [
        kit.rich([kit.piece(f"⚖️ {word.upper()}", bold=True), kit.piece(f" · held back · {count(draft)}")]),
        kit.rich(*differences(plan)),
        kit.context(*(escape(note) for note in notes(plan)), f"{escape(_who(draft))} · `{draft.id}`"),
        *kit.actions([_ask(draft, value), _look(draft)]),
    ]


def details(draft: Draft) -> Block:
    """Every verdict that it would change, before anybody asks for it."""
    word = amendment.WORDS[draft.kind]
    head = f"⚖️ {word.capitalize()} {draft.id} is held back: it makes {count(draft)}."
    return modals.notice("Details", f"{head}\n{_who(draft)}", modals.diff_boxes(amendment.plan_of(draft).diff))


def _who(draft: Draft) -> str:
    word = amendment.WORDS[draft.kind]
    return f"It takes {quorum.say(draft.needs)}, never who asks. Until then the {word} before stays in force."


def _look(draft: Draft) -> Button:
    return Button("Details", "held", draft.id, f"Details of {amendment.WORDS[draft.kind]} {draft.id}")


def _ask(draft: Draft, value: str) -> Button:
    label = f"Ask for {amendment.WORDS[draft.kind]} {draft.id}; others approve it then"
    return Button("Ask for it", "propose", value, label, "primary")
