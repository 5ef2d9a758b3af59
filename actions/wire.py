"""A plan's patch as it goes over the wire: bound to the object that was read just before, and whole."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from actions.errors import StalePlan
from actions.keepers import sources
from actions.plan import Patch


def bound(patch: Patch, live: Mapping[str, Any]) -> Patch:
    """The same patch, which the server accepts for this very state of the object alone. Raises StalePlan as `whole`."""
    sent = whole(patch, live)
    body: dict[str, Any] = copy.deepcopy(dict(sent.body))
    body.setdefault("metadata", {}).update({key: live["metadata"][key] for key in ("uid", "resourceVersion")})
    return sent.model_copy(update={"body": body})


def whole(patch: Patch, live: Mapping[str, Any]) -> Patch:
    """With the rest of each list of named things, which a merge patch replaces as one (RFC 7386).

    A Rollout is patched as a Deployment is, and knows no strategic merge. Raises StalePlan where a source that it
    changes is not there, or not alone.
    """
    if patch.type == "sourced":
        spec = _sources(patch.body["spec"], live)
        return patch.model_copy(update={"type": "merge", "body": {**patch.body, "spec": {"sources": spec}}})
    if patch.type != "named" and (patch.type, live.get("kind")) != ("strategic", "Rollout"):
        return patch
    return patch.model_copy(update={"type": "merge", "body": _filled(patch.body, live)})


def _filled(patch: Any, live: Any) -> Any:
    if isinstance(patch, Mapping):
        held = live if isinstance(live, Mapping) else {}
        return {key: _filled(value, held.get(key)) for key, value in patch.items()}
    if isinstance(patch, list) and all(isinstance(each, Mapping) and "name" in each for each in patch):
        changes, entries = {each["name"]: each for each in patch}, live if isinstance(live, list) else []
        kept = [_merged(each, changes.pop(each.get("name"), {})) for each in entries]
        return [*kept, *(_merged({}, each) for each in changes.values())]
    return patch


def _sources(spec: Any, live: Mapping[str, Any]) -> list[Any]:
    """All of them, in their order, with what changes in its place."""
    there = [*(live["spec"].get("sources") or ())]
    for change in spec["sources"]:
        at = sources.found(change, there)
        if at is None:
            name = f"{live['kind']} {live['metadata']['name']}"
            raise StalePlan(f"The sources of {name} are others than they were. Ask again to see what it would do now.")
        there[at] = _laid(there[at], _filled(sources.beside(change), there[at]))
    return there


def _laid(entry: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """A merge patch (RFC 7386) of a part, which removes nothing."""
    return {
        **entry,
        **{
            key: _laid(entry[key], value) if isinstance(value, Mapping) and key in entry else value
            for key, value in change.items()
        },
    }


def _merged(entry: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**entry, **change}.items() if value is not None}
