"""labelSelector and fieldSelector: text to predicate."""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.playground.town.objects import Object
from bot.playground.town.problems import Problem, bad_request

Predicate = Callable[[Object], bool]

_SET = re.compile(r"^(?P<key>\S+)\s+(?P<how>in|notin)\s*\((?P<values>[^)]*)\)$")
_PAIR = re.compile(r"^(?P<key>[^=!\s]+)\s*(?P<how>==|=|!=)\s*(?P<value>\S*)$")
_BARE = re.compile(r"^!?\s*[A-Za-z0-9][A-Za-z0-9./_-]*$")


def labels(text: str) -> Predicate:
    """`app=a,tier!=b,env in (x, y),!canary`. Raises Problem (400) where it is no selector."""
    requirements = [_requirement(part.strip()) for part in re.split(r",(?![^(]*\))", text) if part.strip()]
    return lambda obj: all(holds(obj["metadata"].get("labels") or {}) for holds in requirements)


def _requirement(text: str) -> Callable[[dict[str, str]], bool]:
    if found := _SET.match(text):
        key, values = found["key"], {value.strip() for value in found["values"].split(",")}
        if found["how"] == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if found := _PAIR.match(text):
        key, value = found["key"], found["value"]
        if found["how"] == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if _BARE.match(text):
        key = text.lstrip("! ")
        return (lambda labels: key not in labels) if text.startswith("!") else (lambda labels: key in labels)
    raise bad_request(f"unable to parse requirement: found '{text}', expected: in, notin, =, ==, or !=")


_FIELDS = {
    "events": ("involvedObject", "reason", "type", "source", "metadata", "reportingComponent"),
    "pods": ("metadata", "status.phase", "spec.nodeName", "spec.restartPolicy"),
}


def fields(text: str, resource: str) -> Predicate:
    """`metadata.name=a,status.phase!=Running`. Raises Problem (400) for a field that cannot be selected on."""
    pairs: list[tuple[str, bool, str]] = []
    for part in (part.strip() for part in text.split(",")):
        found = _PAIR.match(part)
        if not part:
            continue
        if not found:
            raise bad_request(f"invalid selector: '{part}'; can't understand '{part}'")
        pairs.append((_known(found["key"], resource), found["how"] != "!=", found["value"]))
    return lambda obj: all((_field(obj, path) == value) is equal for path, equal, value in pairs)


def _known(path: str, resource: str) -> str:
    allowed = _FIELDS.get(resource, ("metadata.name", "metadata.namespace"))
    if not any(path == field or path.startswith(field + ".") for field in allowed):
        raise Problem(400, "BadRequest", f"field label not supported: {path}")
    return path


def _field(obj: Object, path: str) -> str:
    value: object = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return "" if value is None else str(value)
