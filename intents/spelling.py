"""Slips of the finger in the words of an order: `restrat`, `depoy`, `scael`. Names are never mended, only suggested.

One slip a word: two neighbouring letters swapped, one left out, one typed twice or, in a longer word, one wrong; the
first letter as it should be, or swapped with the second in a longer word.
Words that are words of their own ("stats", "sale") are no slips.
"""

from __future__ import annotations

from collections.abc import Iterator
from string import ascii_lowercase

from intents.names import Names
from intents.tokens import Sentence

_WORDS = (
    *("restart", "bounce", "reboot", "recycle", "deploy", "release", "upgrade", "promote", "rollback", "revert"),
    *("scale", "resize", "double", "triple", "increase", "decrease", "reduce", "status", "history", "errors"),
    *("latency", "memory", "metrics", "requests", "replicas", "replica", "version", "revision", "previous"),
    *("please", "investigate", "triage", "traffic", "instances", "instance", "restarts", "restarted", "warnings"),
)
_SWAPPED = ("logs", "pods", "roll", "show", "kick", "ship", "push", "bump", "undo", "with", "from", "the")
"""Short words: only two neighbouring letters swapped, since one letter more or less makes another word of them."""
_OWN = frozenset(
    ("form", "hits", "error", "metric", "request", "sale", "decease", "tripe", "tirage", "pleas", "revet", "stats")
)


_LONG = 6  # letters; with one of fewer letters wrong, another word is too near: "stale" is no "scale"


def _slips(word: str) -> Iterator[str]:
    for at in range(1, len(word)):
        yield word[:at] + word[at + 1 :]
        yield word[: at + 1] + word[at:]
        if at + 1 < len(word):
            yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        if len(word) >= _LONG:
            yield from (word[:at] + letter + word[at + 1 :] for letter in ascii_lowercase)


def _swaps(word: str) -> Iterator[str]:
    for at in range(len(word) - 1):
        if word[at] != word[at + 1]:
            yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]


_ALL = [
    *((slip, word) for word in _WORDS for slip in _slips(word)),
    *((slip, word) for word in (*_SWAPPED, *(word for word in _WORDS if len(word) >= _LONG)) for slip in _swaps(word)),
]
_MEANT = {slip: word for slip, word in _ALL if slip not in _OWN and slip not in (*_WORDS, *_SWAPPED)}


def mend(sentence: Sentence, names: Names) -> None:
    """Puts the words that were meant into `sentence.words`; what was written stays in `sentence.spelled`."""
    if any(word in _MEANT for word in sentence.words):
        sentence.words = tuple(_mended(word, names) for word in sentence.words)


def _mended(word: str, names: Names) -> str:
    if names.services.get(word) or names.environments.get(word) or names.suites.get(word):
        return word
    return _MEANT.get(word, word)
