"""Lists of objects and watches over them."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.playground.town import selectors
from bot.playground.town.calls import Call
from bot.playground.town.objects import Object
from bot.playground.town.problems import bad_request, expired
from bot.playground.town.resources import Resource
from bot.playground.town.store import Changed
from bot.playground.town.world import World

_POLL = 0.05  # seconds between looks of a watch; the town moves only when it is looked at
_LONGEST = 1800.0  # seconds of a watch without timeoutSeconds


@dataclass(frozen=True)
class Filter:
    """Which objects of a resource are meant."""

    resource: Resource
    namespace: str | None
    labels: selectors.Predicate
    fields: selectors.Predicate

    @classmethod
    def of(cls, resource: Resource, call: Call, query: Mapping[str, str]) -> Filter:
        """Raises Problem 400 for a selector that is none."""
        fields = query.get("fieldSelector", "")
        if call.name:  # watching a single object
            fields = f"metadata.name={call.name}"
        return cls(
            resource,
            call.namespace,
            selectors.labels(query.get("labelSelector", "")),
            selectors.fields(fields, resource.plural),
        )

    def matches(self, obj: Object) -> bool:
        inside = self.namespace is None or obj["metadata"].get("namespace") == self.namespace
        return inside and self.labels(obj) and self.fields(obj)


def page(world: World, wanted: Filter, query: Mapping[str, str]) -> Object:
    """A list object; `limit` and `continue` give pages."""
    with world.present() as town:
        found = [obj for obj in town.store.all(wanted.resource.plural, wanted.namespace) if wanted.matches(obj)]
        meta: Object = {"resourceVersion": str(town.store.version)}
    start, limit = _position(query.get("continue", "")), int(query.get("limit") or 0)
    shown = found[start : start + limit] if limit else found[start:]
    if left := len(found) - start - len(shown):
        meta["continue"] = base64.urlsafe_b64encode(str(start + len(shown)).encode()).decode()
        meta["remainingItemCount"] = left
    items = [{key: value for key, value in obj.items() if key not in ("kind", "apiVersion")} for obj in shown]
    kind, version = f"{wanted.resource.named.kind}List", wanted.resource.group_version
    return {"kind": kind, "apiVersion": version, "metadata": meta, "items": items}


def _position(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token)) if token else 0
    except ValueError:
        raise bad_request("continue key is not valid") from None


async def watch(world: World, wanted: Filter, request: web.Request, closing: asyncio.Event) -> web.StreamResponse:
    """Changes as lines of JSON, until timeoutSeconds are over, the client leaves or the server closes."""
    query = request.query
    seconds = float(query.get("timeoutSeconds") or _LONGEST)
    version, first = _beginning(world, wanted, query.get("resourceVersion", ""))
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    if query.get("sendInitialEvents") == "true":
        first.append(_bookmark(wanted.resource, version, {"k8s.io/initial-events-end": "true"}))
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    try:
        await _send(response, first)
        while loop.time() < deadline and not closing.is_set() and not _gone(request):
            version, lines, over = _changes(world, wanted, version)
            await _send(response, lines)
            if over:
                break
            await asyncio.wait([asyncio.ensure_future(closing.wait())], timeout=_POLL)
        if query.get("allowWatchBookmarks") == "true" and not closing.is_set():
            await _send(response, [_bookmark(wanted.resource, version, {})])
        await response.write_eof()
    except ConnectionResetError:
        return response  # the client has left
    return response


def _gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _beginning(world: World, wanted: Filter, version: str) -> tuple[int, list[Object]]:
    with world.present() as town:
        if version not in ("", "0"):
            if not version.isdecimal():
                raise bad_request(f'resourceVersion: Invalid value: "{version}": strconv.ParseUint: invalid syntax')
            return int(version), []
        found = [obj for obj in town.store.all(wanted.resource.plural, wanted.namespace) if wanted.matches(obj)]
        return town.store.version, [{"type": "ADDED", "object": obj} for obj in found]


def _changes(world: World, wanted: Filter, version: int) -> tuple[int, list[Object], bool]:
    """The new version, what to send, and whether that is the end."""
    with world.present() as town:
        changes = town.store.since(version)
        newest = town.store.version
        if changes is None:
            gone = expired(version, town.store.changes[0].version)
            return version, [{"type": "ERROR", "object": gone.body()}], True
    lines = [line for change in changes if (line := _line(change, wanted))]
    return max(version, newest), lines, False


def _line(change: Changed, wanted: Filter) -> Object | None:
    """As seen through the selectors: what begins to match is ADDED, what no longer does is DELETED."""
    if change.resource != wanted.resource.plural:
        return None
    before = change.before is not None and wanted.matches(change.before)
    after = change.type != "DELETED" and wanted.matches(change.object)
    if not before and not after:
        return None
    kind = "MODIFIED" if before and after else "ADDED" if after else "DELETED"
    return {"type": kind, "object": change.object}


def _bookmark(resource: Resource, version: int, annotations: dict[str, str]) -> Object:
    meta: Object = {"resourceVersion": str(version), "creationTimestamp": None}
    if annotations:
        meta["annotations"] = annotations
    obj = {"kind": resource.named.kind, "apiVersion": resource.group_version, "metadata": meta}
    return {"type": "BOOKMARK", "object": obj}


async def _send(response: web.StreamResponse, lines: list[Any]) -> None:
    if lines:
        await response.write("".join(json.dumps(line) + "\n" for line in lines).encode())
