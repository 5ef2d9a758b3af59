"""One byte form of a JSON value, so that a digest over it means the same everywhere."""

from __future__ import annotations

import hashlib
import json

from pydantic import JsonValue


def canonical(value: JsonValue) -> bytes:
    """UTF-8 JSON with sorted keys, no white space and no NaN.

    The same as RFC 8785 for the values we use: strings, booleans, null, integers, lists and objects.
    Floats are refused, since their shortest form differs between languages: ValueError.
    """
    _refuse_floats(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode(
        "utf-8", "surrogatepass"
    )


def digest(value: JsonValue) -> str:
    """SHA-256 over the canonical bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def exact(value: JsonValue) -> JsonValue:
    """The same value with its floats as text, so that it can be digested."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict):
        return {key: exact(inner) for key, inner in value.items()}
    return [exact(inner) for inner in value] if isinstance(value, list) else value


def _refuse_floats(value: JsonValue) -> None:
    if isinstance(value, float):
        raise ValueError("a digested value holds a float; use an integer or a string")  # noqa: TRY004 - the value is wrong, not its use
    if isinstance(value, dict):
        for inner in value.values():
            _refuse_floats(inner)
    elif isinstance(value, list):
        for inner in value:
            _refuse_floats(inner)
