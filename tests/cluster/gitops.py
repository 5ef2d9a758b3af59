"""A stand-in for Argo CD's and Flux's controllers, as the kubelet's is for nodes: they follow their objects.

What "Git" holds is told by the version: every tag, revision and chart of a service is the image's tag. `-unknown` is
no revision, `-refused` cannot be applied; what its pods do is the kubelet's matter. Of an Application's sources the one
that overrides a version says it, else the one that lends its values does. A HelmRelease waits for its workload (Helm's
own limit is five minutes, longer than any test); a Kustomization does not wait.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import requests

from tests.cluster.control_plane import ControlPlane, Json
from tests.cluster.crds import DEFINITIONS
from tests.waiting import until

_MERGE = {"Content-Type": "application/merge-patch+json"}
_STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}
_LOOK = 0.05  # seconds between two looks
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


class Gitops:
    """`with Gitops(plane):` and the tools' objects are followed. Their definitions are there from then on."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane, self._api = plane, plane.session()
        self._stopped = threading.Event()
        self.idle = threading.Event()  # while it is set the tools do nothing
        self.blind: set[str] = set()  # services whose Kustomization reaches nothing
        self._thread = threading.Thread(target=self._live, name="gitops", daemon=True)

    def __enter__(self) -> Gitops:
        for definition in DEFINITIONS:
            self._call("POST", _CRDS, definition)
        for definition in DEFINITIONS:
            self._await_served(definition)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        self._api.close()

    def _await_served(self, definition: Json) -> None:
        spec = definition["spec"]
        path = f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"
        until(lambda: self._call("GET", path).ok, f"{path} served")

    def _live(self) -> None:
        tools: tuple[tuple[str, Callable[[Json], None]], ...] = (
            ("/apis/argoproj.io/v1alpha1/applications", self._application),
            ("/apis/helm.toolkit.fluxcd.io/v2/helmreleases", self._helm_release),
            ("/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations", self._kustomization),
        )
        while not self._stopped.wait(_LOOK):
            for path, follow in tools if not self.idle.is_set() else ():
                for found in self._listed(path):
                    # The API server is away, or an object has gone: the next look tells.
                    with suppress(requests.RequestException, KeyError):
                        follow(found)

    def _listed(self, path: str) -> list[Json]:
        try:
            found: list[Json] = self._call("GET", path).json().get("items", [])
        except requests.RequestException:
            return []
        return found

    # -- Argo CD -------------------------------------------------------------------------------------------------------
    def _application(self, app: Json) -> None:
        spec, status = app["spec"], copy.deepcopy(app.get("status") or {})
        name, place = _service(app), spec["destination"]["namespace"]
        wanted, operation = _wanted(spec, name), app.get("operation")
        workload = self._workload(place, name)
        if operation and (status.get("operationState") or {}).get("phase") != "Running":
            status["operationState"] = {"phase": "Running", "operation": operation, "startedAt": _now()}
            self._status(app, status)
            return
        automated = (spec.get("syncPolicy") or {}).get("automated")
        differs = _image(workload, name) != wanted
        if operation or (automated and differs and "unknown" not in wanted and not _failed(status, spec)):
            self._sync(app, status, workload, wanted, operation or {"initiatedBy": {"automated": True}, "sync": {}})
            return
        status |= {
            "sync": {
                "status": "Unknown" if "unknown" in wanted else "OutOfSync" if differs else "Synced",
                **_revisions(spec),
                "comparedTo": _sources(spec),
            },
            "health": {"status": _health(workload)},
            "conditions": [{"type": "ComparisonError", "message": f"unable to resolve '{wanted}' to a commit SHA"}]
            if "unknown" in wanted
            else None,
        }
        if any(status.get(key) != (app.get("status") or {}).get(key) for key in ("sync", "health", "conditions")):
            self._status(app, {**status, "reconciledAt": _now()})

    def _sync(self, app: Json, status: Json, workload: Json, wanted: str, operation: Json) -> None:
        state = {"phase": "Succeeded", "operation": operation, "startedAt": _now(), "finishedAt": _now()}
        result = {**_revisions(app["spec"]), **_sources(app["spec"])}
        if "unknown" in wanted or "refused" in wanted:
            state |= {"phase": "Failed", "message": "one or more objects failed to apply, password=hunter22"}
        else:
            self._set_image(workload, _service(app), wanted)
            number = max((each["id"] for each in status.get("history") or ()), default=-1) + 1
            entry = {"id": number, "deployedAt": _now(), **result}
            status["history"] = [*(status.get("history") or ()), entry]
        status["operationState"] = {**state, "syncResult": result}
        self._status(app, status, operation=None)

    def _status(self, app: Json, status: Json, **more: Any) -> None:
        self._patch(_path("argoproj.io/v1alpha1", "applications", app), {"status": status, **more}, _MERGE)

    # -- Flux ----------------------------------------------------------------------------------------------------------
    def _helm_release(self, release: Json) -> None:
        meta, spec = release["metadata"], release["spec"]
        chart = ((spec.get("chart") or {}).get("spec") or {}).get("version")
        wanted = str(((spec.get("values") or {}).get("image") or {}).get("tag") or chart)
        path = _path("helm.toolkit.fluxcd.io/v2", "helmreleases", release)
        if not _due(release):
            return
        workload = self._workload(meta["namespace"], meta["name"])
        if _image(workload, meta["name"]) != wanted:
            self._set_image(workload, meta["name"], wanted)
            self._patch(
                f"{path}/status", _conditions(release, "Unknown", "Progressing", "Running 'upgrade' action"), _MERGE
            )
            return
        if _health(workload) == "Healthy":
            past = (release.get("status") or {}).get("history") or []
            entry = {"chartVersion": chart, "version": len(past) + 1, "status": "deployed", "lastDeployed": _now()}
            body = _conditions(
                release, "True", "UpgradeSucceeded", f"Helm upgrade succeeded for release {meta['name']}"
            )
            body["status"] |= {"history": [entry, *past], **_handled(release)}
            self._patch(f"{path}/status", body, _MERGE)

    def _kustomization(self, found: Json) -> None:
        if not _due(found):
            return
        name, path = found["spec"]["path"], _path("kustomize.toolkit.fluxcd.io/v1", "kustomizations", found)
        images = {each["name"]: each for each in found["spec"].get("images") or ()}
        ours: Json = next((each for key, each in images.items() if name in (each.get("newName") or key)), {})
        wanted = ours.get("newTag") or "1.0"
        if "refused" in wanted:
            body = _conditions(found, "False", "ReconciliationFailed", "Deployment is invalid")
        else:
            if name not in self.blind:
                self._set_image(self._workload(found["spec"]["targetNamespace"], name), name, wanted)
            body = _conditions(found, "True", "ReconciliationSucceeded", "Applied revision: main@sha1:abc")
            body["status"]["lastAppliedRevision"] = "main@sha1:abc"
        body["status"] |= _handled(found)
        self._patch(f"{path}/status", body, _MERGE)

    # -- the cluster ---------------------------------------------------------------------------------------------------
    def _workload(self, namespace: str, name: str) -> Json:
        found: Json = self._call("GET", f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}").json()
        return found

    def _set_image(self, workload: Json, name: str, tag: str) -> None:
        containers = [{"name": name, "image": f"registry.example/{name}:{tag}"}]
        body = {"spec": {"template": {"spec": {"containers": containers}}}}
        self._patch(_path("apps/v1", "deployments", workload), body, _STRATEGIC)

    def _patch(self, path: str, body: Json, headers: dict[str, str]) -> None:
        self._call("PATCH", path, body, headers)

    def _call(self, method: str, path: str, body: Json | None = None, headers: Any = None) -> requests.Response:
        return self._api.request(method, f"{self._plane.url}{path}", json=body, headers=headers, timeout=30)


