"""The front door of the town's API: who comes in, what is written down, and what can be made to go wrong."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from bot.playground.host import Host
from bot.playground.town.gatekeeper import Fault
from bot.playground.town.kubeconfig import write_kubeconfig
from bot.playground.town.server import Town
from tests.contract.cluster import set_image
from tests.town.steering import Steering


@dataclass
class Served:
    """A town with a client of it."""

    town: Town
    url: str
    api: Any  # the client's types know neither plain dicts as bodies nor raw responses, which it takes and gives

    @property
    def apps(self) -> Any:
        return client.AppsV1Api(self.api)

    @property
    def core(self) -> Any:
        return client.CoreV1Api(self.api)

    def image(self, name: str = "checkout") -> str:
        found = self.apps.read_namespaced_deployment(name, "prod")
        return str(found.spec.template.spec.containers[0].image)


@contextmanager
def connected(kubeconfig: Path) -> Iterator[Any]:
    api: Any = config.new_client_from_config(str(kubeconfig), context="town")  # type: ignore[no-untyped-call] # no types
    with api:
        yield api
        api.rest_client.pool_manager.clear()


@pytest.fixture
def served(steering: Steering, tmp_path: Path) -> Iterator[Served]:
    town = Town(steering.world, {"town-token": "twokey", "other": "reader"})
    with Host(town.app()) as url, connected(write_kubeconfig(url, tmp_path / "kubeconfig")) as api:
        yield Served(town, url, api)


def status(error: pytest.ExceptionInfo[ApiException]) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(error.value.body or "")
    return body


NEXT = set_image("registry.example/checkout:1.4.2", "checkout")


def test_the_kubeconfig_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = write_kubeconfig("http://127.0.0.1:1", tmp_path / "kubeconfig")
    assert path.stat().st_mode & 0o077 == 0


def test_a_wrong_token_is_401(served: Served, tmp_path: Path) -> None:
    path = write_kubeconfig(served.url, tmp_path / "wrong", token="wrong")
    with connected(path) as api, pytest.raises(ApiException) as error:
        client.AppsV1Api(api).list_namespaced_deployment("prod")
    assert (status(error)["code"], status(error)["message"]) == (401, "Unauthorized")


def test_without_a_token_somebody_is_anonymous(served: Served) -> None:
    with client.ApiClient(client.Configuration(host=served.url)) as api:
        client.AppsV1Api(api).list_namespaced_deployment("prod")
        api.rest_client.pool_manager.clear()
    assert served.town.requests[-1].user == "system:anonymous"


def test_every_request_is_written_down_with_who_asked_and_how(served: Served) -> None:
    served.api.set_default_header("Impersonate-User", "system:serviceaccount:twokey:scale")
    served.api.set_default_header("Impersonate-Extra-request", "r-1")
    served.api.user_agent = "twokey/1 r-1"
    served.apps.patch_namespaced_deployment("checkout", "prod", NEXT, dry_run="All")
    seen = served.town.requests[-1]
    assert (seen.method, seen.path) == ("PATCH", "/apis/apps/v1/namespaces/prod/deployments/checkout")
    assert (seen.user, seen.authenticated) == ("system:serviceaccount:twokey:scale", "twokey")
    assert (dict(seen.extra), seen.user_agent, seen.dry_run) == ({"request": "r-1"}, "twokey/1 r-1", True)
    assert json.loads(seen.body) == NEXT


def test_what_the_authorizer_does_not_allow_is_403_in_these_words(served: Served) -> None:
    served.town.authorize(lambda access: (access.user, access.verb) == ("twokey", "get"))
    assert served.image().endswith("1.4.1")
    with pytest.raises(ApiException) as error:
        served.apps.patch_namespaced_deployment("checkout", "prod", NEXT)
    why = 'User "twokey" cannot patch resource "deployments" in API group "apps" in the namespace "prod"'
    assert status(error)["message"] == f'deployments.apps "checkout" is forbidden: {why}'
    with pytest.raises(ApiException) as error:
        served.apps.read_namespaced_deployment_scale("checkout", "prod")
        served.apps.patch_namespaced_deployment_scale("checkout", "prod", {"spec": {"replicas": 4}})
    assert 'resource "deployments/scale"' in status(error)["message"]
    assert served.image().endswith("1.4.1")


def test_a_review_answers_as_the_authorizer_would(served: Served) -> None:
    served.town.authorize(lambda access: access.resource == "deployments/scale" and access.namespace == "dev")
    reviews: Any = client.AuthorizationV1Api(served.api)
    for namespace, allowed in [("dev", True), ("prod", False)]:
        asked = {"verb": "patch", "group": "apps", "resource": "deployments", "subresource": "scale"}
        body = {"spec": {"resourceAttributes": {**asked, "namespace": namespace}}}
        assert reviews.create_self_subject_access_review(body).status.allowed is allowed


@pytest.mark.parametrize("code", [403, 409, 500])
def test_a_fault_answers_so_often_instead_of_acting(served: Served, code: int) -> None:
    served.town.faults.add(Fault(times=2, method="PATCH", path="deployments/checkout$", status=code))
    for _ in range(2):
        with pytest.raises(ApiException) as error:
            served.apps.patch_namespaced_deployment("checkout", "prod", NEXT)
        assert (error.value.status, status(error)["kind"]) == (code, "Status")
    assert served.image().endswith("1.4.1")
    served.apps.patch_namespaced_deployment("checkout", "prod", NEXT)
    assert served.image().endswith("1.4.2")


@pytest.mark.parametrize(("drop", "version"), [("before", "1.4.1"), ("after", "1.4.2")])
def test_a_connection_is_dropped_before_or_after_the_change(served: Served, drop: Any, version: str) -> None:
    served.town.faults.add(Fault(method="PATCH", drop=drop))
    with pytest.raises((HTTPError, ApiException)):
        served.apps.patch_namespaced_deployment("checkout", "prod", NEXT)
    assert served.image().endswith(version)


def test_pods_in_every_state_can_be_read_and_their_logs_say_why_not(served: Served, steering: Steering) -> None:
    served.apps.patch_namespaced_deployment(
        "cart", "prod", set_image("registry.example/cart:2.2.0", "cart"), field_manager="twokey"
    )
    served.apps.patch_namespaced_deployment("search", "prod", set_image("registry.example/search:9", "search"))
    reasons: set[str] = set()
    for _ in range(15):
        steering.clock.advance(0.4)
        for pod in served.core.list_namespaced_pod("prod", label_selector="app in (cart, search)").items:
            for each in pod.status.container_statuses:
                reasons |= {state.reason for state in (each.state.waiting, each.state.terminated) if state}
    assert reasons == {"ContainerCreating", "Error", "CrashLoopBackOff", "ErrImagePull", "ImagePullBackOff"}
    pods = {pod.metadata.name: pod for pod in served.core.list_namespaced_pod("prod").items}
    crashing = next(each for each in pods if pods[each].status.container_statuses[0].restart_count)
    assert served.core.read_namespaced_pod_log(crashing, "prod", previous=True)
    pulling = next(each for each in pods if pods[each].status.phase == "Pending")
    with pytest.raises(ApiException) as error:
        served.core.read_namespaced_pod_log(pulling, "prod")
    assert status(error)["message"].startswith(f'container "search" in pod "{pulling}" is waiting to start: ')
    healthy = next(each for each in pods if each.startswith("checkout-"))
    with pytest.raises(ApiException) as error:
        served.core.read_namespaced_pod_log(healthy, "prod", previous=True)
    assert status(error)["message"] == f'previous terminated container "checkout" in pod "{healthy}" not found'


def test_logs_are_cut_by_time_and_by_lines(served: Served, steering: Steering) -> None:
    now = steering.world.now()
    written = [(now - age, f"line {age}") for age in (90, 60, 30, 1)]
    steering.world.log_source = lambda namespace, pod, start, end: [each for each in written if start <= each[0] <= end]
    pod = steering.all("pods", "prod", "checkout-")[0]["metadata"]["name"]
    read = served.core.read_namespaced_pod_log
    assert read(pod, "prod").splitlines() == ["line 90", "line 60", "line 30", "line 1"]
    assert read(pod, "prod", tail_lines=2).splitlines() == ["line 30", "line 1"]
    assert read(pod, "prod", since_seconds=45, container="checkout").splitlines() == ["line 30", "line 1"]
    assert read(pod, "prod", tail_lines=1, timestamps=True).startswith("2026-11-02T08:59:59.000000000Z line 1")


def test_a_watch_of_what_is_forgotten_is_told_that_it_is_too_late(served: Served) -> None:
    options = {"resource_version": "1", "watch": True, "timeout_seconds": 5, "_preload_content": False}
    response = served.apps.list_namespaced_deployment("prod", **options)
    line = json.loads(response.read().splitlines()[0])
    assert (line["type"], line["object"]["code"], line["object"]["reason"]) == ("ERROR", 410, "Expired")


def test_a_watch_through_a_selector_sees_objects_come_and_go(served: Served) -> None:
    version = served.apps.list_namespaced_deployment("prod").metadata.resource_version
    for tier in ("web", None):
        body = {"metadata": {"labels": {"tier": tier}}}
        served.apps.patch_namespaced_deployment("checkout", "prod", body)
    options = {"watch": True, "timeout_seconds": 1, "_preload_content": False, "label_selector": "tier=web"}
    response = served.apps.list_namespaced_deployment("prod", resource_version=version, **options)
    assert [json.loads(line)["type"] for line in response.read().splitlines()] == ["ADDED", "DELETED"]


def test_an_open_watch_does_not_keep_the_town_from_closing(steering: Steering) -> None:
    with Host(Town(steering.world).app()) as url, client.ApiClient(client.Configuration(host=url)) as api:
        apps: Any = client.AppsV1Api(api)
        response = apps.list_namespaced_deployment("prod", watch=True, timeout_seconds=60, _preload_content=False)
        next(iter(response.stream(1)))
        began = time.monotonic()
    assert time.monotonic() - began < 30  # and not the watch's sixty
    response.close()
    api.rest_client.pool_manager.clear()


def test_the_town_serves_metrics_and_logs_beside_its_cluster(served: Served, steering: Steering) -> None:
    paths = {route.resource.canonical for route in served.town.app().router.routes() if route.resource}
    assert any(path.startswith("/prometheus/api/v1/") for path in paths)
    assert any(path.startswith("/loki/api/v1/") for path in paths)
    shown = steering.world.summary()["services"][0]["environments"][0]
    assert 0 <= shown["error_ratio"] < 0.05
