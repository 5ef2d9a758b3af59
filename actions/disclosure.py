"""What of a workload may be shown and kept: everything but what people write secrets into (L6).

The values of plain environment variables never are, whatever their names: a name tells little of what is in them. Of
arguments that part stays out which looks like a secret. Where a value that stays out differs, that is still said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from actions.redaction import redacted

_CONTAINERS = ("containers", "initContainers")
_WORDS = ("command", "args")
_SETTINGS = frozenset({"values", "valuesObject", "parameters", "substitute"})
_NAMED = 6  # variables that a card names


def pods(spec: Mapping[str, Any], other: Mapping[str, Any], side: str) -> dict[str, Any]:
    """A pod spec without those values. One that `other` does not hold as well is said to be of this `side`."""
    shown = dict(spec)
    for kind in _CONTAINERS:
        if spec.get(kind):
            theirs = _by_name(other.get(kind))
            shown[kind] = [_container(each, theirs.get(each.get("name"), {}), side) for each in spec[kind]]
    return shown


def settings(spec: Any, other: Any, private: bool = False) -> Any:
    """The spec of a keeper without the settings that it hands on, which may be anything, Helm values above all.

    What differs from `other` is shown: a change of ours differs in the version alone.
    """
    if isinstance(spec, Mapping):
        theirs = other if isinstance(other, Mapping) else {}
        plain = {"name"} if private else set()  # whose value it is
        return {
            key: inner if key in plain else settings(inner, theirs.get(key), private or key in _SETTINGS)
            for key, inner in spec.items()
        }
    if isinstance(spec, list):
        named = _by_name([each for each in other or () if isinstance(each, Mapping)])
        return [
            settings(each, named.get(each.get("name")) if isinstance(each, Mapping) else each, private) for each in spec
        ]
    return "(hidden)" if private and spec == other else spec


def variables(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Which environment variables differ between two pod templates, by name alone; empty where none does.

    `LOG_LEVEL changes, DEBUG goes (proxy)`; the container is named where it is not the template's first.
    """
    found = list(_differing(before.get("spec") or {}, after.get("spec") or {}))
    more = len(found) - _NAMED
    return ", ".join(found[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _container(own: Mapping[str, Any], other: Mapping[str, Any], side: str) -> dict[str, Any]:
    shown = dict(own)
    if own.get("env"):
        theirs = other.get("env") or ()
        shown["env"] = [_variable(each, "" if each in theirs else f", {side}") for each in own["env"]]
    for key in _WORDS:
        if own.get(key):
            words = other.get(key) or ()
            shown[key] = [_word(str(each), "" if each in words else f" ({side})") for each in own[key]]
    return shown


def _variable(variable: Mapping[str, Any], differs: str) -> Mapping[str, Any]:
    return {**variable, "value": f"(hidden{differs})"} if "value" in variable else variable


def _word(word: str, differs: str) -> str:
    kept = redacted(word)
    return word if kept == word else kept + differs


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for kind in _CONTAINERS:
        old, new = _by_name(before.get(kind)), _by_name(after.get(kind))
        for number, container in enumerate(dict.fromkeys([*new, *old])):
            where = f" ({container})" if number or kind != _CONTAINERS[0] else ""
            was, then = (_values(side.get(container, {}).get("env")) for side in (old, new))
            for name in sorted({*was, *then}):
                if was.get(name) != then.get(name):
                    yield f"{name} {_becomes(name in was, name in then)}{where}"


def _becomes(was: bool, then: bool) -> str:
    return "changes" if was and then else "goes" if was else "comes"


def _values(env: Iterable[Mapping[str, Any]] | None) -> dict[str, Mapping[str, Any]]:
    return {str(variable.get("name")): variable for variable in env or ()}


def _by_name(containers: Sequence[Mapping[str, Any]] | None) -> dict[Any, Mapping[str, Any]]:
    return {each.get("name"): each for each in containers or ()}
