"""A real Kubernetes API for these tests: one control plane a test process, one namespace a test.

`make control-plane` builds it; KUBEBUILDER_ASSETS names the folder of its programs. TWOKEY_TEST_KUBECONFIG names any
other cluster to use instead, kind for instance; what only a control plane of our own can show is skipped there, and
with nodes of its own all but the contract: the services of these tests have no images that a node could pull.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config

from tests.cluster.access import Access, Outside
from tests.cluster.control_plane import ControlPlane, control_plane
from tests.cluster.kubelet import NODE, Kubelet
from tests.cluster.shop import Shop
from tests.contract.cluster import ClusterApi

HOW = "needs a control plane: `make control-plane`, then KUBEBUILDER_ASSETS=<what it prints>; or TWOKEY_TEST_KUBECONFIG"


@dataclass(frozen=True)
class Cluster:
    """A real cluster. `plane` is None where it is somebody else's."""

    kubeconfig: Path
    access: Access
    plane: ControlPlane | None


@pytest.fixture(scope="session")
def real_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if given := os.environ.get("TWOKEY_TEST_KUBECONFIG"):
        yield Cluster(Path(given), Outside(Path(given), tmp_path_factory.mktemp("outside")), None)
        return
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if not assets:
        pytest.skip(HOW)
    with control_plane(Path(assets), tmp_path_factory.mktemp("plane")) as plane, Kubelet(plane):
        yield Cluster(plane.kubeconfig(), plane, plane)


@pytest.fixture(scope="session")
def plane(real_cluster: Cluster) -> ControlPlane:
    """A control plane that the test may look into, and stop."""
    if real_cluster.plane is None:
        pytest.skip("needs a control plane of its own: unset TWOKEY_TEST_KUBECONFIG, and set KUBEBUILDER_ASSETS")
    return real_cluster.plane


@pytest.fixture(scope="session")
def access(real_cluster: Cluster) -> Access:
    """A cluster whose pods a stand-in brings to life, whoever runs it: images and nodes are none of its concern."""
    with real_cluster.access.session() as admin:
        found = admin.get(f"{real_cluster.access.url}/api/v1/nodes/{NODE}", timeout=30)
    if not found.ok:
        pytest.skip("needs a cluster whose pods are a stand-in's: `python -m tests.cluster` starts one")
    return real_cluster.access


@pytest.fixture
def cluster_api(real_cluster: Cluster) -> Iterator[ClusterApi]:
    """The same as in tests/contract, on the real thing."""
    api: Any = config.new_client_from_config(str(real_cluster.kubeconfig))  # type: ignore[no-untyped-call] # no types
    with api:
        core: Any = client.CoreV1Api(api)
        namespace = core.create_namespace({"metadata": {"generateName": "test-"}}).metadata.name
        yield ClusterApi(api, namespace, _pass_time, step=0.05)
        core.delete_namespace(namespace)
        api.rest_client.pool_manager.clear()


@pytest.fixture
def shop(access: Access) -> Iterator[Shop]:
    """Three services in a namespace of their own, with everything that `twokey rbac render` writes for them."""
    with Shop.opened(access) as opened:
        yield opened


def _pass_time(seconds: float) -> None:
    threading.Event().wait(seconds)
