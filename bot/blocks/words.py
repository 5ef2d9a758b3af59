"""The bot's own short texts: help, introduction, private explanations, lines of a thread."""

from __future__ import annotations

from collections.abc import Sequence

from bot.blocks import message as kit
from bot.blocks.message import Message
from bot.blocks.text import clip, escape


def help_text(name: str, examples: Sequence[str], may: str, note: str | None) -> Message:
    """Sentences that work right here, for this person."""
    lines = [f"Write to me in a sentence, {name}. For example:", *(f"• {e}" for e in examples[:5])]
    lines.append(may)
    if note:
        lines.append(note)
    return kit.say("\n".join(lines))


def intro(bot: str, examples: Sequence[str]) -> Message:
    """Two lines, once, when it is added to a channel."""
    example = examples[0] if examples else "help"
    return kit.say(
        f"Hello, I am {bot}. Tell me an operation in a sentence; a change runs only after somebody else approves it.\n"
        f'Try "@{bot} {example}", or "@{bot} help".'
    )


def open_ones(found: Sequence[tuple[str, str, str | None]]) -> Message:
    """For somebody who would cancel "that": which of their requests it may be. Nothing is cancelled by words.

    `found` are what it is and how it stands, what can be done about it, and the address of its card.
    """
    if not found:
        return kit.say(
            "Nothing that you asked for in this channel is still open, so there is nothing to cancel. "
            "If you mean another change, say it in the thread of its card."
        )
    if len(found) == 1:
        what, say, link = found[0]
        lines, rows = [f"{what}. {say}"], [_linked(f"*{escape(what)}*\n{escape(say)}", link)]
    else:
        head = (
            f"Which one? {len(found)} that you asked for here are open, and I cancel nothing by words. On its card, "
            "press Withdraw while it waits; once it runs, Stop watching or Undo…"
        )
        lines = [head, *(what for what, _, _ in found)]
        rows = [escape(head), *(_linked(f"• {escape(what)}", link, " · ") for what, _, link in found[:10])]
    return Message(text=kit.fallback("\n".join(lines)), blocks=(kit.section("\n".join(rows)),))


def _linked(text: str, link: str | None, between: str = " ") -> str:
    return f"{text}{between}<{link}|Its card>" if link else text


def thanks(name: str) -> Message:
    """Thanks get a thanks."""
    return kit.say(f"You are welcome, {name}.")


def lines(found: Sequence[str]) -> Message:
    """An explanation, a line a thing; what people wrote is shown as it is."""
    return kit.say(clip("\n".join(found), 2_500))


def refusal(text: str) -> Message:
    """Why not, and what to do instead."""
    return kit.say(clip(text, 2_500))


def trouble(reference: str) -> Message:
    """Something of ours broke: said, and findable in the log."""
    return kit.say(
        f"Something went wrong on my side (reference {reference}). I do not know more than the log says; "
        "if a card is above, it shows how far it came. Try again, or ask who runs me."
    )
