"""The `rich_text` block."""

from __future__ import annotations

from bot.playground.emulator.blockkit.objects import URL
from bot.playground.emulator.blockkit.rules import Rule, Shape, boolean, choice, each, integer, string, typed

MANY = 10_000
STYLE = Shape(
    optional=dict.fromkeys(
        ("bold", "italic", "strike", "underline", "code", "highlight", "client_highlight", "unlink"), boolean
    )
)
STYLED: dict[str, Rule] = {"style": STYLE}
INLINE: dict[str, Rule] = {
    "text": Shape({"text": string(40_000)}, STYLED),
    "link": Shape({"url": URL}, {**STYLED, "text": string(40_000, 0), "unsafe": boolean}),
    "emoji": Shape({"name": string(255)}, {**STYLED, "unicode": string(255), "skin_tone": integer(1, 6)}),
    "user": Shape({"user_id": string(255)}, STYLED),
    "usergroup": Shape({"usergroup_id": string(255)}, STYLED),
    "channel": Shape({"channel_id": string(255)}, STYLED),
    "broadcast": Shape({"range": choice("here", "channel", "everyone")}, STYLED),
    "color": Shape({"value": string(255)}, STYLED),
    "date": Shape(
        {"timestamp": integer(0, 10**11), "format": string(255)}, {**STYLED, "url": URL, "fallback": string(3000)}
    ),
}
LINE = each(typed(INLINE), MANY, 0)
SECTION: Rule = typed({"rich_text_section": Shape({"elements": LINE})})
PARTS: dict[str, Rule] = {
    "rich_text_section": Shape({"elements": LINE}),
    "rich_text_quote": Shape({"elements": LINE}, {"border": integer(0, 1)}),
    "rich_text_preformatted": Shape(
        {"elements": each(typed(INLINE, {"text", "link"}), MANY, 0)}, {"border": integer(0, 1), "language": string(50)}
    ),
    "rich_text_list": Shape(
        {"style": choice("bullet", "ordered"), "elements": each(SECTION, MANY)},
        {"indent": integer(0, 8), "offset": integer(0, MANY), "border": integer(0, 1)},
    ),
}
RICH_TEXT_ELEMENTS = each(typed(PARTS), MANY)
