"""Sentences in other languages, retold in the English words that the grammar and the guards know. Phrases are data.

Word by word, the longest phrase first; a word that a language's file does not have stays as it is and so stops the
grammar, which takes no sentence with a word left over. The guards look at the retold sentence: a language has to say
how it negates, supposes, asks and tells, and each file is held to that by the tests.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from importlib import resources
from typing import NamedTuple

from intents import quantities
from intents.grammar.lexicon import expand
from intents.names import Names
from intents.tokens import Sentence, Told, is_mark, lower

NAMES = {"de": "German", "el": "Greek", "es": "Spanish", "fr": "French", "zh": "Chinese"}
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+|[^\u3400-\u4dbf\u4e00-\u9fff]+")
_FIGURE = re.compile(r"[vx×+-]?\d", re.ASCII)
_PLACES = {  # what a language calls an environment, by the names that a catalogue may have for it
    "@production": ("production", "prod", "live"),
    "@staging": ("staging", "stage", "stg"),
    "@development": ("development", "dev"),
    "@test": ("test", "testing", "qa"),
}


class Said(NamedTuple):
    """English words for a phrase, and where a figure or a version follows: "auf 5" is "to 5", "en 1.4.2" "to 1.4.2"."""

    words: tuple[str, ...]
    before_figure: tuple[str, ...]
    before_version: tuple[str, ...]
    first: bool = False  # is an order before the service's name; after it, it tells: "api redémarre"


_NOTHING = Said((), (), ())


class Language:
    """The phrases of one language."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        self.exact: dict[tuple[str, ...], Said] = {}  # with its accents
        self.phrases: dict[tuple[str, ...], Said] = {}  # without
        self.parted: dict[tuple[str, ...], list[tuple[tuple[str, ...], Said]]] = {}  # starte … neu
        self.joined: frozenset[str] = frozenset()  # written together with the next word: l'environnement
        for line in text.splitlines():
            if line.startswith("joined: "):
                self.joined = frozenset(line.split()[1:])
            elif line.strip() and not line.startswith("#"):
                self._add(line)
        ends = (end for known in self.parted.values() for end, _ in known)
        self.vocabulary = frozenset(word for phrase in (*self.phrases, *self.parted, *ends) for word in phrase)
        self._longest = max(map(len, (*self.phrases, *self.parted)))

    def _add(self, line: str) -> None:
        english, _, phrases = line.partition(" = ")
        ways = [_english(way) for way in english.strip().removesuffix(" !").split(" / ")]
        said = Said(ways[0], ways[min(1, len(ways) - 1)], ways[-1], english.endswith(" !"))
        for pattern in phrases.split(";"):
            opening, parted, closing = pattern.partition("…")
            for words in map(self._keys, expand(opening)):
                if parted:
                    ends = [(folded(end), said) for end in map(self._keys, expand(closing))]
                    self.parted.setdefault(folded(words), []).extend(ends)
                else:  # as it is written, and as it is typed in a hurry: "redémarré" tells, and "redemarre" orders
                    self.exact.setdefault(words, said)
                    self.phrases.setdefault(folded(words), said)

    def _keys(self, words: Sequence[str]) -> tuple[str, ...]:
        return tuple(part.replace("’", "'") for word in words for part in self._apart(word))

    def _apart(self, word: str) -> tuple[str, ...]:
        """`l'environnement` as two words."""
        opening, apostrophe, rest = word.partition("'")
        return (opening + apostrophe, rest) if rest and opening in self.joined else (word,)

    def split(self, words: Sequence[str], names: Names) -> Iterator[tuple[str, int]]:
        """The words again, with what this language writes together taken apart; each with its place."""
        for at, word in enumerate(words):
            if self.code == "zh" and not word.isascii():
                for run in _HAN.findall(word):
                    yield from ((part, at) for part in self._parts(run, names))
            else:
                yield from ((part, at) for part in self._apart(word))

    def _parts(self, run: str, names: Names) -> Iterator[str]:
        """A run of Chinese as its longest known phrases; what is not known stays together."""
        if run.isascii():
            yield run
            return
        unknown, at = "", 0
        while at < len(run):
            for length in range(min(8, len(run) - at), 0, -1):
                part = run[at : at + length]
                if (part,) in self.phrases or names.services.get(part) or names.environments.get(part):
                    if unknown:
                        yield unknown
                    unknown = ""
                    yield part
                    at += length
                    break
            else:
                unknown += run[at]
                at += 1
        if unknown:
            yield unknown

    def retell(self, words: Sequence[str], names: Names) -> list[Told]:
        """These words in English."""
        parts = list(self.split(words, names))
        keys = tuple(word.lower() for word, _ in parts)
        found: list[tuple[Said | None, int, int]] = []
        at, taken = 0, frozenset[int]()  # words that belong to a phrase which began before
        while at < len(parts):
            said, end, later = (_NOTHING, at + 1, taken) if at in taken else self._longest_at(keys, at)
            taken |= later
            found.append((said, at, end))
            at = end
        return _in_english(found, parts, names)

    def _longest_at(self, keys: tuple[str, ...], at: int) -> tuple[Said | None, int, frozenset[int]]:
        """The longest phrase here: its English, its end, and the places of its second part further on."""
        for length in range(min(self._longest, len(keys) - at), 0, -1):
            words, end = keys[at : at + length], at + length
            plain = folded(words)
            for closing, said in self.parted.get(plain, ()):
                for place in range(end, len(keys) - len(closing) + 1):
                    if folded(keys[place : place + len(closing)]) == closing:
                        return said, end, frozenset(range(place, place + len(closing)))
            if words in self.exact or plain in self.phrases:
                return self.exact.get(words) or self.phrases[plain], end, frozenset()
        return None, at + 1, frozenset()


