"""A sentence as tokens: words, numbers, versions and marks, in lower case, with where they stood."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from intents import markup

MOST = 120  # tokens; more is a document, not a sentence

_ARROW = re.compile(r"\s*(→|⇒|➡|->|=>|-->)\s*")
_EMOJI_CODE = re.compile(r":([a-z0-9_+'-]+):")
_EMOJI_CODES = re.compile(rf"(?:{_EMOJI_CODE.pattern})+")
_OPENING, _CLOSING = "([{\"'¿¡", ")]}\"'.,;:!?…"
_BLANK = re.compile(r"[?!$#*%_]+")
_CALL = re.compile(
    r"^(\s*(?:scale|restart|deploy|rollback|status|logs|history))\((?=\w)", re.IGNORECASE
)  # scale(cart, prod, 5)
_PICTURE = "\ue003"  # stands for emoji that say nothing; a private character, which no sentence may hold
_SMILEY = re.compile(r"[:;=]'?-?[(/\\|DPOo3]+")  # the others end in what closes a sentence
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+", re.ASCII)
_BOX = re.compile(r"\[ ?\]")  # of a list of things to do
_SHORTENED = frozenset(("whats", "hows", "wheres", "whos", "whens", "whys"))  # as people type them in a hurry
_NO = frozenset(
    [
        "🚫",
        "❌",
        "⛔",
        "🛑",
        "✋",
        "🙅",
        "✖",
        "☐",
        "no_entry",
        "x",
        "no_entry_sign",
        "octagonal_sign",
        "stop_sign",
        "hand",
        "raised_hand",
        "-1",
        "thinking",
        "thinking_face",
        "🤔",
        "question",
        "❓",
        "thumbsdown",
        "👎",
    ]
)
_YES = frozenset(
    [
        "👍",
        "✅",
        "✔",
        "☑",
        "🚢",
        "+1",
        "thumbsup",
        "white_check_mark",
        "heavy_check_mark",
        "ship",
        "shipit",
        "ok_hand",
        "👌",
        "🆗",
    ]
)
_MARKS = frozenset(",;:!?.…()[]{}\"'")


class Told(NamedTuple):
    """A word in English, and the place of the words that it stands for."""

    word: str
    spelled: str
    start: int
    end: int


class Sentence:
    """What a person wrote, read once for everybody who looks at it."""

    def __init__(self, text: str) -> None:
        """Raises ValueError where the text is longer than `markup.LONGEST` or than `MOST` tokens."""
        if len(text) > markup.LONGEST:
            raise ValueError("too long")
        self.plain = markup.plain(text)
        self.spelled = tuple(_split(self.plain.text))  # as written, without the marks
        if len(self.spelled) > MOST:
            raise ValueError("too long")
        self.words = tuple(map(lower, self.spelled))
        self.asks = "?" in self.plain.text
        self.language = "en"
        self._written = self.spelled
        self._places = tuple((at, at + 1) for at in range(len(self.words)))

    def before(self, end: int) -> Sentence:
        """What stands before this word, as a sentence of its own; what was asked, quoted or hidden stays so."""
        cut = copy.copy(self)
        cut.words, cut.spelled, cut._places = self.words[:end], self.spelled[:end], self._places[:end]
        return cut

    def retell(self, language: str, told: Sequence[Told], quoted: tuple[tuple[str, ...], ...]) -> None:
        """The same in English words; what was written can still be found by `written`."""
        self.language, self.quoted = language, quoted
        self.words = tuple(one.word for one in told)
        self.spelled = tuple(one.spelled for one in told)
        self._places = tuple((one.start, one.end) for one in told)

    def written(self, start: int, end: int) -> str:
        """What the person wrote where the words from `start` to before `end` stand."""
        first, last = self._places[start][0], self._places[end - 1][1]
        return " ".join(self._written[first:last])

    @property
    def as_written(self) -> tuple[str, ...]:
        """Every word and mark in the language of the speaker."""
        return self._written

    def word_at(self, place: int) -> int | None:
        """Which word begins with what was written at `place`, or behind it; None within a phrase, or at the end."""
        at = next((at for at, (start, _) in enumerate(self._places) if start >= place), None)
        return at if at is not None and all(end <= place for _, end in self._places[:at]) else None

    @cached_property
    def blank(self) -> str | None:
        """Marks that hold somebody's place, as in `deploy checkout ??? to prod`; at the end they only end it."""
        return next((chunk for chunk in self.plain.text.split()[:-1] if _BLANK.fullmatch(chunk)), None)

    @cached_property
    def quoted(self) -> tuple[tuple[str, ...], ...]:
        """The words of every quotation."""
        return tuple(words_of(quote) for quote in self.plain.quotes)


