"""Finds every way in which all words of a sentence fit together. Bounded: gives up rather than take long."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from intents.grammar import arguments, complaint
from intents.grammar.lexicon import Lexicon
from intents.grammar.piece import READS, Piece

STEPS = 20_000  # states looked at before giving up

_REPEATABLE = frozenset(
    (
        "service",
        "environment",
        "polite",
        "begs",
        "level",
        "ref",
        "varies",
        "order_read",
        "asks_changes",
        "latency",
        "counted",
        "weak",
        "asks",
        "aimed",
        "direction",
        "did",
        "asks_past",
        "part",
    )
)


_NAMES_IT = frozenset(("for", "about", "of", "mind", "on", "with"))  # "thanks for restarting cart" tells of no trouble


class Parse(NamedTuple):
    """One way to understand the whole sentence."""

    verbs: frozenset[str] | None
    slots: dict[str, Any]


def parses(text: arguments.Text, lexicon: Lexicon) -> list[Parse]:
    """Every distinct understanding; none where a word is left over or the sentence is too tangled."""
    size = len(text.words)
    pieces: list[list[Piece] | None] = [None] * size  # looked for where the words before fit together
    found: dict[Any, Parse] = {}
    seen: set[Any] = set()
    stack: list[tuple[int, frozenset[str] | None, frozenset[tuple[str, Any]]]] = [(0, None, frozenset())]
    while stack:
        state = stack.pop()
        if state in seen:
            continue
        seen.add(state)
        if len(seen) > STEPS:
            return []
        at, verbs, slots = state
        if at == size:
            found[verbs, slots] = Parse(verbs, dict(slots))
            continue
        here = pieces[at]
        if here is None:
            here = pieces[at] = list(_pieces(text, lexicon, at))
        for piece in here:
            merged = _merge(verbs, slots, piece)
            if merged is not None:
                stack.append((piece.end, *merged))
    return list(found.values())


def _pieces(text: arguments.Text, lexicon: Lexicon, start: int) -> Iterator[Piece]:
    yield from arguments.at(text, start)
    yield from complaint.at(text.sentence, text.names, lexicon, start)
    tells = False
    for end, phrase in lexicon.at(text.words, start):
        yield Piece(end, phrase.verbs, phrase.slots)
        tells = tells or (not start and ("gerund", True) in phrase.slots)
    after = lexicon.symptom(text.words, start)
    tells = tells or (start > 0 and text.words[start] == "restarting" and text.words[start - 1] in _NAMES_IT)
    if after is not None and not tells:  # "restarting cart" says what somebody does, "cart is restarting" what it has
        said = " ".join(text.sentence.spelled[start:after])
        yield Piece(after, frozenset({"triage"}), (("symptom", said),))


def _merge(
    verbs: frozenset[str] | None, slots: frozenset[tuple[str, Any]], piece: Piece
) -> tuple[frozenset[str] | None, frozenset[tuple[str, Any]]] | None:
    both = piece.verbs if verbs is None else verbs if piece.verbs is None else verbs & piece.verbs
    if both is not None and not both:
        return None
    if not piece.slots:
        return both, slots
    known = dict(slots)
    for key, value in piece.slots:
        if key in known and (known[key] != value or key not in _REPEATABLE):
            return None
        known[key] = value
    return both, frozenset(known.items())


def mutating(parse: Parse) -> bool:
    """Whether this understanding is of a change."""
    return "order" in parse.slots or (parse.verbs is not None and not parse.verbs & READS)
