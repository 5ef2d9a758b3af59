"""What the model is asked to answer, as a strict JSON schema emitted from the registry.

One flat object: what sort of reading, which verb, and every argument of every verb, each of them null where it was not
said. There is no argument for approving, denying or choosing approvers (A12), and none can be added by a verb.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, get_args

from actions.registry import Registry
from intents.reading import Reason

KINDS = ("command", "question", "refusal")
_FORBIDDEN = frozenset(
    [
        "oneOf",
        "allOf",
        "not",
        "if",
        "then",
        "else",
        "anyOf",
        "minLength",
        "maxLength",
        "pattern",
        "format",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minItems",
        "maxItems",
        "uniqueItems",
        "default",
        "$ref",
        "$defs",
        "patternProperties",
        "const",
    ]
)
_NEVER = ("approv", "deny", "denied", "reject", "quorum", "grant")
_MOST_PROPERTIES, _DEEPEST = 100, 5


def emit(registry: Registry) -> dict[str, Any]:
    """The schema of a model's answer for these verbs."""
    properties: dict[str, Any] = {
        "kind": {"type": "string", "enum": list(KINDS)},
        "verb": {"type": ["string", "null"], "enum": [*(action.verb for action in registry), None]},
        "reason": {"type": ["string", "null"], "enum": [*get_args(Reason), None]},
    }
    for action in registry:
        declared = action.model_json_schema()["properties"]
        for name in action.spoken():
            properties[name] = _joined(properties.get(name), _flat(declared[name]))
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _flat(field: dict[str, Any]) -> dict[str, Any]:
    """A property as a union of plain types with null; ranges and patterns stay in pydantic."""
    parts = field.get("anyOf", [field])
    types = list(dict.fromkeys(part["type"] for part in parts if part.get("type") != "null"))
    choices = [value for part in parts for value in part.get("enum", ())]
    found: dict[str, Any] = {"type": [*types, "null"]}
    if choices:
        found["enum"] = [*choices, None]
    return found


def _joined(one: dict[str, Any] | None, other: dict[str, Any]) -> dict[str, Any]:
    """Two verbs' arguments of one name."""
    if one is None or one == other:
        return other
    types = [t for t in dict.fromkeys((*one["type"], *other["type"])) if t != "null"]
    return {"type": [*types, "null"]}


def lint(schema: dict[str, Any]) -> list[str]:
    """What keeps a schema out of the strict subset that endpoints enforce; empty where it is fine.

    Source: the structured-output guides of the endpoints that enforce it (root object, all required, no open objects).
    """
    found = [] if schema.get("type") == "object" else ["the root is no object"]
    count = 0
    for path, part, depth in _parts(schema, "root", 1):
        found += [f"{path}: {key} is not in the strict subset" for key in sorted(_FORBIDDEN & set(part))]
        if "properties" in part:
            count += len(part["properties"])
            if part.get("additionalProperties") is not False:
                found.append(f"{path}: additionalProperties must be false")
            if list(part.get("required", ())) != list(part["properties"]):
                found.append(f"{path}: every property must be required")
        if depth > _DEEPEST:
            found.append(f"{path}: deeper than {_DEEPEST}")
    if count > _MOST_PROPERTIES:
        found.append(f"more than {_MOST_PROPERTIES} properties")
    return found + _powers(schema)


def _powers(schema: dict[str, Any]) -> list[str]:
    words: Iterable[Any] = (
        *schema.get("properties", {}),
        *schema.get("properties", {}).get("verb", {}).get("enum", ()),
    )
    return [f"{word}: no model may decide" for word in words if word and any(never in str(word) for never in _NEVER)]


def _parts(part: dict[str, Any], path: str, depth: int) -> Iterator[tuple[str, dict[str, Any], int]]:
    yield path, part, depth
    for name, inner in part.get("properties", {}).items():
        yield from _parts(inner, f"{path}.{name}", depth + 1)
    if isinstance(part.get("items"), dict):
        yield from _parts(part["items"], f"{path}[]", depth + 1)
