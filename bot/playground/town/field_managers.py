"""metadata.managedFields: who last wrote which field, as updates (not server-side apply) record it."""

from __future__ import annotations

import json
from typing import Any

from bot.playground.town.objects import Object, clone, stamp

_SYSTEM = {"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "name", "namespace"}


def claim(before: Object | None, after: Object, manager: str, subresource: str, now: float) -> Object:
    """`after` with the fields that differ from `before` in this manager's name, and in nobody else's."""
    changed = _difference(_written(before or {}), _written(after))
    entries = clone((before or {}).get("metadata", {}).get("managedFields", []))
    claimed: Object = clone(after)
    if not changed:
        claimed["metadata"]["managedFields"] = entries
        return claimed
    kept, mine = [], {}
    for entry in entries:
        if (entry["manager"], entry.get("subresource", "")) == (manager, subresource):
            mine = entry["fieldsV1"]
        elif left := _without(entry["fieldsV1"], changed):
            kept.append({**entry, "fieldsV1": left})
    fields = _union(mine, changed)
    entry = {
        "manager": manager,
        "operation": "Update",
        "apiVersion": after["apiVersion"],
        "time": stamp(now),
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
        **({"subresource": subresource} if subresource else {}),
    }
    claimed["metadata"]["managedFields"] = [*kept, entry]
    return claimed


def _written(obj: Object) -> Object:
    meta = {key: value for key, value in obj.get("metadata", {}).items() if key not in _SYSTEM}
    rest = {key: value for key, value in obj.items() if key not in ("metadata", "status", "kind", "apiVersion")}
    return {"metadata": meta, **rest} if obj else {}


def _difference(before: Any, after: Any) -> Object:
    """FieldsV1 of what is set in `after` and was not, or not so, in `before`."""
    fields: Object = {}
    for key, value in _members(after).items():
        old = _members(before).get(key)
        if old == value:
            continue
        fields[key] = _difference(old, value) if _members(value) else {}
    return fields


def _members(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {f"f:{key}": inner for key, inner in value.items()}
    if isinstance(value, list) and all(isinstance(each, dict) and "name" in each for each in value):
        return {"k:" + json.dumps({"name": each["name"]}, separators=(",", ":")): each for each in value}
    return {}


def _without(fields: Object, taken: Object) -> Object:
    left: Object = {}
    for key, inner in fields.items():
        if key not in taken:
            left[key] = inner
        elif inner and (rest := _without(inner, taken[key])):
            left[key] = rest
    return left


def _union(one: Object, other: Object) -> Object:
    merged = dict(one)
    for key, inner in other.items():
        merged[key] = _union(merged.get(key, {}), inner)
    return merged
