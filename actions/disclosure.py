"""What of a workload may be shown and kept: everything but what people write secrets into (L6).

The values of plain environment variables never are, whatever their names: a name tells little of what is in them. Nor
are those of a probe's HTTP headers. Of arguments, and of the commands of probes and hooks, that part stays out which
looks like a secret. Where a value that stays out differs, that is still said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from actions.redaction import redacted

_CONTAINERS = ("containers", "initContainers")
_WORDS = ("command", "args")
_HEADERS = "httpHeaders"
_PROBES = ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe")
_SETTINGS = frozenset(
    {"values", "valuesObject", "parameters", "substitute", "env"}
    | {"patches", "patchesStrategicMerge", "patchesJson6902", "postRenderers"}  # in which whole manifests may stand
)
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
        held = other if isinstance(other, list) else []
        return [
            settings(each, _counterpart(each, at, held) if _is_another(each, held) else each, private)
            for at, each in enumerate(spec)
        ]
    if private and spec == other:
        return "(hidden)"
    return redacted(spec) if isinstance(spec, str) else spec  # a repository's address may hold a password


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
    return {**shown, **{key: _probe(own[key], other.get(key), side) for key in _PROBES if own.get(key)}}


def _probe(own: Any, other: Any, side: str, header: bool = False) -> Any:
    """Of a probe or a hook; what is in its HTTP headers is a credential as often as not."""
    if isinstance(own, Mapping):
        theirs = other if isinstance(other, Mapping) else {}
        return {
            key: each if header and key == "name" else _probe(each, theirs.get(key), side, header or key == _HEADERS)
            for key, each in own.items()
        }
    if isinstance(own, list):
        pairs = zip_longest(own, (other if isinstance(other, list) else [])[: len(own)])
        return [_probe(each, their, side, header) for each, their in pairs]
    if header:
        return "(hidden)" if own == other else f"(hidden, {side})"
    return _word(own, "" if own == other else f" ({side})") if isinstance(own, str) else own


def _is_another(entry: Any, others: Sequence[Any]) -> bool:
    return isinstance(entry, Mapping) and entry not in others


def _counterpart(entry: Mapping[str, Any], at: int, others: Sequence[Any]) -> Any:
    """By its name; the sources of an Application need not have any, and stay in their order."""
    if "name" in entry:
        return next((each for each in others if isinstance(each, Mapping) and each.get("name") == entry["name"]), None)
    return others[at] if at < len(others) else None


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
