"""JSON values as lines of YAML, for people to read: block style, keys sorted.

PyYAML writes the same, but walks every value through its representer and its emitter, which took a quarter of the time
that a plan takes. How a string has to be quoted is still PyYAML's word, asked once a string.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import yaml

_END = "\n..."  # PyYAML marks the end of a document that is a bare scalar


def lines(value: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """The lines of an object, without line ends. A string of several lines is quoted in one."""
    for key in sorted(value):
        inner, name = value[key], f"{indent}{_text(key)}:"
        if inner and isinstance(inner, dict):
            yield name
            yield from lines(inner, f"{indent}  ")
        elif inner and isinstance(inner, list | tuple):
            yield name
            yield from _items(inner, indent)
        else:
            yield f"{name} {_scalar(inner)}"


def _items(values: Sequence[Any], indent: str) -> Iterator[str]:
    deeper = f"{indent}  "
    for inner in values:
        if inner and isinstance(inner, dict | list | tuple):
            for number, line in enumerate(lines(inner, deeper) if isinstance(inner, dict) else _items(inner, deeper)):
                yield line if number else f"{indent}- {line[len(deeper) :]}"
        else:
            yield f"{indent}- {_scalar(inner)}"


def _scalar(value: Any) -> str:
    return _text(value) if isinstance(value, str) else json.dumps(value)


@lru_cache(4096)
def _text(value: str) -> str:
    quotes = None if value.isprintable() else '"'  # in those everything can be escaped, line ends too
    written = yaml.safe_dump(value, default_style=quotes, allow_unicode=True, width=float("inf"))
    return str(written).removesuffix("\n").removesuffix(_END)
