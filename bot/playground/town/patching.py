"""The three ways to patch a Kubernetes object, as pure functions over JSON.

Strategic merge patch: k8s.io/apimachinery/pkg/util/strategicpatch. JSON merge patch: RFC 7386. JSON patch: RFC 6902.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.playground.town.objects import Object, clone

STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"
JSON = "application/json-patch+json"
ACCEPTED = (JSON, MERGE, STRATEGIC)

# The patchMergeKey of the lists that merge by element (k8s.io/api/core/v1 and apps/v1 struct tags).
_MERGE_KEYS = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "imagePullSecrets": ("name",),
    "ports": ("containerPort", "port"),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey",),
    "conditions": ("type",),
    "ownerReferences": ("uid",),
}
_MERGED_PRIMITIVES = {"finalizers"}


class PatchRefused(Exception):
    """The patch does not fit the object."""


class NoPatch(Exception):
    """The body is no patch at all."""


def apply(content_type: str, obj: Object, patch: Any) -> Object:
    """The patched object; neither argument is altered. Raises NoPatch or PatchRefused."""
    if content_type == JSON:
        return json_patch(obj, patch)
    if not isinstance(patch, dict):
        raise NoPatch("json: cannot unmarshal array into Go value of type map[string]interface {}")
    merge: Callable[[Any, Any], Any] = strategic if content_type == STRATEGIC else json_merge
    patched = merge(obj, patch)
    if not isinstance(patched, dict):
        raise PatchRefused("the patch replaces the whole object")
    return patched


def json_merge(target: Any, patch: Any) -> Any:
    """RFC 7386: null deletes, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return clone(patch)
    merged = clone(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = json_merge(merged.get(key), value)
    return merged


def strategic(target: Any, patch: Any) -> Any:
    """Objects merge, null deletes, lists of named elements merge by their key, other lists are replaced."""
    if not isinstance(patch, dict):
        return clone(patch)
    directive = patch.get("$patch")
    if directive == "delete":
        return {}
    merged: Object = clone(target) if isinstance(target, dict) and directive != "replace" else {}
    if isinstance(retained := patch.get("$retainKeys"), list):
        merged = {key: value for key, value in merged.items() if key in retained}
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            field = key.partition("/")[2]
            merged[field] = [each for each in merged.get(field, []) if each not in value]
        elif key.startswith("$"):
            continue  # $patch and $retainKeys are done; $setElementOrder only sorts
        elif value is None:
            merged.pop(key, None)
        elif isinstance(value, list):
            merged[key] = _strategic_list(key, merged.get(key), value)
        else:
            merged[key] = strategic(merged.get(key), value)
    return merged


def _strategic_list(field: str, target: Any, patch: list[Any]) -> list[Any]:
    present = clone(target) if isinstance(target, list) else []
    if field in _MERGED_PRIMITIVES:
        return [*present, *(value for value in patch if value not in present)]
    keys = _MERGE_KEYS.get(field)
    whole = any(isinstance(each, dict) and each == {"$patch": "replace"} for each in patch)
    if keys is None or whole:
        return [strategic({}, each) for each in patch if each != {"$patch": "replace"}]
    patched: list[Object] = []
    for element in patch:
        if not isinstance(element, dict):
            raise PatchRefused(f"expected an object in {field}")
        key = next((key for key in keys if key in element), None)
        if key is None:
            raise PatchRefused(f"map: {element} does not contain declared merge key: {keys[0]}")
        old: Object = next((each for each in present if each.get(key) == element[key]), {})
        if element.get("$patch") != "delete":
            patched.append(strategic(old, element))
    named = [next((each[key] for key in keys if key in each), None) for each in patch]
    rest = [(at, e) for at, e in enumerate(present) if not any(e.get(key) in named for key in keys)]
    return _interleaved(rest, [(_place(present, keys, each), each) for each in patched])


def _interleaved(rest: list[tuple[int, Object]], patched: list[tuple[int | None, Object]]) -> list[Object]:
    """What the patch names keeps the patch's order; the others go between, where they stood before.

    One that is new has no place of its own, and so comes before all others that are left.
    """
    merged: list[Object] = []
    while rest and patched:
        (left, other), (right, named) = rest[0], patched[0]
        if right is not None and left < right:
            merged.append(other)
            rest = rest[1:]
        else:
            merged.append(named)
            patched = patched[1:]
    return [*merged, *(each for _, each in rest), *(each for _, each in patched)]


def _place(present: list[Object], keys: tuple[str, ...], element: Object) -> int | None:
    key = next(key for key in keys if key in element)
    return next((at for at, each in enumerate(present) if each.get(key) == element[key]), None)


def json_patch(obj: Object, operations: Any) -> Object:
    """RFC 6902; all operations or none."""
    if not isinstance(operations, list):
        raise NoPatch("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    document: Any = clone(obj)
    for operation in operations:
        if not isinstance(operation, dict) or not {"op", "path"} <= operation.keys():
            raise NoPatch("an operation needs op and path")
        document = _operate(document, operation)
    if not isinstance(document, dict):
        raise PatchRefused("the patch replaces the whole object")
    return document


def _operate(document: Any, operation: Object) -> Any:
    op, path = operation["op"], _pointer(operation["path"])
    if op == "test":
        if _read(document, path) != operation.get("value"):
            raise PatchRefused(f"testing value {operation['path']} failed")
        return document
    if op == "remove":
        return _write(document, path, "remove", None)
    if op in ("add", "replace"):
        if "value" not in operation:
            raise NoPatch(f"{op} needs a value")
        return _write(document, path, op, clone(operation["value"]))
    if op in ("move", "copy"):
        source = _pointer(operation.get("from", ""))
        value = clone(_read(document, source))
        if op == "move":
            document = _write(document, source, "remove", None)
        return _write(document, path, "add", value)
    raise NoPatch(f"unexpected kind: {op}")


def _pointer(path: str) -> list[str]:
    """RFC 6901."""
    if path and not path.startswith("/"):
        raise NoPatch(f"no JSON pointer: {path}")
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _read(document: Any, path: list[str]) -> Any:
    for part in path:
        document = document[_index(document, part)] if isinstance(document, list) else _member(document, part)
    return document


def _member(document: Any, part: str) -> Any:
    if not isinstance(document, dict) or part not in document:
        raise PatchRefused(f"there is nothing at {part}")
    return document[part]


def _index(document: list[Any], part: str, beyond: int = 0) -> int:
    if not part.isdecimal() or int(part) >= len(document) + beyond:
        raise PatchRefused(f"there is no element {part}")
    return int(part)


def _write(document: Any, path: list[str], how: str, value: Any) -> Any:
    if not path:
        return value
    parent, last = _read(document, path[:-1]), path[-1]
    if isinstance(parent, list):
        if how == "add":
            parent.insert(len(parent) if last == "-" else _index(parent, last, beyond=1), value)
        elif how == "replace":
            parent[_index(parent, last)] = value
        else:
            del parent[_index(parent, last)]
    elif how == "add" and isinstance(parent, dict):
        parent[last] = value
    else:
        _member(parent, last)
        if how == "replace":
            parent[last] = value
        else:
            del parent[last]
    return document
