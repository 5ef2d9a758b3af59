"""What Twokey relies on in a Kubernetes API. The same laws hold for the town and for a real kube-apiserver."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kubernetes import client, watch
from kubernetes.client.exceptions import ApiException

from tests.contract.cluster import DEMO, ClusterApi, set_image

NEW = "registry.k8s.io/pause:3.10"
STRATEGIC, MERGE, JSON = (f"application/{kind}+json" for kind in ("strategic-merge-patch", "merge-patch", "json-patch"))

WATCH: Any = watch.Watch  # it has no types


def refusal(error: pytest.ExceptionInfo[ApiException]) -> tuple[int, str, str]:
    """Code, reason and message of the Status object."""
    status = json.loads(error.value.body or "")
    assert status["kind"] == "Status"
    assert status["code"] == error.value.status
    return status["code"], status["reason"], status["message"]


# Reading


def test_lists_select_by_label_and_by_field(cluster_api: ClusterApi) -> None:
    cluster_api.demo()
    apps, namespace = cluster_api.apps, cluster_api.namespace
    for selector, names in [("app=other", []), ("app!=demo", ["demo"]), ("", ["demo"])]:
        found = apps.list_namespaced_deployment(namespace, label_selector=selector).items
        assert [each.metadata.name for each in found] == names
    found = apps.list_namespaced_deployment(namespace, field_selector="metadata.name=demo").items
    assert [each.metadata.name for each in found] == ["demo"]
    pods = cluster_api.core.list_namespaced_pod(
        namespace, label_selector="app in (demo, x),!canary", field_selector="status.phase=Running"
    )
    assert len(pods.items) == 2
    assert pods.metadata.resource_version.isdecimal()


def test_a_list_can_be_read_in_pages(cluster_api: ClusterApi) -> None:
    cluster_api.demo()
    first = cluster_api.core.list_namespaced_pod(cluster_api.namespace, limit=1)
    assert (len(first.items), first.metadata.remaining_item_count) == (1, 1)
    rest = cluster_api.core.list_namespaced_pod(cluster_api.namespace, limit=1, _continue=first.metadata._continue)
    assert rest.items[0].metadata.name != first.items[0].metadata.name
    assert not rest.metadata._continue


def test_an_object_that_is_not_there_is_404_in_these_words(cluster_api: ClusterApi) -> None:
    with pytest.raises(ApiException) as error:
        cluster_api.apps.read_namespaced_deployment("nope", cluster_api.namespace)
    assert refusal(error) == (404, "NotFound", 'deployments.apps "nope" not found')
    with pytest.raises(ApiException) as error:
        cluster_api.core.read_namespaced_pod("nope", cluster_api.namespace)
    assert refusal(error) == (404, "NotFound", 'pods "nope" not found')


def test_a_name_can_be_taken_once(cluster_api: ClusterApi) -> None:
    cluster_api.demo()
    with pytest.raises(ApiException) as error:
        cluster_api.apps.create_namespaced_deployment(cluster_api.namespace, DEMO)
    assert refusal(error) == (409, "AlreadyExists", 'deployments.apps "demo" already exists')


# Patches


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (STRATEGIC, set_image(NEW)),
        (JSON, [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": NEW}]),
    ],
)
def test_a_patch_of_one_container_leaves_everything_else(cluster_api: ClusterApi, content_type: str, body: Any) -> None:
    before = cluster_api.demo()
    after = cluster_api.patch(body, content_type)
    one, two = after.spec.template.spec.containers
    assert (one.name, one.image, two.image) == ("demo", NEW, "registry.k8s.io/pause:3.9")
    assert {each.name: each.value for each in one.env} == {"A": "1", "B": "2"}
    assert after.metadata.generation == before.metadata.generation + 1
    assert after.metadata.uid == before.metadata.uid
    assert int(after.metadata.resource_version) > int(before.metadata.resource_version)


def test_a_merge_patch_replaces_lists_whole(cluster_api: ClusterApi) -> None:
    cluster_api.demo()
    after = cluster_api.patch(set_image(NEW), MERGE)
    assert [(each.name, each.image) for each in after.spec.template.spec.containers] == [("demo", NEW)]


def test_a_strategic_patch_merges_deletes_and_replaces_by_name(cluster_api: ClusterApi) -> None:
    cluster_api.demo()
    env = [{"name": "A", "$patch": "delete"}, {"name": "B", "value": "3"}, {"name": "C", "value": "4"}]
    containers = [{"name": "demo", "env": env}, {"name": "sidecar", "$patch": "delete"}]
    after = cluster_api.patch({"spec": {"template": {"spec": {"containers": containers}}}}, STRATEGIC)
    (one,) = after.spec.template.spec.containers
    assert {each.name: each.value for each in one.env} == {"B": "3", "C": "4"}
    whole = [{"$patch": "replace"}, {"name": "demo", "image": NEW}]
    after = cluster_api.patch({"spec": {"template": {"spec": {"containers": whole}}}}, STRATEGIC)
    assert after.spec.template.spec.containers[0].env is None


def test_a_strategic_patch_keeps_its_own_order_and_the_others_places(cluster_api: ClusterApi) -> None:
    cluster_api.demo()
    for patched, names in [
        (["sidecar", "third"], ["demo", "sidecar", "third"]),
        (["sidecar", "demo"], ["sidecar", "demo", "third"]),
        (["fourth"], ["fourth", "sidecar", "demo", "third"]),
    ]:
        containers = [{"name": name, "image": NEW} for name in patched]
        after = cluster_api.patch({"spec": {"template": {"spec": {"containers": containers}}}}, STRATEGIC)
        assert [each.name for each in after.spec.template.spec.containers] == names


@pytest.mark.parametrize("content_type", [STRATEGIC, MERGE])
def test_null_deletes_and_an_annotation_alone_is_a_new_generation(cluster_api: ClusterApi, content_type: str) -> None:
    before = cluster_api.demo()
    body = {"metadata": {"annotations": {"example.com/owner": None, "example.com/note": "x"}}}
    after = cluster_api.patch(body, content_type)
    assert "example.com/owner" not in after.metadata.annotations
    assert after.metadata.annotations["example.com/note"] == "x"
    assert after.metadata.generation == before.metadata.generation + 1
    labelled = cluster_api.patch({"metadata": {"labels": {"example.com/note": "x"}}}, content_type)
    assert labelled.metadata.generation == after.metadata.generation
    assert labelled.metadata.resource_version != after.metadata.resource_version


def test_a_patch_that_changes_nothing_writes_nothing(cluster_api: ClusterApi) -> None:
    cluster_api.demo()

    def unwritten() -> bool:
        before = cluster_api.read().metadata.resource_version
        return bool(cluster_api.patch({"spec": {"replicas": 2}}).metadata.resource_version == before)

    cluster_api.until(unwritten)  # a controller may write between the two


def test_a_dry_run_answers_with_what_would_be_and_changes_nothing(cluster_api: ClusterApi) -> None:
    before = cluster_api.demo()
    seen = cluster_api.patch(set_image(NEW), STRATEGIC, dry_run="All")
    assert seen.spec.template.spec.containers[0].image == NEW
    assert seen.metadata.generation == before.metadata.generation + 1
    after = cluster_api.read()
    assert (after.metadata.generation, after.spec) == (before.metadata.generation, before.spec)
    assert cluster_api.image() != NEW


def test_the_field_manager_is_on_record(cluster_api: ClusterApi) -> None:
    cluster_api.demo()
    cluster_api.patch(set_image(NEW), STRATEGIC, field_manager="twokey")
    entries = [each for each in cluster_api.read().metadata.managed_fields if each.manager == "twokey"]
    (entry,) = entries
    assert entry.operation == "Update"
    fields = entry.fields_v1["f:spec"]["f:template"]["f:spec"]["f:containers"]['k:{"name":"demo"}']
    assert "f:image" in fields


# Preconditions


def test_another_resource_version_is_a_conflict(cluster_api: ClusterApi) -> None:
    before = cluster_api.demo()
    cluster_api.patch({"metadata": {"annotations": {"example.com/note": "in between"}}})
    stale = {"metadata": {"resourceVersion": before.metadata.resource_version}, **set_image(NEW)}
    with pytest.raises(ApiException) as error:
        cluster_api.patch(stale, STRATEGIC)
    why = "the object has been modified; please apply your changes to the latest version and try again"
    expected = f'Operation cannot be fulfilled on deployments.apps "demo": {why}'
    assert refusal(error) == (409, "Conflict", expected)
    assert cluster_api.image() != NEW


def test_the_present_uid_and_resource_version_let_a_patch_pass(cluster_api: ClusterApi) -> None:
    cluster_api.demo()

    def passes() -> bool:
        meta = cluster_api.read().metadata
        body = {"metadata": {"resourceVersion": meta.resource_version, "uid": meta.uid}, **set_image(NEW)}
        try:
            cluster_api.patch(body)
        except ApiException as error:
            assert error.status == 409  # a controller wrote between the two
            return False
        return True

    cluster_api.until(passes)
    assert cluster_api.image() == NEW


def test_another_uid_is_refused(cluster_api: ClusterApi) -> None:
    cluster_api.demo()
    with pytest.raises(ApiException) as error:
        cluster_api.patch({"metadata": {"uid": "not-this-one"}, **set_image(NEW)}, STRATEGIC)
    code, reason, message = refusal(error)
    assert (code, reason) == (422, "Invalid")
    assert (
        'Deployment.apps "demo" is invalid: metadata.uid: Invalid value: "not-this-one": field is immutable' in message
    )
    assert cluster_api.image() != NEW


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"spec": {"replicas": -1}}, "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
        (set_image(""), "spec.template.spec.containers[0].image: Required value"),
        (
            {"spec": {"template": {"spec": {"containers": [{"name": "third"}]}}}},
            "spec.template.spec.containers[0].image: Required value",
        ),
    ],
)
def test_a_value_that_cannot_be_is_422_and_names_the_field(cluster_api: ClusterApi, body: Any, message: str) -> None:
    before = cluster_api.demo()
    with pytest.raises(ApiException) as error:
        cluster_api.patch(body, STRATEGIC)
    assert refusal(error)[:2] == (422, "Invalid")
    assert refusal(error)[2].startswith('Deployment.apps "demo" is invalid: ')
    assert message in refusal(error)[2]
    after = cluster_api.read()
    assert (after.metadata.generation, after.spec) == (before.metadata.generation, before.spec)


def test_unknown_fields_are_dropped_or_with_strict_validation_refused(cluster_api: ClusterApi) -> None:
    cluster_api.demo()
    odd = {"metadata": {"annotations": {"example.com/note": "x"}}, "spec": {"replica": 3}}
    assert cluster_api.patch(odd, MERGE).spec.replicas == 2
    with pytest.raises(ApiException) as error:
        cluster_api.patch(odd, MERGE, field_validation="Strict")
    assert refusal(error)[:2] == (422, "Invalid")
    assert 'strict decoding error: unknown field "spec.replica"' in refusal(error)[2]


# Rollouts


def test_a_new_template_makes_a_replica_set_with_the_next_revision(cluster_api: ClusterApi) -> None:
    cluster_api.demo()
    note = {"metadata": {"annotations": {"kubernetes.io/change-cause": "pause 3.10"}}}
    cluster_api.patch({**note, **set_image(NEW)})
    cluster_api.settle()
    sets = cluster_api.replica_sets()
    assert {number: each.spec.replicas for number, each in sets.items()} == {1: 0, 2: 2}
    assert cluster_api.read().metadata.annotations["deployment.kubernetes.io/revision"] == "2"
    newest = sets[2]
    assert newest.metadata.annotations["kubernetes.io/change-cause"] == "pause 3.10"
    assert newest.metadata.name == f"demo-{newest.metadata.labels['pod-template-hash']}"
    assert newest.metadata.owner_references[0].uid == cluster_api.read().metadata.uid
    reasons = {each.type: each.reason for each in cluster_api.read().status.conditions}
    assert reasons == {"Available": "MinimumReplicasAvailable", "Progressing": "NewReplicaSetAvailable"}


def test_an_older_template_rolls_back_to_its_replica_set(cluster_api: ClusterApi) -> None:
    cluster_api.demo()
    cluster_api.patch(set_image(NEW))
    cluster_api.settle()
    first = cluster_api.replica_sets()[1]
    template = cluster_api.api.sanitize_for_serialization(first.spec.template)
    del template["metadata"]["labels"]["pod-template-hash"]
    cluster_api.patch([{"op": "replace", "path": "/spec/template", "value": template}], JSON)
    cluster_api.settle()
    sets = cluster_api.replica_sets()
    assert sorted(sets) == [2, 3]
    assert sets[3].metadata.uid == first.metadata.uid
    assert cluster_api.image() == "registry.k8s.io/pause:3.9"


def test_a_pod_says_which_replica_set_and_image_it_runs(cluster_api: ClusterApi) -> None:
    cluster_api.demo()
    (newest,) = cluster_api.replica_sets().values()
    for pod in cluster_api.core.list_namespaced_pod(cluster_api.namespace, label_selector="app=demo").items:
        assert pod.metadata.labels["pod-template-hash"] == newest.metadata.labels["pod-template-hash"]
        assert pod.metadata.owner_references[0].name == newest.metadata.name
        assert pod.status.phase == "Running"
        assert all(each.ready for each in pod.status.container_statuses)


def test_events_tell_of_the_scaling(cluster_api: ClusterApi) -> None:
    cluster_api.demo()
    selector = "involvedObject.kind=Deployment,involvedObject.name=demo"
    found: list[Any] = []

    def told() -> bool:  # a controller sends its events aside
        events = cluster_api.core.list_namespaced_event(cluster_api.namespace, field_selector=selector).items
        found[:] = [each for each in events if each.reason == "ScalingReplicaSet"]
        return bool(found)

    cluster_api.until(told)
    (event,) = found
    (newest,) = cluster_api.replica_sets().values()
    assert event.message == f"Scaled up replica set {newest.metadata.name} from 0 to 2"
    assert (event.type, event.source.component) == ("Normal", "deployment-controller")


def test_a_deleted_deployment_takes_its_pods_along(cluster_api: ClusterApi) -> None:
    cluster_api.demo()
    apps, core, namespace = cluster_api.apps, cluster_api.core, cluster_api.namespace
    with pytest.raises(ApiException) as error:
        apps.delete_namespaced_deployment("demo", namespace, body={"preconditions": {"uid": "not-this-one"}})
    assert refusal(error)[:2] == (409, "Conflict")
    assert apps.delete_namespaced_deployment("demo", namespace)["status"] == "Success"
    cluster_api.until(lambda: not core.list_namespaced_pod(namespace).items)
    cluster_api.until(lambda: not apps.list_namespaced_replica_set(namespace).items)


# Watches


def test_a_watch_sees_what_happens_after_a_list(cluster_api: ClusterApi) -> None:
    cluster_api.demo()
    apps, namespace = cluster_api.apps, cluster_api.namespace
    version = apps.list_namespaced_deployment(namespace).metadata.resource_version
    cluster_api.patch(set_image(NEW))
    stream = WATCH().stream(apps.list_namespaced_deployment, namespace, resource_version=version, timeout_seconds=30)
    for event in stream:  # a controller may have written its status first
        assert event["type"] == "MODIFIED"
        if event["object"].spec.template.spec.containers[0].image == NEW:
            break
    else:
        raise AssertionError("the watch never saw the patch")
    stream.close()


def test_a_watch_without_a_version_begins_with_what_there_is_and_ends_in_time(cluster_api: ClusterApi) -> None:
    cluster_api.demo()
    pods, chosen = cluster_api.core.list_namespaced_pod, {"label_selector": "app=demo"}
    stream = WATCH().stream(pods, cluster_api.namespace, **chosen, timeout_seconds=30)
    assert [next(stream)["type"] for _ in range(2)] == ["ADDED", "ADDED"]
    stream.close()
    ended = list(WATCH().stream(pods, cluster_api.namespace, **chosen, timeout_seconds=1))
    assert len(ended) <= 2  # a busy server may end it before it has said anything


# The rest


def test_the_api_says_what_it_serves(cluster_api: ClusterApi) -> None:
    assert int(client.VersionApi(cluster_api.api).get_code().major) >= 1
    assert {"deployments", "deployments/scale", "replicasets", "statefulsets"} <= {
        each.name for each in cluster_api.apps.get_api_resources().resources
    }
    assert {"pods", "pods/log", "events"} <= {each.name for each in cluster_api.core.get_api_resources().resources}
    groups = {each.name for each in client.ApisApi(cluster_api.api).get_api_versions().groups}
    assert {"apps", "autoscaling", "authorization.k8s.io"} <= groups


def test_everybody_may_ask_what_they_may(cluster_api: ClusterApi) -> None:
    attributes = {"namespace": cluster_api.namespace, "verb": "patch", "group": "apps", "resource": "deployments"}
    review = {"spec": {"resourceAttributes": attributes}}
    answer = cluster_api.authorization.create_self_subject_access_review(review)
    assert answer.status.allowed is True


def test_an_autoscaler_names_its_target_and_bounds(cluster_api: ClusterApi) -> None:
    body = {
        "metadata": {"name": "demo"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "demo"},
            "minReplicas": 2,
            "maxReplicas": 4,
        },
    }
    scaling, namespace = cluster_api.autoscaling, cluster_api.namespace
    scaling.create_namespaced_horizontal_pod_autoscaler(namespace, body)
    (found,) = scaling.list_namespaced_horizontal_pod_autoscaler(namespace).items
    assert (found.spec.scale_target_ref.name, found.spec.min_replicas, found.spec.max_replicas) == ("demo", 2, 4)
    after = scaling.patch_namespaced_horizontal_pod_autoscaler("demo", namespace, {"spec": {"minReplicas": 3}})
    assert after.spec.min_replicas == 3
    with pytest.raises(ApiException) as error:
        scaling.patch_namespaced_horizontal_pod_autoscaler("demo", namespace, {"spec": {"minReplicas": 0}})
    assert refusal(error)[:2] == (422, "Invalid")
