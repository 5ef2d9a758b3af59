"""Which of an action's arguments rest on the speaker's own words or on the thread (R6). The same for every engine.

It looks at single words and phrases only, never at how an engine put them together, so it cannot share its mistakes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from intents.grammar import amounts, arguments
from intents.grammar.lexicon import Lexicon
from intents.guards import View
from intents.names import Names
from intents.tokens import Sentence, is_mark

_SMALL = frozenset(
    (
        "the",
        "our",
        "my",
        "to",
        "in",
        "on",
        "at",
        "of",
        "for",
        "from",
        "by",
        "with",
        "a",
        "an",
        "is",
        "its",
        "-n",
        "k",
        "kubectl",
    )
)
_FIGURE = re.compile(r"\d")
_AMOUNT_SLOTS = ("to", "number", "by", "by_percent", "change")


class Span(NamedTuple):
    """Where an argument was said: the words from `start` to before `end`."""

    start: int
    end: int


Source = Span | Literal["thread"]


class Alignment(NamedTuple):
    """What each argument of a change rests on, and which words are left over."""

    sources: dict[str, Source]
    verb: bool  # a plain word for this very change was said
    leftover: tuple[str, ...]

    def lacks(self, said: Mapping[str, Any]) -> tuple[str, ...]:
        """The arguments that rest on nothing."""
        return tuple(key for key, value in said.items() if value is not None and key not in self.sources)


def align(
    verb: str, said: Mapping[str, Any], sentence: Sentence, view: View, names: Names, lexicon: Lexicon,
    thread: Mapping[str, str],
) -> Alignment:  # fmt: skip
    """Rest every argument of a change on something that was said, exactly and without a rival."""
    sources: dict[str, Source] = {}
    for key, mentioned in (("service", view.services), ("environment", view.environments)):
        different = {named.name for named in mentioned}
        if different == {said.get(key)}:
            sources[key] = Span(mentioned[0].start, mentioned[0].end)
        elif not different and said.get(key) == thread.get(key) and view.points():
            sources[key] = "thread"
    text = arguments.Text(sentence, names)
    for key, value in said.items():
        if key not in ("service", "environment", "verb") and value is not None:
            span = _value(key, value, text)
            if span is not None:
                sources[key] = span
    cue = _cue(verb, sentence, lexicon)
    if verb == "rollback" and said.get("to") is None and any(map(_FIGURE.search, view.text.split())):
        cue = None  # a figure was said, and the previous revision is not what it says
    used = {at for span in sources.values() if isinstance(span, Span) for at in range(*span)}
    used |= set(range(*cue)) if cue else set()
    for named in (*view.services, *view.environments):
        used |= set(range(named.start, named.end))
    return Alignment(sources, cue is not None, _leftover(sentence, lexicon, used))


def _value(key: str, value: Any, text: arguments.Text) -> Span | None:
    """The one place where this value was said; None where it was not, or where another value was said as well."""
    found = list({"version": _versions, "to": _targets}.get(key, _amounts)(text))
    values = {said for _, said in found}
    if key == "replicas":
        values = {said for said in values if isinstance(said, int)} if len(values) == 1 else set()
    return found[0][0] if values == {value} else None


def _versions(text: arguments.Text) -> Iterator[tuple[Span, Any]]:
    for at in range(len(text.words)):
        for piece in (*arguments.version(text, at), *arguments.compound(text, at)):
            slots = dict(piece.slots)
            for slot in ("version", "source"):
                if slot in slots:
                    yield Span(at, piece.end), slots[slot]


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


def _cue(verb: str, sentence: Sentence, lexicon: Lexicon) -> tuple[int, int] | None:
    """Where a plain word for this change stands. Words that may mean much ("take", "make") are no evidence."""
    for at in range(len(sentence.words)):
        for end, phrase in lexicon.at(sentence.words, at):
            slots = dict(phrase.slots)
            if slots.get("order") == verb and not {"weak", "loose", "gerund", "needs_back", "give", "gives"} & set(
                slots
            ):
                return at, end
    return None


def _leftover(sentence: Sentence, lexicon: Lexicon, used: set[int]) -> tuple[str, ...]:
    fillers = set()
    for at in range(len(sentence.words)):
        for end, phrase in lexicon.at(sentence.words, at):
            if phrase.verbs is None:
                fillers |= set(range(at, end))
    return tuple(
        word
        for at, word in enumerate(sentence.words)
        if at not in used and at not in fillers and word not in _SMALL and not is_mark(word) and word != "→"
    )


def said_in(sentence: Sentence, value: str) -> bool:
    """Whether these very words stand in the sentence, in any case."""
    return value.lower() in sentence.plain.text.lower()
