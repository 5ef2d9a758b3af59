"""Argo Rollouts' own controller where TWOKEY_TEST_ROLLOUTS names its folder, or else the stand-in for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from tests.cluster.control_plane import ControlPlane, Json
from tests.cluster.rollouts import Rollouts
from tests.ports import held_port
from tests.waiting import until

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_PROGRAM = "rollouts-controller"


@contextmanager
def rolling(plane: ControlPlane) -> Iterator[None]:
    """For the length of the block Rollouts roll. The definitions of `tests.cluster.crds` are there already."""
    folder = os.environ.get("TWOKEY_TEST_ROLLOUTS")
    if not folder:
        with Rollouts(plane):
            yield
        return
    for definition in sorted(Path(folder).glob("*-crd.yaml")):
        _define(plane, yaml.load(definition.read_text(), yaml.CSafeLoader))
    with held_port() as metrics, held_port() as health:
        ports = (f"--metricsPort={metrics}", f"--healthzPort={health}")
        plane.run(Path(folder) / _PROGRAM, f"--kubeconfig={plane.kubeconfig()}", "--leader-elect=false", *ports)
        try:
            yield
        finally:
            plane.end(_PROGRAM)


def _define(plane: ControlPlane, definition: Json) -> None:
    """In place of one of the same name: the vendor's has more fields."""
    with plane.session() as admin:
        name, url = definition["metadata"]["name"], f"{plane.url}{_CRDS}"

        def written() -> bool:
            found = admin.get(f"{url}/{name}", timeout=30)
            if found.status_code == 404:
                return admin.post(url, json=definition, timeout=30).ok
            meta = {**definition["metadata"], "resourceVersion": found.json()["metadata"]["resourceVersion"]}
            return admin.put(f"{url}/{name}", json={**definition, "metadata": meta}, timeout=30).ok

        until(written, f"the definition of {name}")
        spec = definition["spec"]
        path = f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"
        until(lambda: admin.get(f"{plane.url}{path}", timeout=30).ok, f"{path} served")
