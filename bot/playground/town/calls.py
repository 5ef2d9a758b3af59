"""What a request to the Kubernetes API is about (k8s.io/apiserver/pkg/endpoints/request RequestInfo)."""

from __future__ import annotations

from dataclasses import dataclass

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True)
class Call:
    """A request for objects. `namespace` is None for every namespace and for resources without one."""

    verb: str
    group: str
    version: str
    resource: str
    namespace: str | None = None
    name: str = ""
    subresource: str = ""


def parse(method: str, path: str, watch: bool) -> Call | None:
    """None where the path names no resource (discovery, version, health)."""
    parts = [part for part in path.split("/") if part]
    group, rest = ("", parts[1:]) if parts[:1] == ["api"] else (parts[1] if len(parts) > 1 else "", parts[2:])
    if len(rest) < 2:
        return None
    version, rest = rest[0], rest[1:]
    namespace: str | None = None
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    resource, name, subresource = [*rest, "", ""][:3]
    verb = _VERBS.get(method) or ("get" if name else "watch" if watch else "list")
    return Call(verb, group, version, resource, namespace, name, subresource)
