"""Events about objects, counted when they repeat and forgotten after a while, as the API server keeps them."""

from __future__ import annotations

from typing import Literal

from bot.playground.town.agenda import Agenda
from bot.playground.town.objects import Names, Object, stamp
from bot.playground.town.store import Store

KEPT = 3 * 3600.0
"""Seconds that an event is kept (`--event-ttl` of a real API server, whose default is one hour)."""


class Recorder:
    """Writes events into the store."""

    def __init__(self, store: Store, agenda: Agenda, names: Names) -> None:
        self._store, self._agenda, self._names = store, agenda, names
        self._known: dict[tuple[str, str, str], Object] = {}

    def record(
        self,
        about: Object,
        reason: str,
        message: str,
        source: str,
        *,
        kind: Literal["Normal", "Warning"] = "Normal",
        container: str = "",
    ) -> None:
        """One more of this event about this object."""
        now = stamp(self._agenda.at)
        key = (about["metadata"]["uid"], reason, message)
        if (known := self._known.get(key)) is not None:
            again = {**known, "lastTimestamp": now, "count": known["count"] + 1}
            self._known[key] = self._store.put("events", again)
            return
        self._known[key] = self._store.put("events", self._new(about, reason, message, source, kind, container))
        self._agenda.later(KEPT, ("forget", *key[:2]))

    def forget(self, uid: str, reason: str) -> None:
        """Remove the events of this object and reason that are too old; those that repeat stay."""
        oldest = stamp(self._agenda.at - KEPT)
        for key, event in list(self._known.items()):
            if key[:2] != (uid, reason):
                continue
            if event["lastTimestamp"] > oldest:
                self._agenda.later(KEPT, ("forget", uid, reason))
            else:
                del self._known[key]
                self._store.remove("events", event["metadata"]["namespace"], event["metadata"]["name"])

    def _new(self, about: Object, reason: str, message: str, source: str, kind: str, container: str) -> Object:
        meta, now = about["metadata"], stamp(self._agenda.at)
        involved = {
            "kind": about["kind"],
            "namespace": meta["namespace"],
            "name": meta["name"],
            "uid": meta["uid"],
            "apiVersion": about["apiVersion"],
            "resourceVersion": meta.get("resourceVersion", ""),
        }
        if container:
            involved["fieldPath"] = f"spec.containers{{{container}}}"
        return {
            "kind": "Event",
            "apiVersion": "v1",
            "metadata": {
                "name": f"{meta['name']}.{self._names.uid().replace('-', '')[:16]}",
                "namespace": meta["namespace"],
                "uid": self._names.uid(),
                "creationTimestamp": now,
            },
            "involvedObject": involved,
            "reason": reason,
            "message": message,
            "source": {"component": source},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "type": kind,
            "eventTime": None,
            "reportingComponent": source,
            "reportingInstance": "",
        }
