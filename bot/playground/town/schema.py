"""The fields that Kubernetes knows, from the `kubernetes` package's own models: unknown ones are dropped and named."""

from __future__ import annotations

import re
from typing import Any

from kubernetes.client import models

from bot.playground.town.objects import Object

_LIST = re.compile(r"^[Ll]ist\[(.+)\]$")
_DICT = re.compile(r"^[Dd]ict[(\[]str, (.+)[)\]]$")
_PLAIN: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "str": (str,),
    "bool": (bool,),
    "datetime": (str,),
    "float": (int, float),
}
_WIRE = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}
_GO = {"int": "int32", "str": "string", "bool": "bool", "datetime": "string", "float": "float64"}


class WrongType(Exception):
    """A value is of another type than its field."""

    def __init__(self, path: str, found: Any, wanted: str) -> None:
        self.path, self.found = path, _WIRE.get(type(found), "null")
        self.wanted = _GO.get(wanted, "struct" if not wanted.startswith(("L", "l")) else "slice")
        super().__init__(f"json: cannot unmarshal {self.found} into Go struct field {path} of type {self.wanted}")


def prune(obj: Object, model: str) -> tuple[Object, list[str]]:
    """The object with known fields alone, and the paths of the others. Raises WrongType."""
    unknown: list[str] = []
    pruned: Object = _value(obj, model, "", unknown)
    return pruned, unknown


def _value(value: Any, kind: str, path: str, unknown: list[str]) -> Any:
    if value is None or kind == "object":
        return value
    if found := _LIST.match(kind):
        if not isinstance(value, list):
            raise WrongType(path, value, kind)
        return [_value(each, found[1], f"{path}[{i}]", unknown) for i, each in enumerate(value)]
    if found := _DICT.match(kind):
        if not isinstance(value, dict):
            raise WrongType(path, value, kind)
        return {key: _value(each, found[1], f"{path}.{key}", unknown) for key, each in value.items()}
    if kind in _PLAIN:
        if not isinstance(value, _PLAIN[kind]) or (isinstance(value, bool) and kind != "bool"):
            raise WrongType(path, value, kind)
        return value
    return _struct(value, kind, path, unknown)


def _struct(value: Any, kind: str, path: str, unknown: list[str]) -> Any:
    if not isinstance(value, dict):
        raise WrongType(path, value, kind)
    model = getattr(models, kind)
    names = {wire: attribute for attribute, wire in model.attribute_map.items()}
    pruned = {}
    for key, each in value.items():
        inner = f"{path}.{key}" if path else key
        if key in names:
            pruned[key] = _value(each, model.openapi_types[names[key]], inner, unknown)
        else:
            unknown.append(inner)
    return pruned
