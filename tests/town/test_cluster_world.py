"""The town's memory, its one clock, its autoscaler and its ribbon."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from actions.clock import ManualClock
from bot.playground.town.services import digest_of
from bot.playground.town.timeline import Timeline
from bot.playground.town.world import World
from tests.town.steering import Steering

REVISION = "deployment.kubernetes.io/revision"


def everything(world: World) -> str:
    """All that there is in a town, as text."""
    with world.present() as town:
        kinds = ("deployments", "replicasets", "pods", "events", "horizontalpodautoscalers")
        objects = json.dumps([town.store.all(kind) for kind in kinds], sort_keys=True)
        return objects + repr(sorted(town.moments.items()))


def test_the_same_calls_at_the_same_times_give_the_same_town() -> None:
    towns = []
    for step in (60.0, 0.3):  # however often somebody looks
        clock = ManualClock()
        world = World(clock)
        Steering(world, clock).deploy("prod", "cart", "2.2.0")
        Steering(world, clock).deploy("prod", "payments", "3.12.0")
        while clock.now() < datetime(2026, 11, 2, 9, 5, tzinfo=UTC):
            clock.advance(step)
            world.now()
        clock.advance(datetime(2026, 11, 2, 9, 6, tzinfo=UTC).timestamp() - clock.now().timestamp())
        towns.append(everything(world))
    assert towns[0] == towns[1]


def test_a_clock_that_jumps_back_does_not_turn_the_town_back(world: World, clock: ManualClock) -> None:
    clock.advance(10)
    now = world.now()
    clock.advance(-3600)
    assert world.now() == now


def test_a_town_is_a_timeline_that_reaches_back_more_than_a_day(world: World) -> None:
    timeline: Timeline = world
    for namespace, name in timeline.workloads():
        moments = timeline.moments(namespace, name)
        assert moments[0].at <= timeline.now() - 26 * 3600
        assert [moment.at for moment in moments] == sorted({moment.at for moment in moments})
        assert moments[-1].desired == len(moments[-1].pods) == sum(pod.ready for pod in moments[-1].pods)
        wanted = {"requests_per_second", "error_ratio", "p50_ms", "p95_ms", "p99_ms", "cpu_cores", "memory_mib"}
        assert set(timeline.traits(name)) == wanted
    assert timeline.moments("prod", "nope") == ()
    assert timeline.behaviour("payments", "3.11.0") == "slow"
    assert timeline.behaviour("payments", "0.0.1") == "good"


START = {
    "prod": {"checkout": 3, "cart": 3, "payments": 6, "search": 4, "support-bot": 2},
    "staging": {"checkout": 2, "cart": 1, "payments": 2, "search": 1, "support-bot": 1},
    "dev": {"checkout": 1, "cart": 1, "search": 1, "support-bot": 1},
}
VERSIONS = {"checkout": "1.4.1", "cart": "2.0.3", "payments": "3.11.0", "search": "0.9.0", "support-bot": "2.0"}


def test_a_town_starts_as_its_story_has_it(steering: Steering) -> None:
    for namespace, services in START.items():
        found = {each["metadata"]["name"]: each for each in steering.all("deployments", namespace)}
        assert {name: each["spec"]["replicas"] for name, each in found.items()} == services
        for name, replicas in services.items():
            assert steering.serving(namespace, name) == {VERSIONS[name]: replicas}
            assert steering.condition(namespace, name) == ("True", "NewReplicaSetAvailable")


def test_payments_was_deployed_forty_minutes_ago_and_its_events_are_still_there(steering: Steering) -> None:
    sets = {int(each["metadata"]["annotations"][REVISION]): each for each in steering.all("replicasets", "prod", "pay")}
    images = {n: each["spec"]["template"]["spec"]["containers"][0]["image"] for n, each in sets.items()}
    assert images == {n: f"registry.example/payments:{v}" for n, v in [(1, "3.10.3"), (2, "3.10.4"), (3, "3.11.0")]}
    born = datetime.fromisoformat(sets[3]["metadata"]["creationTimestamp"]).timestamp()
    assert abs(steering.world.now() - born - 40 * 60) < 2
    assert sets[3]["metadata"]["annotations"]["kubernetes.io/change-cause"] == "deploy 3.11.0 (ben)"
    messages = [each["message"] for each in steering.all("events", "prod", "payments.")]
    assert any(message.startswith(f"Scaled up replica set {sets[3]['metadata']['name']}") for message in messages)


def test_old_events_are_forgotten_and_repeated_ones_are_counted(steering: Steering) -> None:
    steering.deploy("prod", "cart", "2.2.0")
    steering.clock.advance(1800)
    backing_off = [each for each in steering.all("events", "prod", "cart-") if each["reason"] == "BackOff"]
    assert max(each["count"] for each in backing_off) > 3
    steering.clock.advance(3 * 3600)
    reasons = {each["reason"] for each in steering.all("events", "prod")}
    assert "Scheduled" not in reasons
    assert "BackOff" in reasons


@pytest.mark.parametrize(("wanted", "kept"), [(5, 5), (12, 8), (1, 3), (0, 0)])
def test_the_autoscaler_of_checkout_holds_its_bounds_and_leaves_the_rest(
    steering: Steering, wanted: int, kept: int
) -> None:
    steering.scale("prod", "checkout", wanted)
    steering.clock.advance(40)
    assert steering.deployment("prod", "checkout")["spec"]["replicas"] == kept
    assert len(steering.all("pods", "prod", "checkout-")) == kept
    rescaled = [each for each in steering.all("events", "prod") if each["reason"] == "SuccessfulRescale"]
    assert len(rescaled) == (wanted != kept)


def test_scaling_in_the_middle_of_a_rollout_ends_with_what_was_asked_for_last(steering: Steering) -> None:
    steering.deploy("prod", "search", "0.9.1")
    steering.clock.advance(2.5)
    steering.scale("prod", "search", 7)
    steering.wait(lambda: steering.serving("prod", "search") == {"0.9.1": 7})
    steering.deploy("prod", "search", "0.9.0")
    steering.clock.advance(2.5)
    steering.scale("prod", "search", 2)
    steering.wait(lambda: steering.serving("prod", "search") == {"0.9.0": 2})


def test_a_paused_deployment_scales_but_does_not_roll(steering: Steering) -> None:
    steering.change("prod", "search", lambda deployment: deployment["spec"].update(paused=True))
    steering.deploy("prod", "search", "0.9.1")
    steering.scale("prod", "search", 5)
    steering.clock.advance(30)
    assert steering.serving("prod", "search") == {"0.9.0": 5}
    steering.change("prod", "search", lambda deployment: deployment["spec"].pop("paused"))
    steering.wait(lambda: steering.serving("prod", "search") == {"0.9.1": 5})


def test_recreate_ends_every_old_pod_before_the_first_new_one(steering: Steering) -> None:
    def alter(deployment: dict[str, Any]) -> None:
        deployment["spec"]["strategy"] = {"type": "Recreate"}

    steering.change("prod", "search", alter)
    steering.deploy("prod", "search", "0.9.1")
    seen: list[set[str]] = []

    def done() -> bool:
        pods = steering.world.moments("prod", "search")[-1].pods
        seen.append({pod.version for pod in pods})
        return steering.serving("prod", "search") == {"0.9.1": 4}

    steering.wait(done, step=0.1)
    assert {"0.9.0", "0.9.1"} not in seen


def test_no_more_old_replica_sets_are_kept_than_the_history_limit(steering: Steering) -> None:
    steering.change("dev", "cart", lambda deployment: deployment["spec"].update(revisionHistoryLimit=2))
    for version in ("2.1.0", "2.0.2", "2.0.3", "2.1.0", "2.0.2"):
        steering.deploy("dev", "cart", version)
        steering.clock.advance(20)

    def restart(deployment: dict[str, Any]) -> None:
        deployment["spec"]["template"]["metadata"]["annotations"] = {"restarted": "yes"}

    steering.change("dev", "cart", restart)
    steering.clock.advance(20)
    assert len(steering.all("replicasets", "dev", "cart-")) == 3


def test_a_digest_of_a_known_version_runs_as_that_version(steering: Steering) -> None:
    def alter(deployment: dict[str, Any]) -> None:
        image = f"registry.example/checkout@{digest_of('checkout', '1.4.2')}"
        deployment["spec"]["template"]["spec"]["containers"][0]["image"] = image

    steering.change("dev", "checkout", alter)
    steering.wait(lambda: steering.serving("dev", "checkout") == {"1.4.2": 1})


def test_the_ribbon_shows_every_pod_with_version_and_state(steering: Steering) -> None:
    shown = steering.world.summary()
    assert shown["clock"] == "2026-11-02T09:00:00+00:00"
    assert [each["name"] for each in shown["services"]] == list(VERSIONS)
    for version, state in [("2.2.0", "crashing"), ("9.9", "pulling"), ("2.1.0", "starting")]:
        steering.deploy("prod", "cart", version)
        states: set[tuple[str, str]] = set()
        for _ in range(30):
            steering.clock.advance(0.5)
            (prod, *_rest) = steering.world.summary()["services"][1]["environments"]
            states |= {(pod["version"], pod["state"]) for pod in prod["pods"]}
        assert (version, state) in states
        assert prod["name"] == "prod"
        assert prod["desired"] == 3
    assert (("2.0.3", "terminating") in states) or (("2.0.3", "ready") in states)
    assert "error_ratio" not in prod
