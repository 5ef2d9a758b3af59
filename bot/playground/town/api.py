"""The Kubernetes API over HTTP: from a request to an answer."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from bot.playground.town import calls, discovery, listing, pod_logs
from bot.playground.town.calls import Call
from bot.playground.town.gatekeeper import Fault, Gatekeeper, Seen
from bot.playground.town.objects import Object
from bot.playground.town.problems import (
    REASONS,
    Problem,
    bad_request,
    method_not_allowed,
    no_such_path,
    unsupported_media,
)
from bot.playground.town.registry import Registry, Write, Written
from bot.playground.town.resources import Resource, lookup
from bot.playground.town.scales import Scales
from bot.playground.town.simulation import Simulation
from bot.playground.town.world import World

_READABLE = ("application/json", "application/octet-stream")  # the second is aiohttp's word for no content type
_CREATABLE = {"namespaces", "deployments", "horizontalpodautoscalers", "resourcequotas", "poddisruptionbudgets"}


class KubernetesApi:
    """Answers for one world."""

    def __init__(self, world: World, gatekeeper: Gatekeeper) -> None:
        self._world, self._gatekeeper = world, gatekeeper
        self._closing = asyncio.Event()

    def routes(self) -> list[web.RouteDef]:
        """Everything under /api and /apis, the version and the health checks."""
        health = [web.get(f"/{path}", self._healthy) for path in ("healthz", "livez", "readyz")]
        paths = ("/api", "/api/{tail:.*}", "/apis", "/apis/{tail:.*}", "/version", "/version/")
        return [*health, *(web.route("*", path, self.answer) for path in paths)]

    async def close(self, _app: web.Application) -> None:
        """End the watches, so that the server can end."""
        self._closing.set()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Act on a request, unless a fault says otherwise; what goes wrong is a Status object."""
        fault = self._gatekeeper.faults.take(request.method, request.path) or Fault()
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.drop == "before":
            return _dropped(request)
        try:
            if fault.status:
                raise _made_up(fault.status)
            response = await self._act(request)
        except Problem as problem:
            response = web.json_response(problem.body(), status=problem.code)
        return _dropped(request) if fault.drop == "after" else response

    async def _healthy(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def _act(self, request: web.Request) -> web.StreamResponse:
        seen = await self._gatekeeper.admit(request)
        if request.method in ("POST", "PUT") and request.content_type not in _READABLE:
            raise unsupported_media(_READABLE)  # kubectl's own create speaks protobuf
        watching = request.query.get("watch", "") in ("true", "1")
        call = calls.parse(request.method, request.path, watching)
        if call is None:
            document = discovery.document(request.path, request.host)
            if document is None:
                raise no_such_path()
            return web.json_response(document)
        if (call.group, call.resource, call.verb) == ("authorization.k8s.io", "selfsubjectaccessreviews", "create"):
            return web.json_response(self._review(seen), status=201)
        resource = lookup(call.group, call.version, call.resource)
        if resource is None or (call.subresource and call.subresource not in resource.subresources):
            raise no_such_path()
        self._gatekeeper.authorize(seen, call)
        if watching and request.method == "GET":
            wanted = listing.Filter.of(resource, call, request.query)
            return await listing.watch(self._world, wanted, request, self._closing)
        return self._reply(request, seen, call, resource)

    def _reply(self, request: web.Request, seen: Seen, call: Call, resource: Resource) -> web.Response:
        if call.verb == "list":
            wanted = listing.Filter.of(resource, call, request.query)
            return web.json_response(listing.page(self._world, wanted, request.query))
        if call.subresource == "log":
            text = pod_logs.read(self._world, resource, call.namespace or "", call.name, request.query)
            return web.Response(text=text)
        write = _write(request, call)
        with self._world.present() as town:
            written, status = self._object(town, resource, call, request.content_type, seen.body, write)
        headers = {"Warning": ", ".join(f'299 - "{_quoted(each)}"' for each in written.warnings)}
        return web.json_response(written.object, status=status, headers=headers if written.warnings else {})

    def _object(
        self, town: Simulation, resource: Resource, call: Call, content_type: str, text: str, write: Write
    ) -> tuple[Written, int]:
        namespace, name = call.namespace or "", call.name
        target: Registry | Scales = Scales(town, resource) if call.subresource == "scale" else Registry(town, resource)
        if call.verb == "get":
            return Written(target.get(namespace, name)), 200
        if call.verb == "patch":
            return target.patch(namespace, name, content_type, _body(text), write), 200
        if call.verb == "update":
            return target.replace(namespace, name, _body(text), write), 200
        if isinstance(target, Registry) and not call.subresource:
            if call.verb == "create" and not name and resource.plural in _CREATABLE:
                return target.create(namespace, _body(text), write), 201
            if call.verb == "delete" and name:
                return Written(target.delete(namespace, name, _body(text) if text else None, write)), 200
        raise method_not_allowed()

    def _review(self, seen: Seen) -> Object:
        """SelfSubjectAccessReview: may the caller do this?"""
        body = _body(seen.body)
        asked = body.get("spec", {}).get("resourceAttributes") or {}
        call = Call(
            asked.get("verb", ""),
            asked.get("group", ""),
            asked.get("version", ""),
            asked.get("resource", ""),
            asked.get("namespace") or None,
            asked.get("name", ""),
            asked.get("subresource", ""),
        )
        status = {"allowed": self._gatekeeper.allows(seen.user, call)}
        kind, version = "SelfSubjectAccessReview", "authorization.k8s.io/v1"
        return {"kind": kind, "apiVersion": version, "metadata": {}, "spec": body.get("spec", {}), "status": status}


def _write(request: web.Request, call: Call) -> Write:
    query, agent = request.query, request.headers.get("User-Agent", "unknown")
    dry_run = query.get("dryRun", "")
    if dry_run not in ("", "All"):
        raise bad_request(f'dryRun: Unsupported value: "{dry_run}": supported values: "All"')
    manager = query.get("fieldManager") or agent.partition("/")[0] or "unknown"
    return Write(manager, dry_run == "All", query.get("fieldValidation") == "Strict", call.subresource)


def _body(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise bad_request(f"the object provided is unrecognized: couldn't get version/kind; {error}") from None


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _made_up(status: int) -> Problem:
    reason = REASONS.get(status, "InternalError")
    return Problem(status, reason, f"an error on the server ({reason}) has prevented the request from succeeding")


def _dropped(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
