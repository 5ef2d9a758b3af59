"""What somebody tells beside what they want: `cart is stuck in prod, restart it`, `nobody can pay, investigate cart`.

A complaint gives the target its name and nothing else; a version in it is never the one that is ordered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from intents import guards, quantities
from intents.grammar.lexicon import Lexicon
from intents.grammar.piece import Piece
from intents.names import Names
from intents.tokens import Sentence

_BE = frozenset(("is", "are", "'s", "keeps", "looks", "seems"))
_VERY = frozenset(("so", "very", "really", "a", "bit", "totally", "completely", "just", "again", "still", "pretty"))
_THEN = frozenset(("so", "and", "please", "pls"))
_TELLERS = frozenset(("we", "i", "they", "someone", "somebody"))
_DONE = frozenset((word,) for word in ("deployed", "released", "shipped", "pushed", "upgraded", "restarted", "scaled"))
_WHEN = frozenset(("yesterday", "today", "earlier", "recently", "just", "now", "version", "the", "an", "hour", "ago"))
_BECAUSE = frozenset((",", ";", "-", "because", "cause", "cuz", "cos", "since", "as"))
_ORDERS = frozenset(("deploy", "rollback", "scale", "restart"))
_TRIAGE = frozenset({"triage"})
_INVESTIGATE = frozenset(
    (
        "investigate",
        "triage",
        "diagnose",
        "debug",
        "troubleshoot",
        "into",
        "changed",
        "happened",
        "happening",
        "wrong",
        "why",
    )
)
_LONGEST = 300  # characters of a symptom


def at(sentence: Sentence, names: Names, lexicon: Lexicon, start: int) -> Iterator[Piece]:
    """A complaint that begins the sentence, or one that ends it."""
    words = sentence.words
    if start == 0 and words[0] in _TELLERS:
        yield from _told(sentence, names)
    if start == 0:
        yield from _recounted(sentence, names)
    if start == 0 or all(word in (",", "") for word in words[:start]):
        for named in names.services.at(words, start):
            yield from _before(sentence, names, lexicon, named.end, named.name)
    else:
        yield from _after(words, lexicon, start + (words[start] in _BECAUSE))
        yield from _told_behind(sentence, start)


def _before(sentence: Sentence, names: Names, lexicon: Lexicon, at: int, service: str) -> Iterator[Piece]:
    words, slots = sentence.words, dict[str, Any](service=service)
    if words[at : at + 1] in (("service",), ("queue",)):
        at += 1
    if at < len(words) and quantities.version(sentence.spelled[at]):
        at += 1
    at = _place(words, names, at, slots)
    end = _trouble(words, lexicon, at)
    if end is None:
        return
    end = _place(words, names, end, slots)
    if end < len(words) and words[end] in (",", ";", "so"):
        end += 1
        while end < len(words) and words[end] in _THEN:
            end += 1
        yield Piece(end, _ORDERS, tuple(slots.items()))


def _told(sentence: Sentence, names: Names) -> Iterator[Piece]:
    """`we deployed checkout 1.4 to prod yesterday, why is it slow?`: what was done is told, and a look is wanted."""
    words, slots, at = sentence.words, dict[str, Any](), 1
    at += words[at : at + 1] == ("just",)
    if words[at : at + 1] not in _DONE:
        return
    at += 1
    while at < len(words) and words[at] not in (",", ";", "and", "but"):
        named, place = next(names.services.at(words, at), None), _place(words, names, at, slots)
        if named is not None and "service" not in slots:
            slots["service"], at = named.name, named.end
        elif place > at:
            at = place
        elif words[at] in _WHEN or quantities.version(sentence.spelled[at]):
            at += 1
        else:
            return
    at += 1 + (words[at + 1 : at + 2] == ("now",))
    if "service" in slots and at < len(words):
        yield Piece(at, _TRIAGE, (*slots.items(), ("asks", True)))


def _recounted(sentence: Sentence, names: Names) -> Iterator[Piece]:
    """`customers can't pay in prod, please investigate …`: the symptom in any words that order nothing themselves."""
    words = sentence.words
    for end in (at for at, word in enumerate(words) if at and word in (",", ";", "?")):
        told = words[:end]
        if _INVESTIGATE.isdisjoint(words[end:]) or guards.orders(told):
            return
        services = [named.name for named in names.mentioned_services(told)]
        places = {named.name for named in names.mentioned_environments(told)}
        slots: list[tuple[str, Any]] = [("told", " ".join(sentence.spelled[:end])[:_LONGEST])]
        slots += [("environment", place) for place in places if len(places) == 1]
        yield Piece(end + 1, _TRIAGE, tuple(slots))
        if len({*services}) == 1:
            yield Piece(end + 1, _TRIAGE, (*slots, ("service", services[0])))


def _told_behind(sentence: Sentence, start: int) -> Iterator[Piece]:
    """`investigate search in prod, answers take forever`."""
    words = sentence.words
    if words[start] in (",", ";") and not _INVESTIGATE.isdisjoint(words[:start]) and not guards.orders(words[start:]):
        yield Piece(len(words), _TRIAGE, (("told", " ".join(sentence.spelled[start + 1 :])[:_LONGEST]),))


def _after(words: Sequence[str], lexicon: Lexicon, at: int) -> Iterator[Piece]:
    if words[at : at + 1] == ("its",):
        end = _state(words, lexicon, at + 1)
    elif words[at : at + 1] == ("it",):
        end = _trouble(words, lexicon, at + 1)
    else:
        return
    if end == len(words):
        yield Piece(end, _ORDERS, ())


def _place(words: Sequence[str], names: Names, at: int, slots: dict[str, Any]) -> int:
    if at < len(words) and words[at] in ("in", "on", "to") and "environment" not in slots:
        named = next(names.environments.at(words, at + 1), None)
        if named is not None:
            slots["environment"] = named.name
            return named.end
    return at


def _trouble(words: Sequence[str], lexicon: Lexicon, at: int) -> int | None:
    """`is really slow`, `hangs`."""
    if at < len(words) and words[at] in _BE:
        return _state(words, lexicon, at + 1)
    return at + 1 if at < len(words) and words[at] in lexicon.troubles else None


def _state(words: Sequence[str], lexicon: Lexicon, at: int) -> int | None:
    while at < len(words) and words[at] in _VERY:
        at += 1
    end = lexicon.symptom(words, at)
    return end + (words[end : end + 1] == ("again",)) if end is not None else None
