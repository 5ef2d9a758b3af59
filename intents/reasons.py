"""Why somebody orders something: "since it's falling over, …", "OPS-77: …", "… to pick up the new config".

A reason is matched whole, at the beginning or at the end of a sentence, by the forms of `reasons.yaml`. It says nothing
about what to do, so the guards against questions, reports, parts and many do not look at it; those against negations,
conditions and approvals do. What is not matched whole is no reason, and then no word of it is understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any, NamedTuple

import yaml

from intents import quantities
from intents.grammar.lexicon import expand

SERVICE, ENVIRONMENT = "\ue000", "\ue001"  # stand for a name; private characters, which no sentence may hold
_TICKET = "\ue002"
_KEY = re.compile(r"[A-Z][A-Z0-9]{1,9}-\d{1,6}", re.ASCII)  # of a ticket: OPS-77
_ENTRY = re.compile(r"<(\w+)>([?*]?)")
_DOING = re.compile(  # what somebody does who ships, waits, plans or tells is never why
    r"(?!re|deploy|scal|roll|ship|bounc|upgrad|updat|downgrad|promot|push|wait|hold|block|freez|plan|think|consider|ask"
    r"|say|tell|try|discuss|wonder|paus|stop|go|do|kill|delet|drain|mov|switch|turn|chang|becom|start|hav|tak|mak|approv"
    r"|want|schedul|undo|pin|cut|cancel|abort|us)[a-z]{2,}ing"
    r"|starting|returning|recovering|refusing|using",
    re.ASCII,
)
_SORTS = {
    "service": SERVICE,
    "environment": ENVIRONMENT,
    "ticket": _TICKET,
    "version": "<version>",
    "doing": "<doing>",
    "person": "<person>",
}
_MANY_PEOPLE = frozenset(("@channel", "@here", "@everyone"))
_LISTS = ("adjective", "noun")  # of single words
_ENDS_LEADING = frozenset((",", ";", "-", "so", _TICKET))  # one of them, or a ticket, ends what stands before the order
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Reason(NamedTuple):
    """The words from `start` to before `end` say why; one of them may be the version that is ready for it."""

    start: int
    end: int
    version: int | None = None
    proves: bool = False  # that the version did well in another environment, which is named for that alone


_Step = tuple[str, str] | frozenset[tuple[str, ...]]  # an entry and how often, or runs of words


class _Entry:
    """What an entry of the data matches: fixed runs of words by their first one, and sequences of other entries.

    Sequences that begin alike share that beginning: `then` holds what may follow each step, `ends` says that none must.
    """

    def __init__(self) -> None:
        self.runs: dict[str, list[tuple[str, ...]]] = {}
        self.then: dict[_Step, _Entry] = {}
        self.ends = False
        self.firsts: frozenset[str] = frozenset()  # words that a match can begin with

    def read(self, name: str, lines: Sequence[str]) -> _Entry:
        """Filled with an entry's lines."""
        for line in lines:
            if name in _LISTS:
                for word in line.split():
                    self._add((word,))
                    if name == "noun":
                        self._add((f"{word}s",))
            elif "<" in line:
                place = self
                for step in _steps(line):
                    place = place.then.setdefault(step, _Entry())
                place.ends = True
            else:
                for words in expand(line):
                    self._add(words)
        return self

    def _add(self, words: tuple[str, ...]) -> None:
        self.runs.setdefault(words[0], []).append(words)


def _steps(line: str) -> Iterator[_Step]:
    """A line as (entry, how often) and sets of runs of words; one that may be missing holds the empty run."""
    at = 0
    for match in (*_ENTRY.finditer(line), None):
        between = line[at : match.start() if match else len(line)].strip()
        for group in re.findall(r"\([^)]*\)|\[[^\]]*\]|[^\s()\[\]]+", between):
            runs = frozenset(expand(group))
            yield runs | {()} if group.startswith("[") else runs
        if match:
            yield match[1], match[2]
            at = match.end()


def _load() -> dict[str, _Entry]:
    text = resources.files("intents").joinpath("reasons.yaml").read_text(encoding="utf-8")
    data: dict[str, str] = yaml.load(text, Loader=_Loader)  # noqa: S506 - the loader is the safe one
    entries = {name: _Entry().read(name, lines.splitlines()) for name, lines in data.items()}
    for entry in entries.values():
        _begin(entry, entries)
    return entries


def _begin(entry: _Entry, entries: dict[str, _Entry]) -> frozenset[str]:
    """Finds what a match of this entry can begin with. No entry begins with itself, and none matches nothing."""
    if not entry.firsts:
        found = set(entry.runs)
        for step, rest in entry.then.items():
            after = _begin(rest, entries)
            if isinstance(step, frozenset):
                found |= {run[0] for run in step if run} | (after if () in step else frozenset())
            else:
                name, often = step
                found |= {_SORTS[name]} if name in _SORTS else _begin(entries[name], entries)
                found |= after if often else frozenset()
        entry.firsts = frozenset(found)
    return entry.firsts


def _words(entry: _Entry) -> Iterator[str]:
    """Every word of an entry's own runs."""
    yield from (word for runs in entry.runs.values() for run in runs for word in run)
    for step, rest in entry.then.items():
        yield from (word for run in step for word in run) if isinstance(step, frozenset) else ()
        yield from _words(rest)


