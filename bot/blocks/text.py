"""Text that others wrote, made harmless: it never pings, links, unfurls, formats or forges a line (S5)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate

from actions import quantities

ELLIPSIS = "…"
_EMPTY = "(empty)"
_KEPT = "\n\t\u200d"  # line ends, and the joiner that emoji are made with
_GROUP_PING = re.compile(r"@(here|channel|everyone)\b", re.IGNORECASE)
_ESCAPED = re.compile(r"\\(\\|\(|n|t|r|U[0-9a-f]{8})")
_NAMED = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\\": "\\\\"}
_BACK = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "(": "("}


def clip(text: str, limit: int) -> str:
    """At most `limit` characters; an ellipsis stands for what was cut."""
    return text if len(text) <= limit else text[: limit - 1] + ELLIPSIS


def escape(text: str) -> str:
    """For mrkdwn and fallback texts: `&`, `<`, `>` as Slack asks, group mentions broken, unseen characters dropped.

    Source: docs.slack.dev, "Formatting message text", section "Escaping text".
    """
    broken = _GROUP_PING.sub("@\u2060\\1", seen(text))  # a word joiner: reads the same, pings nobody
    return broken.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def seen(text: str) -> str:
    """For plain text and rich text, which Slack shows verbatim: only unseen characters are dropped."""
    if text.isprintable():  # most texts: nothing in them that Unicode calls other or a separator, blanks apart
        return text
    return "".join(c for c in text if c in _KEPT or not _unseen(c))


def line(text: str) -> str:
    """One line, without unseen characters: words of others among words of ours can add no line of their own."""
    return " ".join(seen(text).split())


def spelled(text: str) -> str:
    """One line that shows every character of a value and can be read back by `unspelled`.

    Line ends, control characters, direction overrides and other invisible characters are written as escapes,
    so that a value can neither add lines to a card nor show itself as another value.
    """
    if not text:
        return _EMPTY
    as_it_is = text.isprintable() and "\\" not in text
    whole = text if as_it_is else "".join(_NAMED.get(c) or (f"\\U{ord(c):08x}" if _unseen(c) else c) for c in text)
    if whole == _EMPTY:
        return "\\" + whole
    # Blanks at an end cannot be seen, and Slack cuts them.
    if whole[0].isspace():
        whole = f"\\U{ord(whole[0]):08x}{whole[1:]}"
    if whole[-1].isspace():
        whole = f"{whole[:-1]}\\U{ord(whole[-1]):08x}"
    return whole


def unspelled(shown: str) -> str:
    """The value that `spelled` shows."""
    if shown == _EMPTY:
        return ""
    return _ESCAPED.sub(lambda m: chr(int(m[1][1:], 16)) if m[1][0] == "U" else _BACK[m[1]], shown)


def moment(at: datetime, form: str = "{time}") -> str:
    """A time in the reader's own zone, with UTC as the fallback; for mrkdwn."""
    spare = at.strftime("%H:%M UTC") if form == "{time}" else at.strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(at.timestamp())}^{form}|{spare}>"


def local(text: str, now: datetime) -> str:
    """mrkdwn written about `now`, in which every time in UTC is the reader's own; UTC is the fallback."""
    for match, at in reversed(quantities.moments(text, now)):
        shown = f"<!date^{int(at.timestamp())}^{form(match)}|{match[0]}>"
        text = f"{text[: match.start()]}{shown}{text[match.end() :]}"
    return text


def form(match: re.Match[str]) -> str:
    """How Slack is to write such a time: with its day where the words have one."""
    return "{date_short_pretty} {time}" if " " in match[0].removesuffix(" UTC") else "{time}"


def bar(done: int, total: int, width: int = 10) -> str:
    """`▓▓▓▓▓▓▓▓░░` for 4 of 5."""
    filled = min(width, max(0, done * width // total)) if total > 0 else 0
    return "▓" * filled + "░" * (width - filled)


def fitting(texts: Sequence[str], room: int) -> int:
    """How many of these, the first ones, have together at most so many characters; one at least."""
    return max(1, sum(width <= room for width in accumulate(map(len, texts))))


def listed(words: list[str], last: str = "or") -> str:
    """`ben`, `ben or carla`, `ben, carla or dora`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else "nobody"


def _unseen(character: str) -> bool:
    """Control and format characters, surrogates, unassigned ones and line separators."""
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"}
