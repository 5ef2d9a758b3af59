"""Why a sentence was read as it was: each argument beside the words that it stands in (R6). Shown to who asks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from intents import evidence, wording
from intents.evidence import Span
from intents.guards import View
from intents.languages import NAMES
from intents.names import Names
from intents.reading import Command, Question, Reading
from intents.tokens import Sentence

_ASKED = re.compile(
    r"\W*(?:why|how) did you (?:read|understand|interpret) (?:it|that|this|me)(?: so| (?:that|this) way| like that)?\W*"
    r"|\W*(?:why|how) did you get (?:that|there|to that)\W*|\W*explain (?:that|this|your) reading\W*",
    re.IGNORECASE,
)


def is_asked(text: str) -> bool:
    """Whether somebody asks why their sentence was read as it was."""
    return bool(_ASKED.fullmatch(text))


def lines(reading: Reading, sentence: Sentence, view: View, names: Names, thread: Mapping[str, str]) -> tuple[str, ...]:
    """What was understood, and for each argument the person's own words or the thread; no markup."""
    if isinstance(reading, Command):
        action = reading.action.as_json()
    elif isinstance(reading, Question):
        action = dict(reading.so_far)
    else:
        return (f"I did not act on that: {reading.say}",)
    known = {key: value for key, value in action.items() if value is not None and key != "verb"}
    who = (
        "the model read it, and I checked it against your words" if reading.engine == "model" else "no model was needed"
    )
    first = f"I read: {wording.what(action)} ({who})."
    told = f"From {NAMES[sentence.language]}: {' '.join(sentence.words)}" if sentence.language in NAMES else ""
    found = _sources(known, sentence, view, names, thread)
    return tuple(line for line in (first, told, *found) if line)


def _sources(
    known: Mapping[str, JsonValue], sentence: Sentence, view: View, names: Names, thread: Mapping[str, str]
) -> Iterator[str]:
    aligned = evidence.align(known, sentence, view, names, thread)
    for key, value in known.items():
        source = aligned.get(key)
        if isinstance(source, Span):
            yield f"{key} {value}: you wrote “{sentence.written(source.start, source.end)}”"
        elif source == "thread" or (source is None and thread.get(key) == value):
            yield f"{key} {value}: from my last action in this thread"
        elif evidence.said_in(sentence, str(value)):
            yield f"{key} {value}: you wrote it"
        elif key == "environment":
            yield f"{key} {value}: you named none, and for a look I take the only production there is, or the channel's"
        else:
            yield f"{key} {value}: from your sentence as a whole"
