"""The objects of the cluster with the resourceVersion and generation semantics of a real API server's storage."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bot.playground.town.objects import REVISION, Object, clone

_GENERATED = {"deployments", "replicasets", "statefulsets", "daemonsets"}
_REMEMBERED = 4000  # changes that a watch can still catch up on


@dataclass(frozen=True)
class Changed:
    """One write, as a watch reports it."""

    version: int
    type: Literal["ADDED", "MODIFIED", "DELETED"]
    resource: str
    object: Object
    before: Object | None


class Store:
    """Objects by resource, namespace and name. What it hands out is not to be altered: alter a `clone` and put it."""

    def __init__(self) -> None:
        self.version = 1000
        self.changes: deque[Changed] = deque(maxlen=_REMEMBERED)
        self.on_change: Callable[[Changed], None] = lambda _: None
        self._objects: dict[str, dict[tuple[str, str], Object]] = {}

    def get(self, resource: str, namespace: str, name: str) -> Object | None:
        return self._objects.get(resource, {}).get((namespace, name))

    def all(self, resource: str, namespace: str | None = None) -> list[Object]:
        """Sorted by namespace and name, as etcd has them; None means every namespace."""
        found = self._objects.get(resource, {})
        return [found[key] for key in sorted(found) if namespace is None or key[0] == namespace]

    def preview(self, resource: str, obj: Object) -> Object:
        """The object as `put` would store it; the stored one itself if nothing would change."""
        key = _key(obj)
        before = self._objects.get(resource, {}).get(key)
        if before is not None and _essence(before) == _essence(obj):
            return before
        after: Object = clone(obj)
        meta = after["metadata"]
        meta["resourceVersion"] = before["metadata"]["resourceVersion"] if before else ""
        if resource in _GENERATED:
            meta["generation"] = before["metadata"]["generation"] + _moved(resource, before, after) if before else 1
        return after

    def put(self, resource: str, obj: Object) -> Object:
        """Create or replace; a new generation only where it has one, and nothing at all where nothing changed."""
        key = _key(obj)
        before = self._objects.get(resource, {}).get(key)
        after = self.preview(resource, obj)
        if after is before:
            return after
        self.version += 1
        after["metadata"]["resourceVersion"] = str(self.version)
        self._objects.setdefault(resource, {})[key] = after
        self._tell(Changed(self.version, "MODIFIED" if before else "ADDED", resource, after, before))
        return after

    def remove(self, resource: str, namespace: str, name: str) -> None:
        """Forget the object; nothing happens where there is none."""
        before = self._objects.get(resource, {}).pop((namespace, name), None)
        if before is not None:
            self.version += 1
            last = {**before, "metadata": {**before["metadata"], "resourceVersion": str(self.version)}}
            self._tell(Changed(self.version, "DELETED", resource, last, before))

    def since(self, version: int) -> list[Changed] | None:
        """The writes after this version, oldest first; None where some are forgotten already."""
        if self.changes and version < self.changes[0].version - 1:
            return None
        return [change for change in self.changes if change.version > version]

    def _tell(self, change: Changed) -> None:
        self.changes.append(change)
        self.on_change(change)


def _key(obj: Object) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _moved(resource: str, before: Object, after: Object) -> bool:
    """Whether this is a new generation: of a Deployment also where annotations change, but not by its controller."""
    if before.get("spec") != after.get("spec"):
        return True
    notes = (
        {k: v for k, v in (o["metadata"].get("annotations") or {}).items() if k != REVISION} for o in (before, after)
    )
    return resource == "deployments" and next(notes) != next(notes)


def _essence(obj: Object) -> Object:
    """All but what the store itself writes."""
    meta = {k: v for k, v in obj["metadata"].items() if k not in ("resourceVersion", "generation", "managedFields")}
    return {**obj, "metadata": meta}
