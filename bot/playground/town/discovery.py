"""What the API server says about itself: its version, API groups, and the resources of each."""

from __future__ import annotations

from bot.playground.town.objects import Object
from bot.playground.town.resources import PREFERRED, RESOURCES, Resource

VERSION: Object = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.3+town",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2026-07-15T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "simulated",
}
_REVIEWS = ("SelfSubjectAccessReview",)
_ALL = ["create", "delete", "get", "list", "patch", "update", "watch"]


def document(path: str, host: str) -> Object | None:
    """The discovery document at this path; None where there is none."""
    parts = [part for part in path.split("/") if part]
    if parts == ["version"]:
        return VERSION
    if parts == ["api"]:
        addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": host}]
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses}
    if parts == ["apis"]:
        groups = [_group(group) for group in PREFERRED if group]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    if parts[0] == "apis" and len(parts) == 2 and parts[1] in PREFERRED:
        return {**_group(parts[1]), "kind": "APIGroup", "apiVersion": "v1"}
    group, version = ("", parts[-1]) if parts[0] == "api" else (parts[1], parts[-1])
    if len(parts) == (3 if group else 2) and PREFERRED.get(group) == version:
        return _resources(group, version)
    return None


def _group(name: str) -> Object:
    preferred = {"groupVersion": f"{name}/{PREFERRED[name]}", "version": PREFERRED[name]}
    return {"name": name, "versions": [preferred], "preferredVersion": preferred}


def _resources(group: str, version: str) -> Object:
    found: list[Object] = []
    for resource in RESOURCES:
        if resource.named.group == group:
            found += _entries(resource)
    if group == "authorization.k8s.io":
        found = [
            {
                "name": kind.lower() + "s",
                "singularName": kind.lower(),
                "namespaced": False,
                "kind": kind,
                "verbs": ["create"],
            }
            for kind in _REVIEWS
        ]
    group_version = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": found}


def _entries(resource: Resource) -> list[Object]:
    entry = {
        "name": resource.plural,
        "singularName": resource.named.kind.lower(),
        "namespaced": resource.namespaced,
        "kind": resource.named.kind,
        "verbs": _ALL,
        **({"shortNames": list(resource.short)} if resource.short else {}),
    }
    inner: list[Object] = []
    for name, kind in resource.subresources.items():
        verbs = ["get"] if name == "log" else ["get", "patch", "update"]
        other = {"group": "autoscaling", "version": "v1"} if kind == "Scale" else {}
        inner.append(
            {
                "name": f"{resource.plural}/{name}",
                "singularName": "",
                "namespaced": resource.namespaced,
                "kind": kind,
                "verbs": verbs,
                **other,
            }
        )
    return [entry, *inner]
