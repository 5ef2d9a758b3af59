"""Changes a town from inside, without its API, and lets its time pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from actions.clock import ManualClock
from bot.playground.town.objects import clone
from bot.playground.town.seed import image
from bot.playground.town.world import World


class Steering:
    """Deploys, scales and waits."""

    def __init__(self, world: World, clock: ManualClock) -> None:
        self.world, self.clock = world, clock

    def change(self, namespace: str, name: str, alter: Callable[[dict[str, Any]], None]) -> None:
        with self.world.present() as town:
            deployment = clone(town.store.get("deployments", namespace, name))
            alter(deployment)
            town.store.put("deployments", deployment)

    def deploy(self, namespace: str, name: str, version: str) -> None:
        def alter(deployment: dict[str, Any]) -> None:
            deployment["spec"]["template"]["spec"]["containers"][0]["image"] = image(name, version)

        self.change(namespace, name, alter)

    def scale(self, namespace: str, name: str, replicas: int) -> None:
        self.change(namespace, name, lambda deployment: deployment["spec"].update(replicas=replicas))

    def deployment(self, namespace: str, name: str) -> dict[str, Any]:
        return self.all("deployments", namespace, name)[0]

    def all(self, resource: str, namespace: str, prefix: str = "") -> list[dict[str, Any]]:
        with self.world.present() as town:
            found = town.store.all(resource, namespace)
            return [clone(obj) for obj in found if obj["metadata"]["name"].startswith(prefix)]

    def condition(self, namespace: str, name: str, kind: str = "Progressing") -> tuple[str, str]:
        conditions = self.deployment(namespace, name)["status"]["conditions"]
        return next((each["status"], each["reason"]) for each in conditions if each["type"] == kind)

    def wait(self, condition: Callable[[], bool], seconds: float = 120, step: float = 0.5) -> float:
        """Let time pass until the condition holds; how many seconds that took."""
        passed = 0.0
        while not condition():
            assert passed < seconds, f"still not so after {seconds} s"
            self.clock.advance(step)
            passed += step
        return passed

    def serving(self, namespace: str, name: str) -> dict[str, int]:
        """Ready pods by version."""
        counts: dict[str, int] = {}
        for pod in self.world.moments(namespace, name)[-1].pods:
            counts[pod.version] = counts.get(pod.version, 0) + pod.ready
        return {version: count for version, count in counts.items() if count}
