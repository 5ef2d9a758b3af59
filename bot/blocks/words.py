"""The bot's own short texts: help, introduction, private explanations, lines of a thread."""

from __future__ import annotations

from collections.abc import Sequence

from bot.blocks import message as kit
from bot.blocks.message import Message
from bot.blocks.text import clip


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
