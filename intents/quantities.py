"""Numbers, changes of a number, durations and versions, as people say them. Shared by the grammar and the evidence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

_UNITS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = {
    word: 10 * n
    for n, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], start=2)
}
_WORDS = {**{word: n for n, word in enumerate(_UNITS)}, **_TENS, "hundred": 100}
_OPENERS = frozenset((*_WORDS, "a", "half", "dozen"))
_INTEGER = re.compile(r"0|[1-9]\d{0,8}", re.ASCII)
_PERCENT = re.compile(r"([1-9]\d{0,2})(?:%|percent)", re.ASCII)
_SHORT = re.compile(r"(\d{1,6})(s|sec|secs|m|min|mins|h|hr|hrs|d|w)", re.ASCII)
_VERSION = re.compile(
    r"(?!.*(?:[._-][xX](?:[._-]|$)|\.\.))(?!v?\d+(?:\.\d+)+-v?\d+\.\d+\.\d+$)"  # neither 1.4.x nor a range
    r"(?!\d{1,2}\.\d{1,2}\.(?:19|20)\d\d$)"  # nor a day
    r"(?:v?\d+(?:\.\d+)+(?:[-_+.][A-Za-z0-9][A-Za-z0-9._-]*)?(?<![.])"  # 1.4.2, v2.1, 1.5.0-rc.1
    r"|v\d+(?:[-_][A-Za-z0-9][A-Za-z0-9._-]*)?"  # v7
    r"|sha256:[0-9a-f]{64}"
    r"|sha-[0-9a-f]{4,40}"
    r"|(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,40}"  # a commit
    r"|(?:rc|build|release|main|master|trunk|develop|nightly|hotfix|feature|fix|pr|mr)[-_.]?\d[A-Za-z0-9._-]*"
    r"|20\d{6}(?:[-.]\w+)?)",  # a date as a build number
    re.ASCII | re.IGNORECASE,
)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", re.ASCII)
_UNIT_NAMES = {
    **dict.fromkeys(("second", "seconds", "sec", "secs", "s"), "s"),
    **dict.fromkeys(("minute", "minutes", "min", "mins", "m"), "m"),
    **dict.fromkeys(("hour", "hours", "hr", "hrs", "h"), "h"),
    **dict.fromkeys(("day", "days", "d"), "d"),
    **dict.fromkeys(("week", "weeks", "w"), "w"),
}
_QUARTER = ("quarter", "of", "an", "hour")
VOCABULARY = frozenset((*_WORDS, *_UNIT_NAMES, "dozen", "half", "quarter", "percent"))
"""English words of numbers and durations."""


class Found(NamedTuple):
    """A value and the position after its last word."""

    end: int
    value: int


class Span(NamedTuple):
    """A duration (`30m`) and the position after its last word."""

    end: int
    value: str


def number(words: Sequence[str], at: int) -> Found | None:
    """A whole number: `5`, `five`, `twenty five`, `a dozen`, `half a dozen`."""
    if at >= len(words) or not _may_be_number(words[at]):
        return None
    phrase = tuple(words[at : at + 3])
    if phrase == ("half", "a", "dozen"):
        return Found(at + 3, 6)
    if phrase[:2] == ("a", "dozen"):
        return Found(at + 2, 12)
    if phrase[:2] in {("a", "hundred"), ("one", "hundred")}:
        return Found(at + 2, 100)
    if _INTEGER.fullmatch(phrase[0]):
        return Found(at + 1, int(phrase[0]))
    if phrase[0] == "dozen":
        return Found(at + 1, 12)
    return _number_words(phrase, at)


def _may_be_number(word: str) -> bool:
    """A plain look, for the many words that are none."""
    return word in _OPENERS or word[:1].isdecimal() or "-" in word


def _number_words(phrase: tuple[str, ...], at: int) -> Found | None:
    tens, hyphen, unit = phrase[0].partition("-")
    if hyphen:
        known = tens in _TENS and unit in _UNITS[1:10]
        return Found(at + 1, _TENS[tens] + _UNITS.index(unit)) if known else None
    if tens not in _WORDS:
        return None
    if tens in _TENS and len(phrase) > 1 and phrase[1] in _UNITS[1:10]:
        return Found(at + 2, _TENS[tens] + _UNITS.index(phrase[1]))
    if len(phrase) > 1 and phrase[1] in ("hundred", "thousand", "million"):
        return None  # "five hundred": nobody means it, so nobody gets it
    return Found(at + 1, _WORDS[tens])


def percent(words: Sequence[str], at: int) -> Found | None:
    """`50%`, `50 %`, `50 percent`, `fifty percent`."""
    if at >= len(words):
        return None
    match = _PERCENT.fullmatch(words[at])
    if match:
        return Found(at + 1, int(match[1]))
    found = number(words, at)
    if (
        found
        and 0 < found.value < 1000
        and words[found.end : found.end + 1] in (["%"], ("%",), ["percent"], ("percent",))
    ):
        return Found(found.end + 1, found.value)
    return None


def percentage(value: int) -> str:
    """A share of what is there as `change` has it: 50 -> `50%`, 150 -> `x1.5`."""
    return f"{value}%" if value <= 100 else times(Decimal(value) / 100)


def times(factor: Decimal | int) -> str:
    """A factor as `change` has it: 2 -> `x2`, 1.50 -> `x1.5`."""
    text = f"{Decimal(factor):f}"
    return "x" + (text.rstrip("0").rstrip(".") if "." in text else text)


def duration(words: Sequence[str], at: int) -> Span | None:
    """`30m`, `6 h`, `two hours`, `half an hour`, `hour`, `day`; weeks are said in days."""
    fixed = {
        ("half", "an", "hour"): "30m",
        ("half", "hour"): "30m",
        ("hour", "and", "a", "half"): "90m",
        _QUARTER: "15m",
    }
    for phrase, value in fixed.items():
        if tuple(words[at : at + len(phrase)]) == phrase:
            return Span(at + len(phrase), value)
    if at >= len(words):
        return None
    short = _SHORT.fullmatch(words[at])
    if short:
        return _span(at + 1, int(short[1]), _UNIT_NAMES[short[2]])
    if words[at] in ("hour", "day", "week", "minute"):
        return _span(at + 1, 1, _UNIT_NAMES[words[at]])
    if words[at] in ("a", "an") and at + 1 < len(words) and words[at + 1] in ("hour", "day", "week", "minute"):
        return _span(at + 2, 1, _UNIT_NAMES[words[at + 1]])
    count = number(words, at)
    if count and count.end < len(words) and words[count.end] in _UNIT_NAMES:
        return _span(count.end + 1, count.value, _UNIT_NAMES[words[count.end]])
    return None


def _span(end: int, count: int, unit: str) -> Span | None:
    if not 0 < count < 100_000:
        return None
    return Span(end, f"{count * 7}d" if unit == "w" else f"{count}{unit}")


def version(word: str) -> bool:
    """Whether a word is a version by its look alone."""
    return bool(_VERSION.fullmatch(word))


def tag(word: str) -> bool:
    """Whether a word may be an image's tag where the sentence says that it is one."""
    return (bool(_TAG.fullmatch(word)) and not word.endswith((".x", "-x")) and ".." not in word) or version(word)


def integer(word: str) -> bool:
    """Whether a word is a whole number in digits."""
    return bool(_INTEGER.fullmatch(word))