_ENTRIES = _load()
VOCABULARY = frozenset(word for entry in _ENTRIES.values() for word in _words(entry)) | set(_SORTS.values())
_BEGIN_TRAILING = frozenset((",", ";", "?", "-", "so", "to", "in", _TICKET)) | {
    word for name in ("closing", "said") for word in _ENTRIES[name].runs
}
_BEFORE_FOLLOWING = frozenset(("please", "pls", "plz", "thanks", "thx", "ty", "asap"))


def find(words: Sequence[str], spelled: Sequence[str]) -> tuple[Reason, ...]:
    """The reasons in a sentence whose names are masked: `words` has "" where a name had more than one word."""
    shown = [_shown(word, how) for word, how in zip(words, spelled, strict=True)]
    places = [at for at, word in enumerate(shown) if word]
    return tuple(
        Reason(places[start], places[end] if end < len(places) else len(words), version and places[version], proves)
        for start, end, version, proves in _reasons(_Text([shown[at] for at in places]))
    )


def _shown(word: str, spelled: str) -> str:
    return _TICKET if _refers(word, spelled) else "-" if word in ("–", "—") else word


def _refers(word: str, spelled: str) -> bool:
    """Whether this is a ticket's key or a link, and nothing that a deploy could mean."""
    if "-" not in word and "/" not in word:
        return False
    link = word.startswith(("https://", "http://"))
    return link or (bool(_KEY.fullmatch(spelled)) and word == spelled.lower() and not quantities.version(word))


def _reasons(text: _Text) -> Iterator[tuple[int, int, int | None, bool]]:
    begin, end = 0, len(text.words)
    if not _ENDS_LEADING.isdisjoint(text.words):
        while (found := text.longest("leading", begin)) or (found := text.longest("offering", begin)):
            offered = [at for at in range(begin, found) if quantities.version(text.words[at])]
            yield begin, found, offered[0] if found in text.ends("offering", begin) else None, False
            begin = found
    while (start := text.last(begin, end)) is not None:
        yield start, end, None, end in text.ends("proving", start)
        end = start


class _Text:
    """The words of a sentence, and what entries match in it."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words, self._keys = tuple(words), tuple(map(_keys, words))
        self._known: dict[tuple[str, int], frozenset[int]] = {}

    def longest(self, name: str, start: int) -> int | None:
        """The end of the longest match that begins here and leaves something of the sentence."""
        return max((end for end in self.ends(name, start) if end < len(self.words)), default=None)

    def last(self, begin: int, end: int) -> int | None:
        """Where the longest reason begins that ends the sentence here."""
        strange = (at for at in reversed(range(begin, end)) if VOCABULARY.isdisjoint(self._keys[at]))
        after = next(strange, begin) + 1
        return next((at for at in range(after, end) if self._is_reason(at, end)), None)

    def _is_reason(self, at: int, end: int) -> bool:
        if self.words[at] in _BEGIN_TRAILING and end in self.ends("trailing", at) | self.ends("proving", at):
            return True
        return at > 0 and self.words[at - 1] in _BEFORE_FOLLOWING and end in self.ends("following", at)

    def ends(self, name: str, start: int) -> frozenset[int]:
        """Every place where a match of this entry can end that begins here."""
        known = self._known.get((name, start))
        if known is None:
            known = self._known[name, start] = frozenset(self._matches(name, start))
        return known

    def _matches(self, name: str, start: int) -> Iterator[int]:
        if start >= len(self.words):
            return
        if name in _SORTS:
            if _SORTS[name] in self._keys[start]:
                yield start + 1
            return
        entry = _ENTRIES[name]
        if entry.firsts.isdisjoint(self._keys[start]):
            return
        for run in entry.runs.get(self.words[start], ()):
            if self.words[start : start + len(run)] == run:
                yield start + len(run)
        yield from self._along(entry, {start})

    def _along(self, entry: _Entry, starts: set[int]) -> Iterator[int]:
        """Where the sequences of an entry can end, from any of these places."""
        if entry.ends:
            yield from starts
        for step, rest in entry.then.items():
            reached = self._step(step, starts)
            if reached:
                yield from self._along(rest, reached)

    def _step(self, step: _Step, starts: set[int]) -> set[int]:
        if isinstance(step, frozenset):
            return {at + len(run) for at in starts for run in step if self.words[at : at + len(run)] == run}
        name, often = step
        if not often:
            return {end for at in starts for end in self.ends(name, at)}
        found, new = set(starts), starts
        while new:
            new = {end for at in new for end in self.ends(name, at)} - found
            found |= new
            if often == "?":
                break
        return found


@lru_cache(maxsize=4_096)
def _keys(word: str) -> tuple[str, ...]:
    """A word, and what sorts of word it is."""
    if not word.isalpha() and quantities.version(word):
        return word, _SORTS["version"]
    if word.startswith("@") and word not in _MANY_PEOPLE:
        return word, _SORTS["person"]
    return (word, _SORTS["doing"]) if word.endswith("ing") and _DOING.fullmatch(word) else (word,)
