"""A shop whose versions GitOps tools keep: the same executor, other objects."""

from __future__ import annotations

from typing import Any, Self

import requests
import yaml

from actions.catalog import Catalog
from actions.rbac import accounts
from actions.rbac.manifests import render
from tests.cluster.control_plane import Json
from tests.cluster.shop import Shop, workload
from tests.waiting import until

KINDS = {
    "Application": ("argoproj.io/v1alpha1", "applications"),
    "HelmRelease": ("helm.toolkit.fluxcd.io/v2", "helmreleases"),
    "Kustomization": ("kustomize.toolkit.fluxcd.io/v1", "kustomizations"),
}
IMAGES, REVISION, PARAMETER = (
    "spec.source.kustomize.images",
    "spec.source.targetRevision",
    "spec.source.helm.parameters",
)
KEEPERS = {  # service -> kind and where its version stands
    "checkout": ("Application", IMAGES),
    "web": ("Application", REVISION),
    "cart": ("Application", f"{PARAMETER}.image.tag"),
    "api": ("HelmRelease", "spec.values.image.tag"),
    "site": ("Kustomization", "spec.images"),
    # Of several sources: the only one that makes manifests, one that is called by its path, and a ref to Helm values.
    "till": ("Application", f"{PARAMETER}.image.tag"),
    "desk": ("Application", IMAGES),
    "kiosk": ("Application", REVISION),
}
SOURCES: dict[str, list[Json]] = {
    "till": [
        {"repoURL": "https://git.example/values", "targetRevision": "main", "ref": "values"},
        {
            "repoURL": "https://charts.example",
            "chart": "till",
            "targetRevision": "8.5.1",
            "helm": {
                "valueFiles": ["$values/till.yaml"],
                "parameters": [{"name": "db.password", "value": "hunter22"}, {"name": "image.tag", "value": "1.0"}],
            },
        },
    ],
    "desk": [
        {"repoURL": "https://git.example/shop", "path": "common", "targetRevision": "main"},
        {
            "repoURL": "https://git.example/shop",
            "path": "desk",
            "targetRevision": "main",
            "kustomize": {"images": ["other=registry.example/other:3", "registry.example/desk:1.0"]},
        },
    ],
    "kiosk": [
        {"repoURL": "https://charts.example", "chart": "kiosk", "targetRevision": "8.5.1"},
        {"repoURL": "https://charts.example", "chart": "probe", "targetRevision": "1.0", "name": "probe"},
        {"repoURL": "https://git.example/values", "targetRevision": "1.0", "ref": "values"},
    ],
}
CALLED = {"desk": "{service}", "kiosk": "values"}


class Estate(Shop):
    """Each service is a Deployment of two; the Applications and Kustomizations live in a namespace of their own."""

    @property
    def home(self) -> str:
        return f"{self.namespace}-gitops"

    @property
    def catalog(self) -> Catalog:
        services = {}
        for name, (kind, path) in KEEPERS.items():
            managed: dict[str, Any] = {"tool": "argocd" if kind == "Application" else "flux", "kind": kind}
            managed |= {"version": path, "namespace": self.place(kind)}
            managed |= {"source": CALLED[name]} if name in CALLED else {}
            services[name] = {"image": f"registry.example/{name}", "max_replicas": 5, "managed_by": managed}
        return Catalog.model_validate({"environments": {"prod": {"namespace": self.namespace}}, "services": services})

    def place(self, kind: str) -> str:
        return self.namespace if kind == "HelmRelease" else self.home

    def open(self) -> Self:
        """The services, rolled out, with each keeper saying what runs."""
        self.call("POST", "/api/v1/namespaces", {"metadata": {"name": self.home}})
        for name in KEEPERS:
            self.create(workload("Deployment", name, replicas=2))
        for name, (kind, _) in KEEPERS.items():
            version, plural = KINDS[kind]
            answer = self.call("POST", f"/apis/{version}/namespaces/{self.place(kind)}/{plural}", self._keeper(name))
            assert answer.ok, answer.text
        for name in KEEPERS:
            self.settle(f"deployments/{name}")
            until(lambda: self.kept(name).get("status"), f"the first look at {name}")  # noqa: B023 - called here
        return self

    def admit(self) -> Self:
        """Apply what `twokey rbac render` writes, and wait until the policies hold."""
        for manifest in yaml.safe_load_all(render(self.catalog, self.registry)):
            self.create(manifest)
        label = {"metadata": {"labels": {"x": "y"}}}
        for verb in ("deploy", "rollback"):
            for service, (kind, _) in KEEPERS.items():
                user = accounts.user(verb, self.place(kind), preview=True)
                until(
                    lambda: self.change(service, label, user, dryRun="All").status_code == 422,  # noqa: B023 - called here
                    f"the policy of {verb} in force",
                )
        return self

    def close(self) -> None:
        super().close()
        self.call("DELETE", f"/api/v1/namespaces/{self.home}")

    # -- the keepers ---------------------------------------------------------------------------------------------------
    def kept(self, service: str) -> Json:
        found: Json = self.call("GET", self.path(service)).json()
        return found

    def change(self, service: str, body: Json, user: str = "", path: str = "", **query: str) -> requests.Response:
        """A merge patch of its keeper, by this user, or else an administrator."""
        headers = {"Content-Type": "application/merge-patch+json", **({"Impersonate-User": user} if user else {})}
        return self.call("PATCH", self.path(service) + path, body, headers=headers, params=query)

    def path(self, service: str) -> str:
        kind = KEEPERS[service][0]
        version, plural = KINDS[kind]
        name = service if kind == "HelmRelease" else f"{service}-prod"
        return f"/apis/{version}/namespaces/{self.place(kind)}/{plural}/{name}"

    def _keeper(self, service: str) -> Json:
        kind, path = KEEPERS[service]
        spec: Json = {"interval": "10m"}
        if kind == "Application":
            source: Json = {"repoURL": "https://git.example/shop", "path": service, "targetRevision": "main"}
            if path == IMAGES:
                source["kustomize"] = {"images": ["other=registry.example/other:3", f"registry.example/{service}:1.0"]}
            elif path == REVISION:
                source["targetRevision"] = "1.0"
            else:
                secret = {"name": "db.password", "value": "hunter22"}
                source["helm"] = {"parameters": [secret, {"name": "image.tag", "value": "1.0"}]}
            of = {"sources": SOURCES[service]} if service in SOURCES else {"source": source}
            spec = {"project": "default", **of, "destination": {"namespace": self.namespace}}
        elif kind == "HelmRelease":
            chart = {"spec": {"chart": service, "version": "1.0", "sourceRef": {"kind": "HelmRepository", "name": "x"}}}
            spec |= {"chart": chart, "values": {"image": {"tag": "1.0"}, "ratio": 0.5, "apiToken": "hunter22"}}
        else:
            images = [{"name": "other", "newTag": "3"}, {"name": f"registry.example/{service}", "newTag": "1.0"}]
            spec |= {"path": service, "targetNamespace": self.namespace, "images": images}
        name = service if kind == "HelmRelease" else f"{service}-prod"
        return {"apiVersion": KINDS[kind][0], "kind": kind, "metadata": {"name": name}, "spec": spec}
