"""What is sent for each way of asking, and what is taken of the answer: one JSON object, each property of its type."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import JsonValue

from intents.models.failures import ModelFailed, NextWay
from intents.models.providers import Way

LONGEST = 8_000  # characters of an answer that are looked at
_TOOL = "read"


class Tokens(NamedTuple):
    """Tokens that an endpoint reports; None where it does not."""

    input: int | None = None
    output: int | None = None
    cached: int | None = None  # of the input, read from the endpoint's own cache

    def __add__(self, other: object) -> Tokens:
        if not isinstance(other, Tokens):
            return NotImplemented
        return Tokens(*(b if a is None else a + (b or 0) for a, b in zip(self, other, strict=True)))


def wanted(way: Way, schema: dict[str, Any]) -> dict[str, Any]:
    """The part of a request that asks for an object of this schema."""
    if way == "json_schema":
        form = {"name": _TOOL, "strict": True, "schema": schema}
        return {"response_format": {"type": "json_schema", "json_schema": form}}
    if way == "tools":
        function = {"name": _TOOL, "description": "How the sentence reads", "strict": True, "parameters": schema}
        chosen = {"type": "function", "function": {"name": _TOOL}}
        return {"tools": [{"type": "function", "function": function}], "tool_choice": chosen}
    return {"response_format": {"type": "json_object"}}


def text(answer: Any) -> str:
    """The text or the tool's arguments of an answer as it came. Raises NextWay, or ModelFailed where it declined."""
    choice = _first(_get(answer, "choices"))
    message = _get(choice, "message")
    if not isinstance(message, Mapping):
        raise NextWay("The model's answer holds no message.")
    finish = _get(choice, "finish_reason")
    if finish == "content_filter" or message.get("refusal"):
        raise ModelFailed("The model declined to read this.")
    if finish == "length":
        raise NextWay("The model's answer was cut off.")
    call = _first(message.get("tool_calls"))
    if call is not None:
        function = _get(call, "function")
        if _get(function, "name") != _TOOL:
            raise NextWay("The model called a tool that does not exist.")
        return str(_get(function, "arguments"))
    said = message.get("content")
    return said if isinstance(said, str) else ""


def tokens(answer: Any) -> Tokens:
    """What the endpoint says that it used."""
    usage = _get(answer, "usage")
    details = _get(usage, "prompt_tokens_details")
    return Tokens(
        _count(_get(usage, "prompt_tokens")),
        _count(_get(usage, "completion_tokens")),
        _count(_get(details, "cached_tokens")),
    )


def an_object(said: str, schema: dict[str, Any]) -> dict[str, JsonValue]:
    """The JSON object in a text, with only properties that the schema has, of the types it gives. Raises NextWay."""
    if len(said) > LONGEST:
        raise NextWay("The model's answer is too long.")
    start, end = said.find("{"), said.rfind("}")
    try:
        data = json.loads(said[start : end + 1])
    except (ValueError, RecursionError):
        raise NextWay("The model's answer is no JSON.") from None
    if not isinstance(data, dict):
        raise NextWay("The model's answer is no object.")
    known: dict[str, Any] = schema["properties"]
    for key, value in data.items():
        if key not in known or not _fits(value, known[key]):
            raise NextWay(f"The model's answer has a wrong {_plain(key)}.")
    first = next(iter(known))
    if first not in data:
        raise NextWay(f"The model's answer lacks its {first}.")
    return data


def _fits(value: Any, part: dict[str, Any]) -> bool:
    types = part["type"] if isinstance(part["type"], list) else [part["type"]]
    names: dict[type, str] = {str: "string", int: "integer", type(None): "null"}
    return names.get(type(value)) in types and ("enum" not in part or value in part["enum"])


def _plain(key: str) -> str:
    return key if key.isidentifier() and key.isascii() and len(key) <= 40 else "property"


def _get(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9 else None
