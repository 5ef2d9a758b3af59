"""Readers of what only a look back takes: which stretch of time, who, and what they did."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from actions.periods import UP_TO_NOW, WEEKDAYS
from intents import quantities
from intents.grammar.piece import Piece
from intents.names import Names
from intents.tokens import Sentence

_HISTORY = frozenset({"history"})
_TO_NOW = frozenset(("query_logs", "query_metrics"))  # what looks up to now only: nothing there has an end
_ASKS = (("asks_past", True),)  # what makes a question about the past of a stretch of time
_BEFORE = ("from", "during", "of", "for")
_STRETCHES = {
    **{name: name for name in ("today", "yesterday", "this week", "last week", "this month", "last month")},
    "this morning": "today",
    "past week": "7d",
    "the past week": "7d",
    "the last week": "7d",
    "the week": "7d",
}
_BY_WORD = {
    first: [(tuple(text.split()), value) for text, value in _STRETCHES.items() if text.split()[0] == first]
    for first in (text.split()[0] for text in _STRETCHES)
}
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_HALVES = re.compile(r"(1[0-2]|[1-9])(am|pm)")
_NAME = re.compile(r"@?[^\W\d_][\w.'-]{0,39}")
_NOBODY = frozenset(
    (
        *("we", "people", "anyone", "anybody", "someone", "somebody", "everyone", "everybody", "you", "they", "he"),
        *(
            "she",
            "it",
            "that",
            "this",
            "there",
            "the",
            "a",
            "an",
            "our",
            "your",
            "twokey",
            "bot",
            "mistake",
            "accident",
        ),
        *("hand", "what", "who", "which", "when", "far", "now"),
    )
)
_DEEDS = {
    **dict.fromkeys(("deploy", "ship", "release", "deployed", "shipped", "released"), "deploy"),
    **dict.fromkeys(("restart", "restarted", "bounce", "bounced"), "restart"),
    **dict.fromkeys(("scale", "scaled", "resize", "resized"), "scale"),
    **dict.fromkeys(("change", "changed", "touch", "touched", "do", "done"), None),
}
_BACK = {"roll": "rollback", "rolled": "rollback"}
_ASKING = (("what", "did"), ("what", "has"), ("which", "changes", "did"), ("did",), ("when", "did"))


def at(sentence: Sentence, names: Names, start: int) -> Iterator[Piece]:
    """Every argument of a look back that may begin here."""
    yield from _period(sentence.words, start)
    yield from _person(sentence, names, start)
    yield from _by(sentence, names, start)
    if quantities.version(sentence.spelled[start]):  # "who approved checkout 1.4.2?": every change shows its version
        yield Piece(start + 1, _HISTORY, (("of_version", True),))


def _period(words: Sequence[str], start: int) -> Iterator[Piece]:
    place = start + (words[start] in _BEFORE)
    for stretch, value in _BY_WORD.get(words[place], ()) if place < len(words) else ():
        if tuple(words[place : place + len(stretch)]) == stretch:
            yield Piece(place + len(stretch), _HISTORY, (("period", value),))
            if value in UP_TO_NOW and " ".join(stretch) == value:
                yield Piece(place + len(stretch), _TO_NOW, (("window", value),))
    if words[start] in ("since", "after", "on", "from") and start + 1 < len(words):
        for end, value in _begins(words, start + 1):
            since = words[start] != "on"
            if since or value in WEEKDAYS:
                yield Piece(end, _HISTORY, (("period", f"since {value}" if since else value),))
            if since:
                yield Piece(end, _TO_NOW, (("window", f"since {value}"),))
        if words[start] == "since" and words[start + 1] == "yesterday":
            yield Piece(start + 2, _HISTORY, (("period", "2d"),))


def _begins(words: Sequence[str], place: int) -> Iterator[tuple[int, str]]:
    """`monday`, `14:00`, `2pm`."""
    word = words[place]
    if word in WEEKDAYS:
        yield place + 1, word
    clock, half = _CLOCK.fullmatch(word), _HALVES.fullmatch(word)
    if clock:
        yield place + 1, f"{int(clock[1]):02d}:{clock[2]}"
    if half:
        yield place + 1, f"{int(half[1]) % 12 + 12 * (half[2] == 'pm'):02d}:00"


def _person(sentence: Sentence, names: Names, start: int) -> Iterator[Piece]:
    """`what did ana deploy to`, `did ben approve`."""
    words = sentence.words
    for opening in _ASKING:
        place = start + len(opening)
        who = _called(sentence, names, place) if tuple(words[start:place]) == opening else None
        if who is None or place + 1 >= len(words):
            continue
        end, slots = _deed(words, place + 1)
        if end:
            end += end < len(words) and words[end] in ("to", "on", "in")
            yield Piece(end, _HISTORY, (*_ASKS, ("who", who), *slots))
            if words[end - 1] in ("to", "on", "in"):
                yield Piece(end - 1, _HISTORY, (*_ASKS, ("who", who), *slots))


def _deed(words: Sequence[str], place: int) -> tuple[int, tuple[tuple[str, str], ...]]:
    """The end of a verb, and what it says; 0 where there is none."""
    word = words[place]
    if word in ("approve", "approved"):
        return place + 1, (("part", "agreed"),)
    if word in _BACK and tuple(words[place + 1 : place + 2]) == ("back",):
        return place + 2, (("part", "asked"), ("did", "rollback"))
    if word not in _DEEDS:
        return 0, ()
    did = _DEEDS[word]
    return place + 1, (("part", "asked"), *((("did", did),) if did else ()))


def _by(sentence: Sentence, names: Names, start: int) -> Iterator[Piece]:
    """`by ana`, `approved by ben`."""
    words = sentence.words
    place = start + (words[start] in ("made", "approved", "done"))
    if tuple(words[place : place + 1]) == ("by",):
        who = _called(sentence, names, place + 1)
        if who is not None:
            part = "agreed" if words[start] == "approved" else "asked"
            yield Piece(place + 2, _HISTORY, (("who", who), ("part", part)))


def _called(sentence: Sentence, names: Names, place: int) -> str | None:
    """A word that can be somebody's name, as it was written; `me` for who speaks."""
    if place >= len(sentence.words):
        return None
    word, written = sentence.words[place], sentence.spelled[place]
    if word in ("i", "me", "myself"):
        return "me"
    known = names.services.get(word) or names.environments.get(word) or word in _NOBODY
    return None if known or not _NAME.fullmatch(written) else written
