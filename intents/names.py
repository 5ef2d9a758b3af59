"""Which services, environments and suites a sentence names. Exact names and aliases only; never a near miss."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from actions.catalog import Catalog
from intents.tokens import lower

_JOINTS = re.compile(r"[-_\s]+")
_PARTS = re.compile(r"[-_. ]")
_LONGEST = 6  # words of a name that is looked for
_KINDS = (
    "deployment",
    "deployments",
    "deploy",
    "deployment.apps",
    "statefulset",
    "sts",
    "service",
    "svc",
    "daemonset",
    "ds",
)


class Named(NamedTuple):
    """A name found in a sentence."""

    start: int
    end: int
    name: str


class Index:
    """Names by their words: one look-up a position and length, however many names there are."""

    def __init__(self, names: Mapping[str, str]) -> None:
        """`names` maps every name and alias in lower case to what it stands for."""
        self._exact: Mapping[str, str] = dict(names)
        self._loose: dict[str, str | None] = {}
        for word, name in names.items():
            key = _JOINTS.sub(" ", word).strip()
            # Two services that differ only in a hyphen are not told apart by a loose spelling: then only exact counts.
            self._loose[key] = name if self._loose.get(key, name) == name else None
        self._longest: dict[str, int] = {}  # by the word or the part of one that a name begins with
        for key in self._loose:
            first = key.partition(" ")[0]
            self._longest[first] = min(_LONGEST, max(self._longest.get(first, 0), key.count(" ") + 1))

    def at(self, words: Sequence[str], start: int) -> Iterator[Named]:
        """Every name that begins here, the longest first."""
        if start >= len(words):
            return
        word = words[start]
        first = word if word.isalnum() else _JOINTS.split(word.strip("-_"), maxsplit=1)[0]
        for length in range(min(self._longest.get(first, 0), len(words) - start), 0, -1):
            name = self.get(" ".join(words[start : start + length]))
            if name is not None:
                yield Named(start, start + length, name)

    def get(self, word: str) -> str | None:
        """What a name or alias stands for."""
        found = self._exact.get(word)
        if found is not None or word.isalnum():
            return found
        return self._loose.get(_JOINTS.sub(" ", word))


class WithStandIn(Index):
    """The same names, and a mark that stands for any name."""

    def __init__(self, names: Index, mark: str) -> None:
        self._exact, self._loose, self._longest, self._mark = names._exact, names._loose, names._longest, mark

    def at(self, words: Sequence[str], start: int) -> Iterator[Named]:
        """Every name that begins here, and the mark."""
        if words[start : start + 1] == (self._mark,):
            yield Named(start, start + 1, self._mark)
        else:
            yield from super().at(words, start)

    def get(self, word: str) -> str | None:
        """What a name or alias stands for; the mark for itself."""
        return word if word == self._mark else super().get(word)


class Names:
    """The catalogue's names, indexed once."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.services = Index({lower(k): v for k, v in catalog.service_names.items()})
        self.environments = Index({lower(k): v for k, v in catalog.environment_names.items()})
        self._parts  # noqa: B018 - made now, so that the first misspelt name is not the one that waits
        catalog.similar_services("")  # and so is this index
        self.suites = Index({word: suite.suite for word, (_, suite) in catalog.suites.items()})

    def service(self, word: str) -> str | None:
        """The service that one word names, also as `deploy/cart`."""
        kind, slash, rest = word.partition("/")
        return self.services.get(rest if slash and kind in _KINDS else word)

    def mentioned_services(self, words: Sequence[str]) -> list[Named]:
        """Every service named, the longest name first where they overlap."""
        return _mentioned(self.services, words)

    def mentioned_environments(self, words: Sequence[str]) -> list[Named]:
        """Every environment named."""
        return _mentioned(self.environments, words)

    @cached_property
    def _parts(self) -> Mapping[str, Sequence[str]]:
        """Every name and alias of a service, by each of its parts."""
        found: dict[str, list[str]] = {}
        for key in self.catalog.service_names:
            for part in dict.fromkeys(_PARTS.split(key)):
                found.setdefault(part, []).append(key)
        return found

    def having(self, words: str) -> Iterator[str]:
        """Services with these words as whole parts of a name or alias: `worker` in `payments-worker`."""
        whole = re.compile(rf"(?:^|{_PARTS.pattern}){re.escape(words)}(?:$|{_PARTS.pattern})")
        fewest = min((self._parts.get(part, ()) for part in _PARTS.split(words)), key=len)
        for key in fewest:
            if whole.search(key):
                yield self.catalog.service_names[key]

    def suite_service(self, suite: str) -> str:
        """The service that an eval suite belongs to."""
        return self.catalog.suites[suite.lower()][0]


def _mentioned(names: Index, words: Sequence[str]) -> list[Named]:
    """Whole words and runs of them, and then what stands inside compounds like `deploy/cart` or `prod:5`."""
    found = list(_scan(names, words))
    for at, word in enumerate(words):
        for part in re.split(r"[/:@=]", word) if re.search(r"[/:@=]", word) else ():
            name = names.get(part)
            if name is not None:
                found.append(Named(at, at + 1, name))
    return found


def _scan(index: Index, words: Sequence[str]) -> Iterator[Named]:
    at = 0
    while at < len(words):
        named = next(index.at(words, at), None)
        if named is None:
            at += 1
        else:
            yield named
            at = named.end
