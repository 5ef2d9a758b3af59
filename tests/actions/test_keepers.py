"""Keepers of a version: where it stands in the catalogue's words, and what Argo CD's and Flux's status fields mean."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from actions import disclosure, rollout, wire, yamlfile
from actions.catalog import Catalog
from actions.clients import kube_objects
from actions.clients.protocols import Pod
from actions.errors import BadInput, ConfigError
from actions.keepers import field
from actions.keepers.argocd import Application
from actions.keepers.flux import HelmRelease, Kustomization
from actions.keepers.keeper import Past
from actions.plan import Patch
from actions.rollout import Complete, Failed, Progressing

Json = dict[str, Any]
REPOSITORY = "registry.example/checkout"
SOURCE: Json = {"repoURL": "https://git.example/shop", "targetRevision": "1.1"}
OURS: Json = {"info": [{"name": "twokey.dev/request", "value": "r1"}]}
PATCH = Patch(type="merge", body={"operation": OURS, "spec": {"source": {"targetRevision": "1.1"}}})


def catalog(managed: str, image: bool = True) -> Catalog:
    said = f"\n    image: {REPOSITORY}" if image else ""
    text = f"environments: {{prod: {{}}, dev: {{}}}}\nservices:\n  checkout:{said}\n    managed_by: {managed}\n"
    return yamlfile.parse(text, Catalog, "catalog.yaml")


@pytest.mark.parametrize(
    ("managed", "where", "path"),
    [
        ("argocd", "argocd/Application/checkout-prod", "spec.source.targetRevision"),
        ("flux", "prod/HelmRelease/checkout", "spec.values.image.tag"),
        ("{tool: flux, kind: Kustomization}", "flux-system/Kustomization/checkout-prod", "spec.images"),
        ("{tool: argocd, name: '{environment}-{service}'}", "argocd/Application/prod-checkout", None),
        ("{tool: argocd, namespace: apps, cluster: hub}", "apps/Application/checkout-prod", None),
    ],
)
def test_a_service_is_kept_where_the_catalogue_says(managed: str, where: str, path: str | None) -> None:
    kept = catalog(managed).kept("checkout", "prod")
    assert kept is not None
    assert f"{kept.ref.namespace}/{kept.ref.kind}/{kept.ref.name}" == where
    assert kept.path == (path or "spec.source.targetRevision")
    assert kept.ref.cluster == ("hub" if "hub" in managed else None)


@pytest.mark.parametrize(
    ("managed", "image", "says"),
    [
        ("helm", True, "catalog.yaml:5: services.checkout.managed_by.tool: "),
        ("{tool: argocd, kind: HelmRelease}", True, "managed_by: argocd has no HelmRelease; it has Application"),
        ("{tool: argocd, version: spec.replicas}", True, "the version of a Application stands at spec.source.target"),
        ("{tool: flux, version: spec.chart.spec.chart}", True, "stands at spec.chart.spec.version or spec.values.KEY"),
        ('{tool: flux, version: "spec.values.a\'b"}', True, "the version of a HelmRelease stands at"),
        ("{tool: flux, kind: Kustomization}", False, "spec.images is a list of images: say with `image` which of them"),
        ("{tool: argocd, name: checkout}", True, "catalog.yaml:5: services.checkout.managed_by: Application checkout"),
        ("{tool: argocd, names: x}", True, "managed_by.names: there is no such key"),
    ],
)
def test_what_makes_no_sense_is_refused_with_line_and_key(managed: str, image: bool, says: str) -> None:
    with pytest.raises(ConfigError) as refused:
        catalog(managed, image)
    assert says in refused.value.say
    assert refused.value.say.startswith(f"catalog.yaml:{5 if image else 4}: services.checkout.managed_by")


KEPT: list[tuple[str, Json, str | None, Json]] = [  # path, spec before, version, spec after 1.1
    ("spec.source.targetRevision", {"source": {"targetRevision": "1.0"}}, "1.0", {"source": {"targetRevision": "1.1"}}),
    ("spec.values.image.tag", {"values": {"a": 0.5}}, None, {"values": {"a": 0.5, "image": {"tag": "1.1"}}}),
    (
        "spec.source.kustomize.images",
        {"source": {"kustomize": {"images": ["x:1", f"app={REPOSITORY}:1.0"]}}},
        "1.0",
        {"source": {"kustomize": {"images": ["x:1", f"app={REPOSITORY}:1.1"]}}},
    ),
    (
        "spec.source.kustomize.images",
        {"source": {}},
        None,
        {"source": {"kustomize": {"images": [f"{REPOSITORY}:1.1"]}}},
    ),
    (
        "spec.source.helm.parameters.image.tag",
        {"source": {"helm": {"parameters": [{"name": "key", "value": "s"}, {"name": "image.tag", "value": "1.0"}]}}},
        "1.0",
        {"source": {"helm": {"parameters": [{"name": "key", "value": "s"}, {"name": "image.tag", "value": "1.1"}]}}},
    ),
    (
        "spec.images",
        {"images": [{"name": "app", "newName": REPOSITORY, "digest": "sha256:ab"}, {"name": "x", "newTag": "1"}]},
        "sha256:ab",
        {"images": [{"name": "app", "newName": REPOSITORY, "newTag": "1.1"}, {"name": "x", "newTag": "1"}]},
    ),
    ("spec.images", {}, None, {"images": [{"name": REPOSITORY, "newTag": "1.1"}]}),
]


@pytest.mark.parametrize(("path", "before", "version", "after"), KEPT)
def test_a_version_is_read_and_written_at_its_own_place_and_nothing_else_moves(
    path: str, before: Json, version: str | None, after: Json
) -> None:
    """L6: of a list only what changes stands in the patch, until it is sent."""
    place, live = field.of(path, REPOSITORY), {"spec": before}
    assert place.read(live) == version
    kind, spec = place.change(live, "1.1")
    patch = Patch(type=kind, body={"spec": spec})
    assert '"s"' not in patch.model_dump_json()
    assert merged(before, wire.whole(patch, live).body["spec"]) == after
    assert place.read({"spec": after}) == "1.1"


def test_a_digest_stands_only_where_images_do() -> None:
    digest = f"sha256:{'ab' * 32}"
    assert digest in str(field.of("spec.images", REPOSITORY).change({"spec": {}}, digest))
    with pytest.raises(BadInput, match="not a digest"):
        field.of("spec.values.image.tag", REPOSITORY).change({"spec": {}}, digest)


def test_what_a_keeper_hands_on_is_hidden_unless_it_is_what_changes() -> None:
    """L6."""
    before: Json = {"interval": "1m", "values": {"dsn": "s3cr3t", "image": {"tag": "1.0"}, "list": ["s3cr3t"]}}
    after = copy.deepcopy(before)
    after["values"]["image"]["tag"] = "1.1"
    assert "s3cr3t" not in str(disclosure.settings(before, after))
    assert disclosure.settings(after, before)["values"]["image"] == {"tag": "1.1"}
    assert disclosure.settings(before, after)["interval"] == "1m"


def application(phase: str = "Succeeded", health: str = "Healthy", sync: str = "Synced", **status: Any) -> Json:
    """One that did what we asked for, unless said otherwise."""
    state = {"phase": phase, "operation": OURS, "message": "as it is", "finishedAt": "2026-01-01T00:00:00Z"}
    held = {"sync": {"status": sync, "comparedTo": {"source": SOURCE}}, "health": {"status": health}}
    return {"kind": "Application", "spec": {"source": SOURCE}, "status": {"operationState": state, **held, **status}}


UNTOLD: Json = {"sync": {"status": "Synced", "comparedTo": {"source": {**SOURCE, "targetRevision": "1.0"}}}}


@pytest.mark.parametrize(
    ("live", "applied", "judged"),
    [
        (application(), True, Complete),
        (application(health="Progressing"), True, Progressing),
        (application(health="Degraded"), True, Failed),
        (application(phase="Failed"), False, Failed),
        (application(phase="Error", sync="OutOfSync"), False, Failed),
        (application(phase="Running") | {"operation": OURS}, False, Progressing),
        (application(sync="OutOfSync"), False, Progressing),
        (application(sync="OutOfSync", reconciledAt="2026-01-01T00:01:00Z"), True, Complete),
        (application(**UNTOLD), False, Progressing),
        (application(conditions=[{"type": "ComparisonError", "message": "no such revision"}]), False, Failed),
        ({"kind": "Application", "spec": {"source": SOURCE}}, False, Progressing),
    ],
)
def test_argo_cd_s_word_is_taken_for_what_it_was_given_about(live: Json, applied: bool, judged: type[Any]) -> None:
    verdict = Application().judge(live, PATCH, None)
    assert (verdict.applied, type(verdict.judged)) == (applied, judged)


def test_a_sync_that_failed_before_ours_is_not_held_against_it() -> None:
    theirs = application(phase="Failed")
    theirs["status"]["operationState"]["operation"] = {"info": [{"name": "twokey.dev/request", "value": "r0"}]}
    assert isinstance(Application().judge(theirs, PATCH, None).judged, Complete)
    bad = application(health="Degraded")
    assert isinstance(Application().judge(bad, PATCH, bad).judged, Progressing)


def test_a_branch_goes_back_to_a_commit_and_a_tag_to_a_tag() -> None:
    entries = [
        {"id": 1, "revision": "c1", "source": {"targetRevision": "main"}, "deployedAt": "2026-01-01T00:00:00Z"},
        {"id": 2, "revision": "c2", "source": {"targetRevision": "1.0"}},
        {"id": 3, "revision": "c3", "source": {"targetRevision": "main"}},
    ]
    live = {"spec": {"source": {"targetRevision": "main"}}, "status": {"sync": {"revision": "c3"}, "history": entries}}
    found: list[Past] = Application().past(live, field.of("spec.source.targetRevision", ""))
    assert [(past.number, past.version) for past in found] == [(3, "main"), (2, "1.0"), (1, "c1")]


def reconciled(ready: str = "True", reason: str = "UpgradeSucceeded", seen: int = 2, **more: Any) -> Json:
    """One of generation 2, whose request `r1` was handled."""
    notes = {"reconcile.fluxcd.io/requestedAt": "r1"}
    conditions = [{"type": "Ready", "status": ready, "reason": reason, "message": "m", "observedGeneration": seen}]
    status = {"conditions": conditions, "lastHandledReconcileAt": "r1", **more}
    meta = {"name": "x", "generation": 2, "annotations": notes}
    return {"kind": "HelmRelease", "metadata": meta, "spec": {}, "status": status}


@pytest.mark.parametrize(
    ("live", "judged"),
    [
        (reconciled(), Complete),
        (reconciled(seen=1), Progressing),
        (reconciled(lastHandledReconcileAt="r0"), Progressing),
        (reconciled("Unknown", "Progressing"), Progressing),
        (reconciled("False", "DependencyNotReady"), Progressing),
        (reconciled("False", "UpgradeFailed"), Failed),
        (reconciled("False", "HealthCheckFailed"), Failed),
    ],
)
def test_flux_s_word_is_taken_for_the_generation_it_was_given_about(live: Json, judged: type[Any]) -> None:
    assert isinstance(HelmRelease().judge(live, None, None).judged, judged)
    assert isinstance(Kustomization().judge(live, None, None).judged, judged)


def test_a_chart_s_history_is_known_and_its_values_are_not() -> None:
    live = {"status": {"history": [{"chartVersion": "6.5.1", "version": 2}, {"chartVersion": "6.5.0", "version": 1}]}}
    found = HelmRelease().past(live, field.of("spec.chart.spec.version", ""))
    assert [(past.number, past.version) for past in found] == [(2, "6.5.1"), (1, "6.5.0")]
    assert HelmRelease().past(live, field.of("spec.values.image.tag", "")) == []


def test_a_version_of_the_chart_before_is_none_of_the_present_one() -> None:
    entries = [
        {"chartName": "podinfo", "chartVersion": "6.5.1", "version": 3},
        {"chartName": "shop", "chartVersion": "9.0.0", "version": 2},
        {"chartName": "podinfo", "chartVersion": "6.5.0", "version": 1},
    ]
    found = HelmRelease().past({"status": {"history": entries}}, field.of("spec.chart.spec.version", ""))
    assert [past.version for past in found if past.ours] == ["6.5.1", "6.5.0"]


def merged(held: Any, patch: Any) -> Any:
    """A JSON merge patch, as RFC 7386 applies it."""
    if not isinstance(patch, dict):
        return patch
    result = dict(held) if isinstance(held, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


ROLLOUT: Json = {
    "kind": "Rollout",
    "metadata": {"name": "checkout", "generation": 3},
    "spec": {
        "replicas": 2,
        "strategy": {
            "canary": {
                "steps": [{"setWeight": 50}, {"pause": {}}, {"pause": {"duration": 5}}, {"pause": {"duration": 0}}]
            }
        },
    },
}


STEP = [{"reason": "CanaryPauseStep"}]


@pytest.mark.parametrize(
    ("status", "judged"),
    [
        ({"phase": "Healthy"}, Complete(2)),
        ({"phase": "Paused", "currentStepIndex": 1, "pauseConditions": STEP}, Complete(2, "paused at step 2 of 4")),
        ({"phase": "Paused", "currentStepIndex": 2, "pauseConditions": STEP}, Progressing),
        ({"phase": "Paused", "currentStepIndex": 3, "pauseConditions": STEP}, Progressing),
        (
            {"phase": "Paused", "currentStepIndex": 2, "pauseConditions": [{"reason": "InconclusiveAnalysisRun"}]},
            Complete(2, "paused at step 3 of 4"),
        ),
        ({"phase": "Paused", "currentStepIndex": 1}, Progressing),
        ({"phase": "Progressing", "currentStepIndex": 0}, Progressing),
        ({"phase": "Degraded", "message": "aborted"}, Failed("Argo Rollouts says that it is degraded: aborted")),
        ({"phase": "Healthy", "observedGeneration": "2"}, Progressing),
    ],
)
def test_a_rollout_is_where_its_phase_says_and_only_a_pause_without_an_end_waits(status: Json, judged: Any) -> None:
    found = rollout.judge({**ROLLOUT, "status": {"observedGeneration": "3", **status}}, ())
    assert isinstance(found, judged) if isinstance(judged, type) else found == judged


def aborted(strategy: Json, pods: str, **status: Any) -> type[Any]:
    """How an abort of `new` is judged, of which the controller has taken notice; `pods` are ready where in capitals."""
    words = {"o": "old", "n": "new"}
    listed = [
        Pod(f"p{i}", "Running", each.isupper(), 0, (), None, None, words[each.lower()]) for i, each in enumerate(pods)
    ]
    counts = {
        "replicas": len(pods),
        "updatedReplicas": pods.lower().count("n"),
        "availableReplicas": sum(each.isupper() for each in pods),
    }
    noticed = {"abort": True, "abortedAt": "2026-11-02T10:00:00Z", "phase": "Degraded", "stableRS": "old"}
    spec = {"replicas": 2, "strategy": strategy}
    return type(rollout.given_up({**ROLLOUT, "spec": spec, "status": {**noticed, **counts, **status}}, listed))


ROUTED: Json = {"canary": {"trafficRouting": {}}}
BLUE_GREEN: Json = {"blueGreen": {}}


@pytest.mark.parametrize(
    ("strategy", "pods", "status", "judged"),
    [
        ({"canary": {}}, "OO", {}, Complete),
        ({"canary": {}}, "Oo", {}, Progressing),
        ({"canary": {}}, "OON", {}, Progressing),
        ({"canary": {}}, "OON", {"updatedReplicas": 0}, Progressing),
        ({"canary": {}}, "OO", {"updatedReplicas": 1}, Progressing),  # its pods end, and may come again
        ({"canary": {}}, "OO", {"availableReplicas": 1}, Progressing),  # minReadySeconds
        # What stands in a status until the controller has seen the abort.
        ({"canary": {}}, "OO", {"abortedAt": None}, Progressing),
        ({"canary": {}}, "OO", {"phase": "Paused"}, Progressing),
        ({"canary": {}}, "ON", {"abortedAt": None, "phase": "Paused", "updatedReplicas": 1}, Progressing),
        # With a router the new pods stay for a while, or for good: they only must not be asked any more.
        (ROUTED, "OON", {"canary": {"weights": {"canary": {"weight": 0}}}}, Complete),
        (ROUTED, "OON", {"canary": {"weights": {"canary": {"weight": 20}}}}, Progressing),
        (ROUTED, "ONN", {"canary": {"weights": {"canary": {"weight": 0}}}}, Progressing),
        (BLUE_GREEN, "OONN", {"blueGreen": {"activeSelector": "old"}}, Complete),
        (BLUE_GREEN, "OONN", {"blueGreen": {"activeSelector": "new"}}, Progressing),
    ],
)
def test_a_rollout_is_given_up_once_its_controller_says_so_and_the_old_version_alone_serves(
    strategy: Json, pods: str, status: Json, judged: type[Any]
) -> None:
    assert aborted(strategy, pods, **status) is judged


def test_what_the_server_filled_in_does_not_come_back_with_a_revision() -> None:
    written = {"spec": {"containers": [{"name": "app", "image": "x:2", "env": [{"name": "A", "value": "1"}]}]}}
    filled = {"imagePullPolicy": "Always", "resources": {}}
    present = {"spec": {"containers": [{**written["spec"]["containers"][0], **filled}], "dnsPolicy": "ClusterFirst"}}
    older = copy.deepcopy(present)
    older["spec"]["containers"][0] |= {"image": "x:1", "imagePullPolicy": "Never"}  # type: ignore[index,operator]
    assert kube_objects.as_written(present, present, written) == written
    assert kube_objects.as_written(older, present, written)["spec"] == {
        "containers": [
            {"name": "app", "image": "x:1", "env": [{"name": "A", "value": "1"}], "imagePullPolicy": "Never"}
        ]
    }


def test_rollouts_are_workloads_of_their_own_kind() -> None:
    found = catalog("rollouts")
    assert found.ref("checkout", "prod").kind == "Rollout"
    assert found.kept("checkout", "prod") is None
    with pytest.raises(ConfigError, match="managed_by is rollouts, and its workload is a StatefulSet"):
        catalog("rollouts\n    workload: {kind: StatefulSet}")


def test_what_a_tool_says_of_a_refusal_is_told_without_the_value_that_it_quotes() -> None:
    """L6: it passes on the API server's own words, and they become an outcome."""
    said = 'web is invalid: spec.template.spec.containers[0].env[0].value: Invalid value: "canary": too odd'
    found = Application().judge(application(conditions=[{"type": "ComparisonError", "message": said}]), None, None)
    assert isinstance(found.judged, Failed)
    assert "canary" not in found.judged.reason
    assert "too odd" in found.judged.reason
