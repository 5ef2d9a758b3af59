"""Phrases as data: two YAML files a language (orders and looks), read once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import resources
from itertools import product
from typing import Any, NamedTuple

import yaml

from intents import quantities
from intents.tokens import words_of

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_GROUP = re.compile(r"\(([^)]*)\)|\[([^\]]*)\]")


class Phrase(NamedTuple):
    """What a run of words may mean."""

    verbs: frozenset[str] | None  # None: says nothing about the verb
    slots: tuple[tuple[str, Any], ...]


class Lexicon:
    """Every phrase by its words; one look-up a position and length."""

    def __init__(self, data: dict[str, Any], reads: frozenset[str]) -> None:
        """`reads` are the verbs that `verbs: reads` stands for."""
        self._phrases: dict[tuple[str, ...], list[Phrase]] = {}
        for pattern in data["filler"].splitlines():
            self._add(pattern, Phrase(None, ()))
        for cue in data["cues"]:
            verbs = _verbs(cue["verbs"], reads)
            for pattern in cue["say"].splitlines():
                self._add(pattern, Phrase(verbs, tuple(cue.get("set", {}).items())))
        self.symptoms = frozenset(words for pattern in data["symptoms"].splitlines() for words in expand(pattern))
        self.troubles = frozenset(data["troubles"].split())
        self._longest, self._longest_symptom = _lengths(self._phrases), _lengths(self.symptoms)
        phrased = frozenset(word for words in (*self._phrases, *self.symptoms, self.troubles) for word in words)
        self.vocabulary = phrased | quantities.VOCABULARY

    def at(self, words: Sequence[str], start: int) -> Iterator[tuple[int, Phrase]]:
        """(end, phrase) of every phrase that begins here, the longest first."""
        for length in range(min(self._longest.get(words[start], 0), len(words) - start), 0, -1):
            for phrase in self._phrases.get(tuple(words[start : start + length]), ()):
                yield start + length, phrase

    def symptom(self, words: Sequence[str], start: int) -> int | None:
        """The end of the longest symptom that begins here."""
        longest = self._longest_symptom.get(words[start], 0) if start < len(words) else 0
        for length in range(min(longest, len(words) - start), 0, -1):
            if tuple(words[start : start + length]) in self.symptoms:
                return start + length
        return None

    def _add(self, pattern: str, phrase: Phrase) -> None:
        for words in expand(pattern):
            known = self._phrases.setdefault(words, [])
            if phrase not in known:
                known.append(phrase)


def _lengths(phrases: Iterable[tuple[str, ...]]) -> dict[str, int]:
    """How long the longest phrase is that begins with a word: most words begin none."""
    found: dict[str, int] = {}
    for words in phrases:
        found[words[0]] = max(found.get(words[0], 0), len(words))
    return found


@cache
def english(reads: frozenset[str]) -> Lexicon:
    """The English lexicon."""
    orders, looks = _data("en.yaml"), _data("en_looks.yaml")
    return Lexicon({**looks, **orders, "cues": [*orders["cues"], *looks["cues"]]}, reads)


def _data(file: str) -> dict[str, Any]:
    text = resources.files(__package__).joinpath(file).read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.load(text, Loader=_Loader)  # noqa: S506 - the loader is the safe one
    return data


def expand(pattern: str) -> list[tuple[str, ...]]:
    """Every wording of a phrase: `roll [it|that] back` -> roll back, roll it back, roll that back. No group nests."""
    parts: list[list[str]] = []
    at = 0
    for match in _GROUP.finditer(pattern):
        parts += [[pattern[at : match.start()]], _choices(match)]
        at = match.end()
    found = (words_of(" ".join(choice)) for choice in product(*parts, [pattern[at:]]))
    return [words for words in dict.fromkeys(found) if words]


def _choices(group: re.Match[str]) -> list[str]:
    return group[1].split("|") if group[1] is not None else ["", *group[2].split("|")]


def _verbs(named: str | list[str], reads: frozenset[str]) -> frozenset[str] | None:
    if named == "any":
        return None
    names = [named] if isinstance(named, str) else named
    return frozenset(verb for name in names for verb in (reads if name == "reads" else (name,)))
