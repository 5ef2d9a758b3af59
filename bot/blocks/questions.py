"""Doubt as buttons: a press completes the sentence, and never skips the card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from bot.blocks import message as kit
from bot.blocks.message import Block, Button, Message
from bot.blocks.text import clip, escape

BUTTONS = 5  # options beyond this become a menu

Choice = tuple[str, dict[str, JsonValue]]
"""What a button says, and the partial action that it stands for."""


def question(say: str, choices: Sequence[Choice], fill: dict[str, JsonValue] | None = None) -> Message:
    """A question with its options; `fill` is the partial action for a form where there is nothing to choose from."""
    found: list[Block] = [kit.section(escape(say))]
    if len(choices) <= BUTTONS:
        found += kit.actions([*_buttons(choices), *_form(fill)], block_id="choices")
    else:
        found += _menu(choices, fill)
    if choices or fill is not None:
        found.append(kit.context(f"Nothing happens until you {'choose' if choices else 'fill it in'}."))
    return Message(text=kit.fallback(say), blocks=tuple(found))


def chosen(say: str, label: str, name: str) -> Message:
    """The question once it is answered: no buttons, and who chose what."""
    return kit.say(f"{clip(say, 2_000)}\n→ {label} ({name})")


def _buttons(choices: Sequence[Choice]) -> list[Button]:
    packed = [(label, kit.pack({"action": partial})) for label, partial in choices]
    return [Button(label, f"choose:{number}", value) for number, (label, value) in enumerate(packed) if value]


def _form(fill: dict[str, JsonValue] | None) -> list[Button]:
    value = kit.pack({"action": fill}) if fill is not None else None
    return [Button("Fill in…", "fill", value)] if value else []


def _menu(choices: Sequence[Choice], fill: dict[str, JsonValue] | None) -> list[Block]:
    """A menu where its values are small enough, and rows of buttons where they are not.

    An option's value takes 75 characters, so it holds only what the choices do not have in common;
    the rest travels in the block's id.
    """
    shared = _common([partial for _, partial in choices])
    rest = kit.pack(shared)
    options: list[Block] = []
    for label, partial in choices[: kit.OPTIONS]:
        own = kit.pack({k: v for k, v in partial.items() if k not in shared})
        if own is None or len(own) > kit.OPTION_VALUE:
            options.clear()
            break
        options.append(kit.option(label, own))
    if not options or rest is None or len(rest) > kit.BLOCK_ID:
        return kit.actions([*_buttons(choices[:24]), *_form(fill)], block_id="choices")
    menu: Block = {
        "type": "static_select",
        "action_id": "choose",
        "placeholder": kit.plain("Choose one", 150),
        "options": options,
    }
    return [{"type": "actions", "block_id": rest, "elements": [menu, *(b.block() for b in _form(fill))]}]


def _common(partials: Sequence[Mapping[str, JsonValue]]) -> dict[str, JsonValue]:
    first = partials[0]
    return {k: v for k, v in first.items() if all(k in other and other[k] == v for other in partials)}
