"""Names that look like a word, found among many in a fraction of a millisecond. For suggestions, never for choices."""

from __future__ import annotations

from collections.abc import Iterable

from rapidfuzz import fuzz, process

_FEW = 600  # names that are all compared; of more, only those that share a rare piece with the word
_NEAR = 32  # of these the better, slower comparison is made: over 10,000 names it would cost 25 ms


class Similar:
    """Names, indexed by every three letters that follow one another in them.

    A misspelling keeps most of these (Ukkonen 1992: a slip changes three of them at most). The rarest ones tell names
    apart, so the word's own are taken from the rarest on, until there are enough names to compare.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = list(names)
        self._having: dict[str, list[int]] = {}
        if len(self._names) > _FEW:
            for at, name in enumerate(self._names):
                for piece in _pieces(name):
                    self._having.setdefault(piece, []).append(at)

    def to(self, word: str, most: int) -> list[str]:
        """At most so many names, best first; `word` and the names are in lower case."""
        near = process.extract(word, self._candidates(word), scorer=fuzz.ratio, limit=_NEAR, score_cutoff=40)
        found = process.extract(word, [name for name, _, _ in near], scorer=fuzz.WRatio, limit=most, score_cutoff=70)
        return [name for name, _, _ in found]

    def _candidates(self, word: str) -> list[str]:
        if not self._having:
            return self._names
        found: set[int] = set()
        for having in sorted((self._having.get(piece, []) for piece in _pieces(word)), key=len):
            if found and len(found) + len(having) > _FEW:
                break
            found.update(having[:_FEW])
        return [self._names[at] for at in sorted(found)]  # as the catalogue has them: the first of equals comes first


def _pieces(word: str) -> set[str]:
    padded = f" {word} "
    return {padded[at : at + 3] for at in range(len(padded) - 2)}