def lower(word: str) -> str:
    """Lower case, but a letter that only becomes ASCII by it (the Kelvin sign) stays what it is."""
    small = word.lower()
    return word if small.isascii() and not word.isascii() else small


def words_of(text: str) -> tuple[str, ...]:
    """The words of a phrase, as `Sentence.words` would have them."""
    return tuple(map(lower, _split(text)))


def _split(text: str) -> list[str]:
    found: list[str] = []
    for line in _CALL.sub(r"\1 ", text.rstrip("~ ")).splitlines():
        if found and line.strip():
            found.append(";")
        for chunk in _BOX.sub("☐", _ARROW.sub(" → ", line.replace("=>", "→"))).split():
            words = [word for word in _chunk(chunk) if word]
            found += words or [_PICTURE] * _is_picture(chunk)
    return _ended(found)


def _is_picture(chunk: str) -> bool:
    return bool(_EMOJI_CODES.fullmatch(chunk)) or any(map(_is_emoji, chunk))


def _ended(words: list[str]) -> list[str]:
    """A picture between two words ends a thought, as a comma does; at either end of a sentence it only decorates."""
    last = max((at for at, word in enumerate(words) if word != _PICTURE), default=-1)
    found: list[str] = []
    for word in words[: last + 1]:
        if word != _PICTURE:
            found.append(word)
        elif found and found[-1] not in _MARKS:
            found.append(",")
    return found


def _chunk(chunk: str) -> list[str]:
    if _EMOJI_CODES.fullmatch(chunk):
        return [_emoji(code[1]) for code in _EMOJI_CODE.finditer(chunk)]
    if _SMILEY.fullmatch(chunk):
        return [","]
    if chunk.lower() == "'s":
        return [chunk]
    body = chunk.lstrip(_OPENING)
    core = body.rstrip(_CLOSING)
    tail = body[len(core) :]
    words: list[str] = []
    for part in _commas(core):
        words += _possessive(_without_emoji(part))
    if "?" in tail:
        words.append("?")
    elif set(tail) & {",", ";", ":", "…"} or (tail.startswith((".", "!")) and core):
        words.append(";" if set(tail) & {";", ".", "!", "…"} else ",")
    return words


def _commas(core: str) -> list[str]:
    if "," not in core:
        return [core]
    if _THOUSANDS.fullmatch(core):
        return [core.replace(",", "")]
    parts: list[str] = []
    for part in core.split(","):
        parts += [part, ","]
    return parts[:-1]


def _possessive(words: list[str]) -> list[str]:
    found: list[str] = []
    for word in words:
        if len(word) > 2 and word.lower().endswith("'s"):
            found += [word[:-2], "'s"]
        elif word.lower() in _SHORTENED:
            found += [word[:-1], "'s"]
        else:
            found.append(word)
    return found


def _without_emoji(part: str) -> list[str]:
    if part.isascii():
        return [part]
    words, word = [], ""
    for character in part:
        if _is_emoji(character):
            words += [word, _emoji(character)]
            word = ""
        else:
            word += character
    return [*words, word]


def _is_emoji(character: str) -> bool:
    return "\U0001f000" <= character <= "\U0001faff" or ("\u2600" <= character <= "\u27bf" and character != "➡")


def _emoji(name: str) -> str:
    """An emoji says no, says yes, or only decorates."""
    return "not" if name in _NO else "+1" if name in _YES else ""


def is_mark(word: str) -> bool:
    """Whether this token is only punctuation."""
    return word in _MARKS