def _in_english(found: list[tuple[Said | None, int, int]], parts: list[tuple[str, int]], names: Names) -> list[Told]:
    told: list[Told] = []
    named = _first_name(found, parts, names)
    for said, start, end in reversed(found):  # from the end, since a phrase may depend on what follows
        places = (parts[start][1], parts[end - 1][1] + 1)
        words = _words(said, names, told[-1].word if told else "", late=start > named)
        if words is None:
            told += [Told(lower(word), word, at, at + 1) for word, at in reversed(parts[start:end])]
        else:
            told += [Told(word, word, *places) for word in reversed(words)]
    return told[::-1]


def _words(said: Said | None, names: Names, following: str, *, late: bool) -> tuple[str, ...] | None:
    """The English of a phrase. None where there is none, or where it is a service's name, which nobody said then."""
    if said is None:
        return None
    figure = said.before_figure if _FIGURE.match(following) else said.words
    way = said.before_version if quantities.version(following) else figure
    words = tuple(_place(word, names) for word in way)
    if any(names.services.get(word) for word in words):
        return None
    return ("he", *words) if said.first and late else words


def _first_name(found: list[tuple[Said | None, int, int]], parts: list[tuple[str, int]], names: Names) -> int:
    """Where the first service is named; after everything where none is."""
    places = (start for said, start, _ in found if said is None and names.service(lower(parts[start][0])))
    return next(places, len(parts))


def _place(word: str, names: Names) -> str:
    known = _PLACES.get(word)
    if known is None:
        return word
    return next((name for name in known if names.environments.get(name)), known[0])


def _english(text: str) -> tuple[str, ...]:
    return () if text.strip() == "-" else tuple(text.split())


def folded(words: Sequence[str]) -> tuple[str, ...]:
    """Words without accents, as people type them when in a hurry; for words of phrases only, never for names."""
    return tuple(word if word.isascii() else _folded(word) for word in words)


@lru_cache(maxsize=10_000)
def _folded(word: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFD", word) if unicodedata.category(c) != "Mn")
    return plain.replace("ß", "ss")


@cache
def languages() -> tuple[Language, ...]:
    """Every language there is a file for."""
    folder = resources.files(__package__)
    return tuple(Language(code, folder.joinpath(f"{code}.txt").read_text(encoding="utf-8")) for code in NAMES)


@cache
def _guards() -> dict[str, Language]:
    """What each language says a guard in."""
    folder = resources.files(__package__)
    return {code: Language(code, folder.joinpath(f"guard-{code}.txt").read_text(encoding="utf-8")) for code in NAMES}


def guard_words(sentence: Sentence, names: Names) -> list[Told]:
    """The sentence's words as a guard would be said in English; those that say nothing of one stay as they are."""
    written = sentence.as_written
    if sentence.language in _guards():
        return _guards()[sentence.language].retell(written, names)
    return [Told(lower(word), word, at, at + 1) for at, word in enumerate(written)]


def understand(sentence: Sentence, names: Names, english: frozenset[str]) -> bool:
    """Retells the sentence where it is in another language; whether it did. `english` are the words of English."""
    if not _known(_foreign(sentence.words, names, english)):
        return False
    best = max(languages(), key=lambda language: _hits(language, sentence.words, names, english))
    if not _hits(best, sentence.words, names, english):
        return False
    spelled = list(sentence.spelled)
    if best.code == "el" and spelled and spelled[-1] == ";":  # the Greek question mark
        spelled[-1] = "?"
        sentence.asks = True
    told = best.retell(spelled, names)
    quoted = tuple(tuple(one.word for one in best.retell(quote, names)) for quote in sentence.quoted)
    sentence.retell(best.code, told, quoted)
    return True


@cache
def _vocabulary() -> frozenset[str]:
    return frozenset().union(*(language.vocabulary for language in languages()))


def _known(words: Sequence[str]) -> bool:
    """Whether any of these may be a word of another language, also one that is written together with others."""
    return any(not word.isascii() or "'" in word or word in _vocabulary() for word in words)


def _foreign(words: Iterable[str], names: Names, english: frozenset[str]) -> list[str]:
    """The words that are no English, no name and no figure."""
    return [
        word
        for word in words
        if word not in english
        and not is_mark(word)
        and not (word.isascii() and any(c.isdigit() for c in word))
        and not names.services.get(word)
        and not names.environments.get(word)
    ]


def _hits(language: Language, words: Sequence[str], names: Names, english: frozenset[str]) -> int:
    parts = (part for part, _ in language.split(words, names))
    return sum(word in language.vocabulary for word in folded(_foreign(parts, names, english)))