def _path(version: str, plural: str, found: Json) -> str:
    meta = found["metadata"]
    return f"/apis/{version}/namespaces/{meta['namespace']}/{plural}/{meta['name']}"


def _service(app: Json) -> str:
    return str(app["metadata"]["name"]).removesuffix("-prod")


def _wanted(spec: Json, name: str) -> str:
    """The tag that its manifests say."""
    several = spec.get("sources") or [spec["source"]]
    said = [tag for source in several for tag in _overrides(source, name)]
    lent = [source["targetRevision"] for source in several if source.get("ref")]
    return str([*said, *lent, several[0]["targetRevision"]][0])


def _overrides(source: Json, name: str) -> Iterator[str]:
    for text in (source.get("kustomize") or {}).get("images") or ():
        if f"/{name}:" in text:
            yield str(text).rpartition(":")[2]
    for each in (source.get("helm") or {}).get("parameters") or ():
        if each["name"] == "image.tag":
            yield str(each["value"])


def _sources(spec: Json) -> Json:
    """As Argo CD writes them into a status: beside several, the single one is there and says nothing."""
    return (
        {"source": {"repoURL": ""}, "sources": spec["sources"]} if spec.get("sources") else {"source": spec["source"]}
    )


def _revisions(spec: Json) -> Json:
    found = [f"commit-of-{source.get('targetRevision', 'HEAD')}" for source in spec.get("sources") or [spec["source"]]]
    return {"revision": "", "revisions": found} if spec.get("sources") else {"revision": found[0]}


def _failed(status: Json, spec: Json) -> bool:
    """Automated sync tries a revision with the same parameters only once."""
    state = status.get("operationState") or {}
    return state.get("phase") == "Failed" and state["syncResult"].items() >= _sources(spec).items()


def _image(workload: Json, name: str) -> str:
    containers = workload["spec"]["template"]["spec"]["containers"]
    return next(str(each["image"]).rpartition(":")[2] for each in containers if each["name"] == name)


def _health(workload: Json) -> str:
    """As Argo CD and kstatus judge a Deployment."""
    status, wanted = workload.get("status") or {}, workload["spec"]["replicas"]
    if status.get("observedGeneration", 0) < workload["metadata"]["generation"]:
        return "Progressing"
    counts = (status.get("replicas", 0), status.get("updatedReplicas", 0), status.get("availableReplicas", 0))
    return "Healthy" if counts == (wanted,) * 3 else "Progressing"


def _due(found: Json) -> bool:
    meta, status = found["metadata"], found.get("status") or {}
    asked = (meta.get("annotations") or {}).get("reconcile.fluxcd.io/requestedAt")
    seen = status.get("observedGeneration") == meta["generation"] and asked == status.get("lastHandledReconcileAt")
    return not found["spec"].get("suspend") and not seen


def _conditions(found: Json, ready: str, reason: str, message: str) -> Json:
    at = {"lastTransitionTime": _now(), "observedGeneration": found["metadata"]["generation"]}
    made = [{"type": "Ready", "status": ready, "reason": reason, "message": message, **at}]
    if ready == "Unknown":
        made.append({"type": "Reconciling", "status": "True", "reason": reason, "message": message, **at})
    return {"status": {"conditions": made}}


def _handled(found: Json) -> Json:
    meta = found["metadata"]
    asked = (meta.get("annotations") or {}).get("reconcile.fluxcd.io/requestedAt")
    return {"observedGeneration": meta["generation"], "lastHandledReconcileAt": asked}


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
