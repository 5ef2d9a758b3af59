"""Who serves the Kubernetes API under test: the town. A real kube-apiserver needs nothing but another `cluster_api`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config

from actions.clock import ManualClock
from bot.playground.host import Host
from bot.playground.town.kubeconfig import write_kubeconfig
from bot.playground.town.server import Town
from bot.playground.town.world import World
from tests.contract.cluster import ClusterApi


@pytest.fixture(scope="session")
def _town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, ManualClock]]:
    clock = ManualClock()
    with Host(Town(World(clock)).app()) as url:
        yield write_kubeconfig(url, tmp_path_factory.mktemp("town") / "kubeconfig"), clock


@pytest.fixture
def cluster_api(_town: tuple[Path, ManualClock]) -> Iterator[ClusterApi]:
    kubeconfig, clock = _town
    api: Any = config.new_client_from_config(str(kubeconfig))  # type: ignore[no-untyped-call] # it has no types
    with api:
        core: Any = client.CoreV1Api(api)
        namespace = core.create_namespace({"metadata": {"generateName": "contract-"}}).metadata.name
        yield ClusterApi(api, namespace, clock.sleep)
        core.delete_namespace(namespace)
        api.rest_client.pool_manager.clear()
