"""Versions roll out pod by pod; bad ones get stuck while the old ones serve; a rollback heals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.town.steering import Steering


def test_a_good_version_rolls_out_and_never_serves_with_fewer_pods_than_asked_for(steering: Steering) -> None:
    steering.deploy("prod", "checkout", "1.4.2")
    low: list[int] = []

    def done() -> bool:
        serving = steering.serving("prod", "checkout")
        low.append(sum(serving.values()))
        return serving == {"1.4.2": 3}

    seconds = steering.wait(done, step=0.1)

    assert 4 < seconds < 30
    assert min(low) == 3
    steering.clock.advance(2)
    assert steering.condition("prod", "checkout") == ("True", "NewReplicaSetAvailable")
    status = steering.deployment("prod", "checkout")["status"]
    assert (status["replicas"], status["updatedReplicas"], status["availableReplicas"]) == (3, 3, 3)
    assert "unavailableReplicas" not in status


@pytest.mark.parametrize(("name", "version"), [("checkout", "1.5.0"), ("search", "0.10.0"), ("payments", "3.11.1")])
def test_versions_that_only_misbehave_roll_out_like_good_ones(steering: Steering, name: str, version: str) -> None:
    steering.deploy("prod", name, version)
    steering.wait(lambda: list(steering.serving("prod", name)) == [version])


BAD = [
    ("cart", "2.2.0", {"CrashLoopBackOff", "Error"}),
    ("payments", "3.12.0", {"CrashLoopBackOff", "OOMKilled"}),
    ("checkout", "9.9.9", {"ImagePullBackOff", "ErrImagePull"}),
]


@pytest.mark.parametrize("namespace", ["prod", "staging"])
@pytest.mark.parametrize(("name", "version", "reasons"), BAD)
def test_a_bad_version_never_completes_while_every_old_pod_serves(
    steering: Steering, namespace: str, name: str, version: str, reasons: set[str]
) -> None:
    before = steering.serving(namespace, name)
    steering.deploy(namespace, name, version)
    seen: set[str] = set()
    for _ in range(240):
        steering.clock.advance(0.5)
        serving = steering.serving(namespace, name)
        assert {old: serving.get(old) for old in before} == before
        seen |= _reasons(steering, namespace, name)
        assert steering.condition(namespace, name)[1] != "NewReplicaSetAvailable" or version not in serving
    assert reasons <= seen
    assert steering.deployment(namespace, name)["status"]["unavailableReplicas"] >= 1


def _reasons(steering: Steering, namespace: str, name: str) -> set[str]:
    found: set[str] = set()
    for pod in steering.all("pods", namespace, f"{name}-"):
        for container in pod["status"]["containerStatuses"]:
            for state in (container["state"], container["lastState"]):
                found |= {inner["reason"] for inner in state.values() if "reason" in inner}
    return found


@pytest.mark.parametrize(("name", "version"), [("cart", "2.2.0"), ("checkout", "9.9.9")])
def test_a_rollout_without_progress_is_given_up_after_its_deadline(steering: Steering, name: str, version: str) -> None:
    steering.deploy("prod", name, version)
    steering.clock.advance(590)
    assert steering.condition("prod", name)[0] == "True"
    steering.clock.advance(60)
    assert steering.condition("prod", name) == ("False", "ProgressDeadlineExceeded")


def test_restarts_grow_while_a_version_crashes(steering: Steering) -> None:
    steering.deploy("prod", "cart", "2.2.0")
    seen = []
    for seconds in (5, 30, 120):
        steering.clock.advance(seconds)
        seen.append(max(pod.restarts for pod in steering.world.moments("prod", "cart")[-1].pods))
    assert seen == sorted(set(seen))
    assert seen[0] >= 1


@pytest.mark.parametrize(("name", "version", "reasons"), BAD)
def test_a_rollback_heals(steering: Steering, name: str, version: str, reasons: set[str]) -> None:
    before = steering.deployment("prod", name)
    serving = steering.serving("prod", name)
    steering.deploy("prod", name, version)
    steering.clock.advance(700)

    def alter(deployment: dict[str, Any]) -> None:
        deployment["spec"]["template"] = before["spec"]["template"]

    steering.change("prod", name, alter)
    steering.wait(lambda: steering.condition("prod", name) == ("True", "NewReplicaSetAvailable"))
    steering.clock.advance(2)
    assert steering.serving("prod", name) == serving
    assert len(steering.all("pods", "prod", f"{name}-")) == serving.popitem()[1]
    after = steering.deployment("prod", name)
    revision = "deployment.kubernetes.io/revision"
    assert int(after["metadata"]["annotations"][revision]) == int(before["metadata"]["annotations"][revision]) + 2
