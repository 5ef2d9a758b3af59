"""Readers of what only reads take: how far back, how many lines, which words, which suite."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from intents import quantities
from intents.grammar.piece import Piece
from intents.names import Names
from intents.tokens import Sentence, is_mark

_TIMED = frozenset(("query_logs", "query_metrics"))
_LOOSELY_TIMED = _TIMED | {"history", "triage", "status"}
_LOGS = frozenset({"query_logs"})
_EVAL = frozenset({"run_eval"})
_LINES = ("lines", "line", "entries", "messages", "logs")
_SINCE = re.compile(r"--(?:since|tail|limit)=(\S+)")
_CONTAINING = (
    *(("that", word) for word in ("contain", "contains", "mention", "say")),
    *((word,) for word in ("containing", "contains", "with", "matching", "mentioning", "including", "saying")),
    *((word,) for word in ("about", "for", "grep", "like", "find", "search")),
    *((word, "for") for word in ("grep", "look", "search")),
    ("with", "the", "word"),
)
_BEGIN_CONTAINING = frozenset(opening[0] for opening in _CONTAINING)
_AGAINST = frozenset(("against", "vs", "vs.", "versus", "over", "baseline", "with", "to", "and", "than"))


def at(sentence: Sentence, names: Names, start: int) -> Iterator[Piece]:
    """Every argument of a read that may begin here."""
    yield from _window(sentence.words, start)
    yield from _limit(sentence.words, start)
    yield from _contains(sentence, names, start)
    yield from _suite(sentence, names, start)


def _window(words: Sequence[str], start: int) -> Iterator[Piece]:
    place = start + (words[start] in ("in", "over", "for", "during", "from", "since", "within"))
    said = place > start and words[start] == "since"
    if place < len(words) and words[place] in ("the", "these"):
        place += 1
    if place < len(words) and words[place] in ("last", "past", "previous"):
        place, said = place + 1, True
    found = quantities.duration(words, place)
    if found and (said or quantities.integer(words[place][:1])):
        end = found.end + (words[found.end : found.end + 1] in (["ago"], ("ago",)))
        calendar = words[place - 1] in ("last", "previous") and words[place] in ("week", "month")
        yield Piece(end, _LOOSELY_TIMED - ({"history"} if calendar else set()), (("window", found.value),))
    if words[start] == "since" and tuple(words[start + 1 : start + 2]) == ("yesterday",):
        yield Piece(start + 2, _TIMED, (("window", "1d"),))
    flag = _SINCE.fullmatch(words[start])
    if flag and words[start].startswith("--since"):
        value = quantities.duration([flag[1]], 0)
        if value:
            yield Piece(start + 1, _LOGS, (("window", value.value),))


def _limit(words: Sequence[str], start: int) -> Iterator[Piece]:
    flag = _SINCE.fullmatch(words[start])
    if flag and not words[start].startswith("--since") and quantities.integer(flag[1]):
        yield Piece(start + 1, _LOGS, (("limit", int(flag[1])),))
    dashed = words[start] == "tail" and start + 1 < len(words) and words[start + 1].removeprefix("-")
    if dashed and dashed != words[start + 1] and quantities.integer(dashed):
        yield Piece(start + 2, _LOGS, (("limit", int(dashed)),))
    place = start + (words[start] in ("last", "latest", "newest", "tail", "--tail", "the", "limit", "-n"))
    if place < len(words) and words[place] in ("last", "latest", "newest"):
        place += 1
    found = quantities.number(words, place)
    if not found:
        return
    lines = found.end < len(words) and words[found.end] in _LINES
    if tuple(words[found.end : found.end + 2]) == ("log", "lines"):
        lines, found = True, found._replace(end=found.end + 1)
    if lines or words[start] in ("tail", "--tail", "limit", "-n"):
        yield Piece(found.end + lines, _LOGS, (("limit", found.value),))
    elif words[found.end : found.end + 1] in (["errors"], ("errors",), ["error"], ("error",)):
        yield Piece(found.end, _LOGS, (("limit", found.value),))


def _contains(sentence: Sentence, names: Names, start: int) -> Iterator[Piece]:
    words = sentence.words
    if words[start] not in _BEGIN_CONTAINING:
        return
    for opening in _CONTAINING:
        place = start + len(opening)
        if tuple(words[start:place]) != opening or place >= len(words):
            continue
        for text, quote in zip(sentence.plain.quotes, sentence.quoted, strict=True):
            if quote and tuple(words[place : place + len(quote)]) == quote and len(text) <= 200:
                yield Piece(place + len(quote), _LOGS, (("contains", text.strip()),))
        word = words[place]
        if not (is_mark(word) or names.services.get(word) or names.environments.get(word) or word in _STOP):
            yield Piece(place + 1, _LOGS, (("contains", sentence.spelled[place]),))


_STOP = frozenset(
    [
        "the",
        "a",
        "an",
        "our",
        "last",
        "past",
        "in",
        "on",
        "of",
        "for",
        "to",
        "and",
        "or",
        "all",
        "any",
        "it",
        "that",
        "this",
        "me",
        "us",
        "errors",
        "error",
        "warnings",
        "logs",
        "lines",
    ]
)


def _suite(sentence: Sentence, names: Names, start: int) -> Iterator[Piece]:
    words = sentence.words
    for named in names.suites.at(words, start):
        yield Piece(named.end, _EVAL, (("suite", named.name),))
    if words[start] in _AGAINST or (words[start] == "compared" and words[start + 1 : start + 2] not in ([], ())):
        place = start + (2 if words[start] == "compared" else 1)
        while place < len(words) and (
            words[place] in ("the", "version", "model", "baseline") or names.services.get(words[place])
        ):
            place += 1
        if place < len(words) and quantities.version(sentence.spelled[place]):
            yield Piece(place + 1, _EVAL, (("baseline", sentence.spelled[place]),))
