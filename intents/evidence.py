"""Which of an action's arguments rest on the speaker's own words or on the thread (R6). The same for every engine.

It looks at single words and phrases only, never at how an engine put them together, so it cannot share its mistakes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from intents.grammar import amounts, arguments
from intents.guards import View
from intents.names import Names
from intents.tokens import Sentence

_AMOUNT_SLOTS = ("to", "number", "by", "by_percent", "change")


class Span(NamedTuple):
    """Where an argument was said: the words from `start` to before `end`."""

    start: int
    end: int


Source = Span | Literal["thread"]


def lacking(
    said: Mapping[str, Any], sentence: Sentence, view: View, names: Names, thread: Mapping[str, str]
) -> tuple[str, ...]:
    """The arguments of a change that rest on nothing."""
    sources = align(said, sentence, view, names, thread)
    return tuple(key for key, value in said.items() if value is not None and key not in sources)


def align(
    said: Mapping[str, Any], sentence: Sentence, view: View, names: Names, thread: Mapping[str, str]
) -> dict[str, Source]:
    """What each argument of a change rests on: words that say exactly this and have no rival, or the thread."""
    sources: dict[str, Source] = {}
    for key, mentioned in (("service", view.services), ("environment", view.environments)):
        different = {named.name for named in mentioned}
        if different == {said.get(key)}:
            sources[key] = Span(mentioned[0].start, mentioned[0].end)
        elif not different and said.get(key) == thread.get(key) and view.points():
            sources[key] = "thread"
    text = arguments.Text(sentence, names)
    for key, value in said.items():
        if key not in ("service", "environment"):
            span = _value(key, value, text)
            if span is not None:
                sources[key] = span
    return sources


def _value(key: str, value: Any, text: arguments.Text) -> Span | None:
    """The one place where this value was said; None where it was not, or where another value was said as well."""
    found = list({"version": _versions, "to": _targets}.get(key, _amounts)(text))
    return found[0][0] if {said for _, said in found} == {value} else None


def _versions(text: arguments.Text) -> Iterator[tuple[Span, Any]]:
    for at in range(len(text.words)):
        for piece in (*arguments.version(text, at), *arguments.compound(text, at)):
            slots = dict(piece.slots)
            if "version" in slots:
                yield Span(at, piece.end), slots["version"]
            if "source" in slots:
                yield Span(at, piece.end), f"from {slots['source']}"  # what runs now is a rival, never what is wanted


def _targets(text: arguments.Text) -> Iterator[tuple[Span, Any]]:
    yield from _versions(text)
    for at in range(len(text.words)):
        for piece in arguments.revision(text, at):
            slots = dict(piece.slots)
            if "revision" in slots:
                yield Span(at, piece.end), slots["revision"]


def _amounts(text: arguments.Text) -> Iterator[tuple[Span, Any]]:
    """Every amount that was said: a number of replicas as an integer, a change as it is written."""
    for at in range(len(text.words)):
        for piece in amounts.at(text.words, at):
            slot = next(slot for slot, _ in piece.slots if slot in _AMOUNT_SLOTS)
            value = dict(piece.slots)[slot]
            if slot in ("by", "by_percent"):
                value = f"{slot} {value}"  # a direction has to come with it, which only the grammar puts together
            yield Span(at, piece.end), value


def periods(sentence: Sentence, names: Names) -> frozenset[str]:
    """The stretches of time that were said, as a look back takes them."""
    text = arguments.Text(sentence, names)
    found = (dict(piece.slots) for at in range(len(text.words)) for piece in arguments.past_of(text, at))
    return frozenset(
        str(slots.get("period") or slots["window"]) for slots in found if slots.keys() & {"period", "window"}
    )


def said_in(sentence: Sentence, value: str) -> bool:
    """Whether these very words stand in the sentence, in any case."""
    return value.lower() in sentence.plain.text.lower()
