"""A stand-in for Argo Rollouts' controller: canary steps over real ReplicaSets, pauses, promotion, abort.

By the documented behaviour, and as the real one was seen to do (`tests.cluster.rollouts_controller`): the first version
and a way back to the stable one skip all steps; a pause waits until its condition is taken away or its time is up;
after an abort the stable version has every replica, and the Rollout is degraded until its spec is the stable one again.
"""

from __future__ import annotations

import copy
import hashlib
import json
import threading
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import requests

from tests.cluster.control_plane import ControlPlane, Json

_HASH, _REVISION = "rollouts-pod-template-hash", "rollout.argoproj.io/revision"
_MERGE = {"Content-Type": "application/merge-patch+json"}


class Rollouts:
    """`with Rollouts(plane):` and Rollouts roll. The definitions are there already (`tests.cluster.gitops`)."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane, self._api, self._stopped = plane, plane.session(), threading.Event()
        self._paused: set[tuple[str, str, int]] = set()  # (uid, template, step) of every pause that was begun
        self._thread = threading.Thread(target=self._live, name="rollouts", daemon=True)

    def __enter__(self) -> Rollouts:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        self._api.close()

    def _live(self) -> None:
        while not self._stopped.wait(0.05):
            with suppress(requests.RequestException, KeyError, StopIteration):  # gone meanwhile: the next look tells
                for found in self._call("GET", "/apis/argoproj.io/v1alpha1/rollouts").json().get("items", ()):
                    self._follow(found)

    def _follow(self, found: Json) -> None:
        status, digest = dict(found.get("status") or {}), _digest(found["spec"]["template"])
        sets = self._sets(found, digest)
        if status.get("currentPodHash") != digest:  # a new template: from the first step, and no abort any more
            status |= {"currentPodHash": digest, "currentStepIndex": 0}
            status |= {"abort": None, "abortedAt": None, "pauseConditions": None}
            self._paused = {each for each in self._paused if each[1] != digest}
        status.setdefault("stableRS", digest)
        steps, switch = _steps(found["spec"]["strategy"])
        at = status.get("currentStepIndex", 0)
        if digest == status["stableRS"]:
            at, status["pauseConditions"] = len(steps), None
        elif not status.get("abort"):
            at, status["pauseConditions"] = self._advance(steps, at, status, (found["metadata"]["uid"], digest, at))
        wanted, share = found["spec"]["replicas"], _weight(steps, at, found["spec"]["replicas"])
        stable = next(each for each in sets if each["metadata"]["labels"][_HASH] == status["stableRS"])
        current = next(each for each in sets if each["metadata"]["labels"][_HASH] == digest)
        if switch:  # what is not active any more is left for a while
            sizes = {each["metadata"]["name"]: each["spec"]["replicas"] for each in sets}
            sizes |= {stable["metadata"]["name"]: wanted, current["metadata"]["name"]: wanted}
        else:
            canary = 0 if status.get("abort") else share
            sizes = {each["metadata"]["name"]: 0 for each in sets} | {stable["metadata"]["name"]: wanted - canary}
            sizes[current["metadata"]["name"]] = wanted if stable is current else canary
        self._resize(sets, sizes)
        counts = _counts([stable] if switch else sets, sets, current)
        updated = sizes[current["metadata"]["name"]]
        there = counts["availableReplicas"] == wanted and counts["updatedReplicas"] == updated
        # Nobody switches to pods that are not there yet; of a canary no older ones are left.
        there = there and (_total([current], "availableReplicas") if switch else counts["replicas"]) == wanted
        if there and at == len(steps) and not status.get("abort"):
            status["stableRS"] = digest
        phase = "Healthy" if there and digest == status["stableRS"] else "Progressing"
        if status.get("abort"):
            phase, status["abortedAt"] = "Degraded", status.get("abortedAt") or _now()
        elif status.get("pauseConditions"):
            phase = "Paused" if there else "Progressing"
        generation = str(found["metadata"]["generation"])
        message = "RolloutAborted: Rollout aborted update" if status.get("abort") else "CanaryPauseStep"
        new = {**status, **counts, "currentStepIndex": at, "phase": phase, "observedGeneration": generation}
        new["message"] = message if phase in ("Degraded", "Paused") else ""
        if switch:
            new["blueGreen"] = {"activeSelector": status["stableRS"], "previewSelector": digest}
        if {key: value for key, value in new.items() if value is not None} != found.get("status"):
            self._write(found, new, (found["metadata"]["uid"], digest, at))

    def _resize(self, sets: list[Json], sizes: dict[str, int]) -> None:
        for each in sets:
            meta = each["metadata"]
            if each["spec"]["replicas"] != sizes[meta["name"]]:
                path = f"/apis/apps/v1/namespaces/{meta['namespace']}/replicasets/{meta['name']}"
                self._call("PATCH", path, {"spec": {"replicas": sizes[meta["name"]]}}, _MERGE)

    def _write(self, found: Json, status: Json, here: tuple[str, str, int]) -> None:
        """Bound to what was read: what somebody else wrote meanwhile is looked at first."""
        meta = found["metadata"]
        path = f"/apis/argoproj.io/v1alpha1/namespaces/{meta['namespace']}/rollouts/{meta['name']}/status"
        body = {"metadata": {"resourceVersion": meta["resourceVersion"]}, "status": status}
        if self._call("PATCH", path, body, _MERGE).ok and status.get("pauseConditions"):
            self._paused.add(here)

    def _advance(self, steps: list[Json], at: int, status: Json, here: tuple[str, str, int]) -> tuple[int, Any]:
        """The step it is at now, and what it waits for there."""
        if at < len(steps) and "pause" in steps[at]:
            if waits := status.get("pauseConditions"):
                seconds = steps[at]["pause"].get("duration")
                since = datetime.now(UTC) - datetime.fromisoformat(waits[0]["startTime"])
                return (at, waits) if not seconds or since.total_seconds() < seconds else (at + 1, None)
            if here not in self._paused:
                return at, [{"reason": steps[at].get("reason", "CanaryPauseStep"), "startTime": _now()}]
        return min(at + 1, len(steps)), None  # or somebody took the condition away

    def _tidied(self, found: Json, number: int) -> None:
        """As the real one does: the revision is noted, and the spec is written back as it was understood."""
        meta = found["metadata"]
        if (meta.get("annotations") or {}).get(_REVISION) == str(number):
            return
        containers = [{**each, "resources": {}} for each in found["spec"]["template"]["spec"]["containers"]]
        body = {
            "metadata": {"annotations": {_REVISION: str(number)}, "resourceVersion": meta["resourceVersion"]},
            "spec": {"template": {"spec": {"containers": containers}}},
        }
        path = f"/apis/argoproj.io/v1alpha1/namespaces/{meta['namespace']}/rollouts/{meta['name']}"
        self._call("PATCH", f"{path}?fieldManager=rollouts-controller", body, _MERGE)

    def _sets(self, found: Json, digest: str) -> list[Json]:
        meta, path = found["metadata"], f"/apis/apps/v1/namespaces/{found['metadata']['namespace']}/replicasets"
        every: list[Json] = self._call("GET", path).json()["items"]
        mine = [
            each for each in every if (each["metadata"].get("ownerReferences") or [{}])[0].get("uid") == meta["uid"]
        ]
        numbers = [int(each["metadata"]["annotations"][_REVISION]) for each in mine]
        same = [each for each in mine if each["metadata"]["labels"][_HASH] == digest]
        if same and int(same[0]["metadata"]["annotations"][_REVISION]) < max(numbers):  # the way back is a new revision
            note = {"metadata": {"annotations": {_REVISION: str(max(numbers) + 1)}}}
            self._call("PATCH", f"{path}/{same[0]['metadata']['name']}", note, _MERGE)
        if not same:
            mine.append(self._call("POST", path, _replica_set(found, digest, max(numbers, default=0) + 1)).json())
        self._tidied(found, max(int(each["metadata"]["annotations"][_REVISION]) for each in mine))
        return mine

    def _call(self, method: str, path: str, body: Json | None = None, headers: Any = None) -> requests.Response:
        return self._api.request(method, f"{self._plane.url}{path}", json=body, headers=headers, timeout=30)


def _steps(strategy: Json) -> tuple[list[Json], bool]:
    """Of a canary; of two environments that are switched, the one pause before that. And whether it is the latter."""
    if "blueGreen" not in strategy:
        return (strategy["canary"] or {}).get("steps") or [], False
    switch = strategy["blueGreen"]
    waits, seconds = switch.get("autoPromotionEnabled") is False, switch.get("autoPromotionSeconds")
    pause = {"pause": {} if waits else {"duration": seconds}, "reason": "BlueGreenPause"}
    return [pause] if waits or seconds else [], True


def _weight(steps: list[Json], at: int, wanted: int) -> int:
    """How many replicas of the new version there are to be."""
    if at >= len(steps):
        return wanted
    weights = [each["setWeight"] for each in steps[: at + 1] if "setWeight" in each]
    return -(-wanted * weights[-1] // 100) if weights else 0


def _counts(serving: list[Json], sets: list[Json], current: Json) -> Json:
    return {
        "replicas": _total(sets, "replicas"),
        "HPAReplicas": _total(serving, "replicas"),
        "updatedReplicas": _total([current], "replicas"),
        "readyReplicas": _total(serving, "readyReplicas"),
        "availableReplicas": _total(serving, "availableReplicas"),
    }


def _total(sets: list[Json], key: str) -> int:
    return sum(int((each.get("status") or {}).get(key, 0)) for each in sets)


def _replica_set(found: Json, digest: str, number: int) -> Json:
    template, meta = copy.deepcopy(found["spec"]["template"]), found["metadata"]
    labels = {**template["metadata"]["labels"], _HASH: digest}
    template["metadata"]["labels"] = labels
    owner = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": meta["name"], "uid": meta["uid"]}
    notes = {_REVISION: str(number), **{k: v for k, v in (meta.get("annotations") or {}).items() if "twokey" in k}}
    return {
        "metadata": {
            "name": f"{meta['name']}-{digest}",
            "labels": labels,
            "annotations": notes,
            "ownerReferences": [{**owner, "controller": True}],
        },
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
    }


def _digest(template: Json) -> str:
    """Of what it says, whether empty `resources` are spelt out or not."""
    containers = [{key: each[key] for key in each if each[key] != {}} for each in template["spec"]["containers"]]
    template = {**template, "spec": {**template["spec"], "containers": containers}}
    return hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
