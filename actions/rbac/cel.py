"""Pieces of CEL, the language of admission policies, which more than one of ours is made of.

https://kubernetes.io/docs/reference/using-api/cel/
"""

from __future__ import annotations

from collections.abc import Iterable


def listed(words: Iterable[str]) -> str:
    """A list of texts that hold no quotation mark."""
    return "[" + ", ".join(f"'{word}'" for word in words) + "]"


def alike_but(new: str, old: str, keys: Iterable[str], k: str) -> str:
    """That two maps are equal, except for these keys; `k` is the loop's variable."""
    free = listed(keys)
    return (
        f"{new}.all({k}, {k} in {free} || ({k} in {old} && {new}[{k}] == {old}[{k}]))"
        f" && {old}.all({k}, {k} in {free} || {k} in {new})"
    )
