"""Reads and writes of single objects with the API server's rules; pure of HTTP, called with the town held still."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.playground.town import field_managers, patching, schema, validation
from bot.playground.town.objects import Object, clone, stamp, with_defaults
from bot.playground.town.problems import (
    Flaw,
    Problem,
    already_exists,
    bad_request,
    invalid,
    modified,
    not_found,
    other_uid,
    unsupported_media,
)
from bot.playground.town.resources import Resource
from bot.playground.town.simulation import Simulation

_FIRST_STATUS: dict[str, Object] = {
    "namespaces": {"phase": "Active"},
    "horizontalpodautoscalers": {"currentReplicas": 0, "desiredReplicas": 0, "currentMetrics": None},
}


@dataclass(frozen=True)
class Write:
    """How a change is meant."""

    manager: str
    dry_run: bool = False
    strict: bool = False  # fieldValidation=Strict
    subresource: str = ""


@dataclass(frozen=True)
class Written:
    """The object as it now is, or with a dry run would be, and what the caller is warned of."""

    object: Object
    warnings: tuple[str, ...] = ()


class Registry:
    """The objects of one resource in one town."""

    def __init__(self, town: Simulation, resource: Resource) -> None:
        self._town, self._resource = town, resource

    def get(self, namespace: str, name: str) -> Object:
        """Raises Problem 404."""
        found = self._town.store.get(self._resource.plural, namespace, name)
        if found is None:
            raise not_found(self._resource.named, name)
        return found

    def create(self, namespace: str, body: Any, write: Write) -> Written:
        obj, warnings = self._decode(body, write)
        meta = obj.setdefault("metadata", {})
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = meta["generateName"] + self._town.names.suffix()
        if meta.get("namespace", namespace) != namespace:
            raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
        if self._resource.namespaced:
            meta["namespace"] = namespace
            self._require_namespace(namespace)
        for key in ("resourceVersion", "managedFields", "generation"):
            meta.pop(key, None)
        meta["uid"], meta["creationTimestamp"] = self._town.names.uid(), stamp(self._town.agenda.at)
        obj["status"] = clone(_FIRST_STATUS.get(self._resource.plural, {}))
        obj = self._complete(obj)
        self._validate(obj, None, meta.get("name", ""))
        if self._town.store.get(self._resource.plural, meta.get("namespace", ""), meta["name"]):
            raise already_exists(self._resource.named, meta["name"])
        return Written(self._store(None, obj, write), warnings)

    def replace(self, namespace: str, name: str, body: Any, write: Write) -> Written:
        before = self.get(namespace, name)
        obj, warnings = self._decode(body, write)
        uid = obj.get("metadata", {}).get("uid", "")
        if uid and uid != before["metadata"]["uid"]:
            raise other_uid(self._resource.named, name, uid, before["metadata"]["uid"])
        return Written(self._update(before, obj, write), warnings)

    def patch(self, namespace: str, name: str, content_type: str, body: Any, write: Write) -> Written:
        before = self.get(namespace, name)
        obj, warnings = self._decode(patched(before, content_type, body), write, patch=body)
        return Written(self._update(before, obj, write), warnings)

    def delete(self, namespace: str, name: str, options: Any, write: Write) -> Object:
        """The Status, or for pods the pod as it ends. Raises Problem 404, or 409 for preconditions."""
        obj = self.get(namespace, name)
        meta, named = obj["metadata"], self._resource.named
        wanted = (options or {}).get("preconditions") or {}
        if wanted.get("uid", meta["uid"]) != meta["uid"]:
            raise other_uid(named, name, wanted["uid"], meta["uid"])
        if wanted.get("resourceVersion", meta["resourceVersion"]) != meta["resourceVersion"]:
            raise modified(named, name)
        if not write.dry_run:
            self._remove(obj)
        if self._resource.plural == "pods":
            return self._town.store.get("pods", namespace, name) or obj
        details = {"name": name, "group": named.group, "kind": named.plural, "uid": meta["uid"]}
        details = {key: value for key, value in details.items() if value}
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}

    def _remove(self, obj: Object) -> None:
        """Pods end gracefully; a namespace takes along what is in it."""
        meta, store = obj["metadata"], self._town.store
        if self._resource.plural == "pods":
            self._town.kubelet.end(obj)
            return
        if self._resource.plural == "namespaces":
            for plural in ("deployments", "horizontalpodautoscalers"):
                for inner in store.all(plural, meta["name"]):
                    store.remove(plural, meta["name"], inner["metadata"]["name"])
        store.remove(self._resource.plural, meta.get("namespace", ""), meta["name"])

    def _update(self, before: Object, obj: Object, write: Write) -> Object:
        meta, named = obj.setdefault("metadata", {}), self._resource.named
        old = before["metadata"]
        name = old["name"]
        for key in ("name", "namespace"):
            if meta.get(key, old.get(key)) != old.get(key):
                problem = f"the {key} of the object ({meta[key]}) does not match the {key} on the URL ({old.get(key)})"
                raise bad_request(problem)
        if meta.get("resourceVersion") and meta["resourceVersion"] != old["resourceVersion"]:
            raise modified(named, name)
        fixed = ("name", "namespace", "generation", "managedFields", "deletionTimestamp", "deletionGracePeriodSeconds")
        meta.update({key: clone(old[key]) for key in fixed if key in old})
        for key in ("uid", "creationTimestamp"):
            if not meta.get(key):
                meta[key] = old[key]
        if write.subresource == "status":
            obj = {**clone(before), "status": obj.get("status", {})}
        elif "status" in before:
            obj["status"] = before["status"]
        obj = self._complete(obj)
        self._validate(obj, before, name)
        return self._store(before, obj, write)

    def _decode(self, body: Any, write: Write, patch: Any = None) -> tuple[Object, tuple[str, ...]]:
        kind = self._resource.named.kind
        if not isinstance(body, dict):
            raise bad_request(f"the object provided is unrecognized (must be of type {kind})")
        try:
            obj, unknown = schema.prune(body, self._resource.model)
        except schema.WrongType as error:
            raise self._undecodable(patch, str(error)) from None
        warnings = tuple(f'unknown field "{path}"' for path in unknown)
        if warnings and write.strict:
            raise self._undecodable(patch, f"strict decoding error: {', '.join(warnings)}")
        obj["kind"], obj["apiVersion"] = kind, self._resource.group_version
        return clone(obj), warnings

    def _undecodable(self, patch: Any, why: str) -> Problem:
        """A patch is a value that is wrong, a whole object a request that is."""
        if patch is not None:
            return Problem(
                422, "Invalid", f' "" is invalid: {Flaw("patch", "Invalid value", repr(str(patch)), why).message}'
            )
        kind = self._resource.named.kind
        return bad_request(f'{kind} in version "{self._resource.version}" cannot be handled as a {kind}: {why}')

    def _complete(self, obj: Object) -> Object:
        return with_defaults(obj) if self._resource.plural == "deployments" else obj

    def _validate(self, obj: Object, before: Object | None, name: str) -> None:
        if found := validation.flaws(self._resource.named.kind, obj, before):
            raise invalid(self._resource.named, name, found)

    def _require_namespace(self, namespace: str) -> None:
        if self._town.store.get("namespaces", "", namespace) is None:
            details = {"name": namespace, "kind": "namespaces"}
            raise Problem(404, "NotFound", f'namespaces "{namespace}" not found', details)

    def _store(self, before: Object | None, obj: Object, write: Write) -> Object:
        store, plural = self._town.store, self._resource.plural
        claimed = field_managers.claim(before, obj, write.manager, write.subresource, self._town.agenda.at)
        if not write.dry_run:
            return store.put(plural, claimed)
        seen = store.preview(plural, claimed)
        if not seen["metadata"]["resourceVersion"]:
            del seen["metadata"]["resourceVersion"]
        return seen


def patched(before: Object, content_type: str, body: Any) -> Object:
    """The object after this patch. Raises Problem 400, 415 or 422."""
    if content_type not in patching.ACCEPTED:
        raise unsupported_media(patching.ACCEPTED)
    try:
        return patching.apply(content_type, before, body)
    except patching.NoPatch as error:
        raise bad_request(f"error decoding patch: {error}") from None
    except patching.PatchRefused:
        message = "the server rejected our request due to an error in our request"
        raise Problem(422, "Invalid", message, {}) from None
