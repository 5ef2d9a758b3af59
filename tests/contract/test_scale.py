"""What Twokey relies on in `/scale` of a Kubernetes API. The same laws hold for the town and a real kube-apiserver."""

from __future__ import annotations

import pytest
from kubernetes.client.exceptions import ApiException

from tests.contract.cluster import ClusterApi
from tests.contract.test_kubernetes import MERGE, refusal


def test_scale_reads_and_changes_the_replicas_alone(cluster_api: ClusterApi) -> None:
    before = cluster_api.demo()
    apps, namespace = cluster_api.apps, cluster_api.namespace
    scale = apps.read_namespaced_deployment_scale("demo", namespace)
    assert (scale.spec.replicas, scale.status.replicas, scale.status.selector) == (2, 2, "app=demo")
    assert scale.metadata.uid == before.metadata.uid
    body = {"metadata": {"annotations": {"example.com/note": "x"}}, "spec": {"replicas": 3}}
    seen = apps.patch_namespaced_deployment_scale("demo", namespace, body, dry_run="All")
    assert seen.spec.replicas == 3
    assert cluster_api.read().spec.replicas == 2
    after = apps.patch_namespaced_deployment_scale("demo", namespace, body, field_manager="twokey")
    assert (after.kind, after.spec.replicas) == ("Scale", 3)
    assert "example.com/note" not in (cluster_api.read().metadata.annotations or {})
    assert cluster_api.read().metadata.generation == before.metadata.generation + 1
    entries = cluster_api.read().metadata.managed_fields
    assert [each.subresource for each in entries if each.manager == "twokey"] == ["scale"]
    cluster_api.settle()
    assert len(cluster_api.core.list_namespaced_pod(namespace, label_selector="app=demo").items) == 3


def test_scale_holds_its_preconditions(cluster_api: ClusterApi) -> None:
    before = cluster_api.demo()
    cluster_api.patch({"metadata": {"annotations": {"example.com/note": "in between"}}})
    for meta in ({"resourceVersion": before.metadata.resource_version}, {"uid": "not-this-one"}):
        with pytest.raises(ApiException) as error:
            cluster_api.apps.patch_namespaced_deployment_scale(
                "demo", cluster_api.namespace, {"metadata": meta, "spec": {"replicas": 3}}
            )
        assert refusal(error)[:2] == (409, "Conflict")
    with pytest.raises(ApiException) as error:
        cluster_api.apps.patch_namespaced_deployment_scale(
            "demo", cluster_api.namespace, {"spec": {"replicas": -1}}, _content_type=MERGE
        )
    assert refusal(error)[:2] == (422, "Invalid")
    assert "spec.replicas: Invalid value: -1: must be greater than or equal to 0" in refusal(error)[2]
    assert cluster_api.read().spec.replicas == 2
