"""P2 by every leaf: of an Application, a HelmRelease, a Kustomization and a Rollout's status, each with all the fields
of its definition, one leaf after another is changed, and only what the verb is for passes.

The accounts get every right there is here (`mighty`), so that what refuses is the admission policy and nothing else.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from actions.keepers.sources import NAMES
from actions.rbac import accounts
from tests.cluster.control_plane import ControlPlane, Json
from tests.cluster.crds import DEFINITIONS
from tests.cluster.estate import KEEPERS, Estate
from tests.cluster.gitops import Gitops
from tests.cluster.rollouts import Rollouts
from tests.cluster.test_confinement import leaves, unversioned, with_other_value
from tests.cluster.test_custom_rights import ROLLOUTS, Whole
from tests.cluster.test_keeper_confinement import empowered

VERSIONS = {  # the version's own leaf, spelled out here a second time
    "checkout": {"spec.source.kustomize.images.1"},
    "web": {"spec.source.targetRevision"},
    "cart": {"spec.source.helm.parameters.1.value"},
    "till": {"spec.sources.1.helm.parameters.1.value"},
    "desk": {"spec.sources.1.kustomize.images.1"},
    "kiosk": {"spec.sources.2.targetRevision"},
    "api": {"spec.values.image.tag"},
    "site": {"spec.images.1.newTag", "spec.images.1.digest"},
}
NUDGES = {
    "Application": {"operation.initiatedBy.username", "operation.info.0.name", "operation.info.0.value"},
    "HelmRelease": {"metadata.annotations.reconcile.fluxcd.io/requestedAt"},
    "Kustomization": {"metadata.annotations.reconcile.fluxcd.io/requestedAt"},
}
MARK = "metadata.annotations.twokey.dev/request"
NOTES = {"twokey.dev/request": "r", "reconcile.fluxcd.io/requestedAt": "r", "example.com/owner": "a"}
PAUSES = {"status.pauseConditions.0.reason", "status.pauseConditions.0.startTime"}
OF_STATUS = {"deploy": PAUSES, "rollback": {"status.abort"}, "restart": set(), "scale": set()}
PARTS = ("metadata", "spec", "operation", "status")


@pytest.fixture(scope="module")
def mighty(plane: ControlPlane) -> Iterator[Whole]:
    """What follows these objects has looked at them once, and then stands still."""
    with Gitops(plane) as tools, ExitStack() as rolling:
        rolling.enter_context(Rollouts(plane))
        with Whole.opened(plane) as opened:
            opened.pause()
            rolling.close()
            tools.idle.set()
            yield from _with_powers(opened)


def _with_powers(opened: Whole) -> Iterator[Whole]:
    empowered(opened, opened.namespace, ("deploy", "rollback", "restart", "scale"))
    empowered(opened, opened.home, ("deploy", "rollback"))
    yield opened


@pytest.mark.parametrize("service", KEEPERS)
def test_of_every_leaf_of_a_keeper_only_the_version_s_own_may_change(
    mighty: Whole, service: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """P2."""
    kind, path = KEEPERS[service][0], f"{mighty.path(service)}"
    live, verbs = whole(mighty, service), ("deploy", "rollback")
    allowed = {verb: VERSIONS[service] | NUDGES[kind] | {MARK} for verb in verbs}
    refused = check(mighty, path, live, allowed, mighty.place(kind))
    with capsys.disabled():
        sys.stdout.write(f"\nP2: {kind} {service}: {refused} changes of a leaf refused\n")
    assert refused > (60 if kind == "Application" else 15)


def test_of_every_leaf_of_a_rollout_s_status_each_verb_may_change_its_own_alone(mighty: Whole) -> None:
    """P2: a promotion ends a pause, an abort gives up, and nobody else writes what the controller says."""
    path = f"{ROLLOUTS.format(mighty.namespace)}/canary/status"
    schema = next(each["spec"] for each in DEFINITIONS if each["spec"]["names"]["kind"] == "Rollout")["versions"][0]
    live = unversioned(mighty.call("GET", path).json())
    live["status"] = filled(live["status"], schema["schema"]["openAPIV3Schema"]["properties"]["status"])
    live = stored_by(mighty, path, live)
    assert check(mighty, path, live, OF_STATUS, mighty.namespace) > 60


def check(estate: Estate, path: str, live: Json, allowed: dict[str, set[str]], where: str) -> int:
    """That of all leaves each verb may change these alone; how many changes were refused."""
    refused, passed = 0, {verb: set[str]() for verb in allowed}
    meta = {key: live["metadata"][key] for key in ("labels", "annotations") if live["metadata"].get(key)}
    for leaf in leaves({"metadata": meta, **{part: live[part] for part in PARTS[1:] if part in live}}):
        changed = with_another_value(live, leaf)
        # What the server itself would not take, or would not store, is of no interest: an administrator shows that.
        trial = written(estate, path, changed, dryRun="All")
        if not trial.ok or stored(trial.json()) == stored(live):
            continue
        for verb, seen in passed.items():
            answer = written(estate, path, changed, accounts.user(verb, where, preview=True), dryRun="All")
            if answer.ok:
                seen.add(".".join(map(str, leaf)))
            else:
                assert "ValidatingAdmissionPolicy" in answer.text, answer.text
                refused += 1
    assert passed == allowed
    return refused


def whole(estate: Estate, service: str) -> Json:
    """Its keeper with every field of its definition, as the API server stores it."""
    kind = KEEPERS[service][0]
    (spec,) = (each["spec"] for each in DEFINITIONS if each["spec"]["names"]["kind"] == kind)
    schema = {**spec["versions"][0]["schema"]["openAPIV3Schema"]["properties"]}
    live = unversioned(estate.kept(service))
    parts = PARTS if service == "checkout" else PARTS[:3]  # one Application's status is as good as another's
    if not live["spec"].get("sources"):  # beside which a single one would count for nothing
        schema["spec"] = {**schema["spec"], "properties": without_sources(schema["spec"]["properties"])}
    live |= {part: filled(live.get(part) or {}, schema[part]) for part in parts if part in schema}
    if kind == "Application":
        live["operation"]["sync"]["syncStrategy"] = {"hook": {}}  # all that a verb may leave there
    live["metadata"] |= {"annotations": NOTES, "labels": {"team": "a"}}
    return stored_by(estate, estate.path(service), live)


def without_sources(fields: Json) -> Json:
    return {name: each for name, each in fields.items() if name != "sources"}


def stored_by(estate: Estate, path: str, wanted: Json) -> Json:
    answer = written(estate, path, wanted)
    assert answer.ok, answer.text
    return unversioned(answer.json())


def written(estate: Estate, path: str, wanted: Json, user: str = "", **query: str) -> requests.Response:
    """As a merge patch, of whatever version it is: no conflict can hide an answer."""
    headers = {"Content-Type": "application/merge-patch+json", **({"Impersonate-User": user} if user else {})}
    meta = {key: wanted["metadata"][key] for key in ("labels", "annotations") if key in wanted["metadata"]}
    body = {part: wanted[part] for part in PARTS[1:] if part in wanted} | {"metadata": meta}
    return estate.call("PATCH", path, body, headers=headers, params=query)


def filled(value: Any, schema: Json, key: str = "") -> Any:
    """With a value for every field that is not there. What a source is stays: it says which one is meant."""
    if schema["type"] == "object" and "properties" in schema:
        held = value if isinstance(value, dict) else {}
        known = {name: each for name, each in schema["properties"].items() if key != "sources" or name not in NAMES}
        return {**held, **{name: filled(held.get(name), each, name) for name, each in known.items()}}
    if schema["type"] == "array":
        return [filled(each, schema["items"], key) for each in value or [None]]
    if value is not None:
        return value
    if schema["type"] == "object":
        return {"key": "a"}
    samples = {"boolean": False, "integer": 1, "string": "a"}
    return "2026-01-01T00:00:00Z" if schema.get("format") == "date-time" else samples[schema["type"]]


def with_another_value(live: Json, leaf: tuple[Any, ...]) -> Json:
    at: Any = live
    for part in leaf:
        at = at[part]
    if not (isinstance(at, str) and at.endswith("Z") and at[:2] == "20"):
        return with_other_value(live, leaf)
    changed = copy.deepcopy(live)
    at = changed
    for part in leaf[:-1]:
        at = at[part]
    at[leaf[-1]] = "2026-01-02T00:00:00Z"
    return changed


def stored(found: Json) -> Json:
    meta = {k: v for k, v in found["metadata"].items() if k not in ("managedFields", "resourceVersion", "generation")}
    return {"metadata": meta, **{part: found.get(part) for part in PARTS[1:]}}
