"""From a chat message to the plain words that a person sees: Slack's markup undone, hidden characters dealt with.

Source of the markup: Slack's "Formatting message text". Nothing here guesses; what cannot be shown plainly is flagged.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import NamedTuple

LONGEST = 4_000  # characters; an order is a sentence, not a document

_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f\ufe0e\ufe0f"))
_STRAIGHT = str.maketrans(
    {
        "‘": "'",
        "’": "'",
        "‚": "'",
        "“": '"',
        "”": '"',
        "„": '"',
        "«": '"',
        "»": '"',
        "\u00a0": " ",
        "「": '"',
        "」": '"',
        "，": ", ",
        "。": ". ",
        "？": "? ",
        "！": "! ",
        "；": "; ",
        "：": ": ",
        "\u037e": ";",
    }
)
_ANGLE = re.compile(r"<([@#!]?)([^<>\s|]+)(?:\|([^<>]*))?>")
_STRUCK = re.compile(r"(?:^|(?<=\s))~(?=\S)[^~\n]+(?<=\S)~(?=\s|$|[.,;!?])")
_QUOTED_LINE = re.compile(r"(?m)^\s*>")
_FENCE = re.compile(r"```(.*?)```", re.DOTALL)
_CODE = re.compile(r"`([^`\n]*)`")
_EMPHASIS = re.compile(r"(?<![\w*_])([*_])(?=\S)([^*_\n]+)(?<=\S)\1(?![\w*_])")
_QUOTES = re.compile(r'"([^"\n]*)"|(?<!\S)\'([^\'\n]+)\'(?=$|[\s.,;:!?)])')


class Plain(NamedTuple):
    """A message without its markup."""

    text: str
    hidden: bool = False  # holds characters that show something else than they are
    quotes: tuple[str, ...] = ()  # what stands in quotation marks, code blocks and quoted lines
    struck: bool = False  # holds words that are crossed out
    people: int = 0  # mentions beside the first, which is the bot's own


def plain(message: str) -> Plain:
    """The words as they are seen. `message` must not be longer than `LONGEST`."""
    text = message.translate(_INVISIBLE).translate(_STRAIGHT)
    hidden = any(unicodedata.category(c) in ("Cf", "Co", "Cs") for c in text)
    text, people = _mentions(text)
    text = html.unescape(text)
    struck = bool(_STRUCK.search(text))
    text = _STRUCK.sub(lambda match: match[0][1:-1], text)
    quotes = [match[1] for match in _FENCE.finditer(text)]
    quotes += [line for line in text.splitlines() if _QUOTED_LINE.match(line)]
    text = _FENCE.sub(r" \1 ", text)
    text = _CODE.sub(r"\1", text)
    text = _EMPHASIS.sub(r"\2", text)
    quotes += [match[1] or match[2] or "" for match in _QUOTES.finditer(text)]
    return Plain(text, hidden, tuple(quotes), struck, people)


def _mentions(text: str) -> tuple[str, int]:
    """The text with angle brackets undone; one mention of a person is the bot's own and goes, the others stay."""
    people = 0

    def shown(match: re.Match[str]) -> str:
        nonlocal people
        mark, target, label = match.groups()
        if mark == "@":
            people += 1
            return " " if people == 1 else " @somebody "
        if mark == "#":
            return f" #{label or target} "
        if mark == "!":
            return " @somebody " if target.startswith("subteam") else " @channel "
        return f" {label} " if label and label in target else f" {target} "

    return _ANGLE.sub(shown, text), max(0, people - 1)
