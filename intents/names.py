"""Which services, environments and suites a sentence names. Exact names and aliases only; never a near miss."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import NamedTuple

from actions.catalog import Catalog
from intents.tokens import lower

_JOINTS = re.compile(r"[-_\s]+")
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
        self._exact: MutableMapping[str, str] = dict(names)
        self._loose: dict[str, str | None] = {}
        for word, name in names.items():
            key = _JOINTS.sub(" ", word).strip()
            # Two services that differ only in a hyphen are not told apart by a loose spelling: then only exact counts.
            self._loose[key] = name if self._loose.get(key, name) == name else None
        self._longest = min(6, max((key.count(" ") + 1 for key in self._loose), default=1))

    def at(self, words: Sequence[str], start: int) -> Iterator[Named]:
        """Every name that begins here, the longest first."""
        for length in range(min(self._longest, len(words) - start), 0, -1):
            name = self.get(" ".join(words[start : start + length]))
            if name is not None:
                yield Named(start, start + length, name)

    def with_stand_in(self, mark: str) -> Index:
        """The same names, and a mark that stands for any name."""
        found = Index({})
        found._exact = ChainMap({mark: mark}, self._exact)
        found._loose, found._longest = self._loose, self._longest
        return found

    def get(self, word: str) -> str | None:
        """What a name or alias stands for."""
        found = self._exact.get(word)
        if found is not None or word.isalnum():
            return found
        return self._loose.get(_JOINTS.sub(" ", word))


class Names:
    """The catalogue's names, indexed once."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.services = Index({lower(k): v for k, v in catalog.service_names.items()})
        self.environments = Index({lower(k): v for k, v in catalog.environment_names.items()})
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
