"""Readers of how many replicas: `to 5`, `from 3 to 6`, `two more`, `up by 50 %`, `x2`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from intents import quantities
from intents.grammar.piece import Piece

_SCALE = frozenset({"scale"})
_NOUNS = frozenset(
    ("replicas", "replica", "pods", "pod", "instances", "instance", "copies", "copy", "containers", "capacity")
)
_ONE = (("replica",), ("pod",), ("instance",))
_MORE = {"more": "+", "extra": "+", "additional": "+", "fewer": "-", "less": "-"}
_A_SHARE = 10  # percent: "to 5%" may be a slip for "to 5", or a share of the traffic
_TIMES = re.compile(r"(?:x|×)(\d{1,3}(?:\.\d{1,3})?)|(\d{1,3}(?:\.\d{1,3})?)(?:x|×)", re.ASCII)
_SIGNED = re.compile(r"([+])([1-9]\d{0,4})", re.ASCII)
_FLAG = re.compile(r"(?:--)?replicas=(\d{1,9})", re.ASCII)


def at(words: Sequence[str], start: int) -> Iterator[Piece]:
    """Every amount that may begin here."""
    word = words[start]
    flag = _FLAG.fullmatch(word)
    if flag and quantities.integer(flag[1]):
        yield _piece(start + 1, "to", int(flag[1]))
    if word == "--replicas" and (found := quantities.number(words, start + 1)):
        yield _piece(found.end, "to", found.value)
    signed = _SIGNED.fullmatch(word)
    if signed:
        yield _noun(words, _piece(start + 1, "change", signed[1] + signed[2]))
    yield from _factor(words, start)
    yield from _percent(words, start)
    yield from _absolute(words, start)
    yield from _relative(words, start)


def _absolute(words: Sequence[str], start: int) -> Iterator[Piece]:
    place, kind = start, "number"
    if words[start] in ("to", "at", "=", "with", "→", "@"):
        place, kind = start + 1, "to"
        place += words[place : place + 1] in (("just",), ("exactly",))
    elif words[start] == "from":
        first = quantities.number(words, start + 1)
        middle = first.end if first else len(words)
        middle += tuple(words[middle : middle + 1]) in (("up",), ("down",))
        if middle >= len(words) or words[middle] not in ("to", "→"):
            return
        place, kind = middle + 1, "to"
    if words[place : place + 2] in (("a", "single"), ("one", "single")) and words[place + 2 : place + 3] in _ONE:
        yield _piece(place + 3, kind, 1)
    found = quantities.number(words, place)
    if found:
        yield _noun(words, _piece(found.end, kind, found.value))


def _relative(words: Sequence[str], start: int) -> Iterator[Piece]:
    by, more = words[start] == "by", words[start] in ("another", "additional", "extra")
    place = start + (by or more)
    found = quantities.number(words, place)
    if not found or not 0 < found.value < 100_000:
        return
    end = found.end
    if end < len(words) and words[end] in _MORE:
        yield _noun(words, _piece(end + 1, "change", f"{_MORE[words[end]]}{found.value}"))
    elif end + 1 < len(words) and words[end] in _NOUNS and words[end + 1] in _MORE:
        yield _piece(end + 2, "change", f"{_MORE[words[end + 1]]}{found.value}")
    elif more:
        yield _noun(words, _piece(end, "change", f"+{found.value}"))
    elif by:
        yield _noun(words, _piece(end, "by", found.value))


def _percent(words: Sequence[str], start: int) -> Iterator[Piece]:
    before = words[start] if words[start] in ("to", "by") else ""
    found = quantities.percent(words, start + bool(before))
    if not found:
        return
    if found.end < len(words) and words[found.end] in _MORE:
        if (share := shift(found.value, _MORE[words[found.end]])) and before != "to":
            yield _noun(words, _piece(found.end + 1, "change", share))
    elif before == "by":
        yield _piece(found.end, "by_percent", found.value)
    elif before == "to":
        piece = _piece(found.end, "change", quantities.percentage(found.value))
        yield piece if found.value >= _A_SHARE else piece._replace(slots=(*piece.slots, ("slight", True)))


def shift(value: int, sign: str) -> str | None:
    """`50 % more` -> x1.5, `25 % less` -> 75%; None where nothing would be left."""
    if sign == "+":
        return quantities.times(1 + Decimal(value) / 100)
    return f"{100 - value}%" if value < 100 else None


def _factor(words: Sequence[str], start: int) -> Iterator[Piece]:
    place = start + (words[start] in ("by", "to"))
    match = _TIMES.fullmatch(words[place]) if place < len(words) else None
    if match:
        factor = Decimal(match[1] or match[2])
        if factor > 0:
            yield _piece(place + 1, "change", quantities.times(factor))


def _piece(end: int, slot: str, value: int | str) -> Piece:
    return Piece(end, _SCALE, ((slot, value),))


def _noun(words: Sequence[str], piece: Piece) -> Piece:
    """With `replicas` or `pods` after it, if it stands there."""
    if piece.end < len(words) and words[piece.end] in _NOUNS:
        return Piece(piece.end + 1, piece.verbs, (*piece.slots, ("counted", True)))
    return piece
