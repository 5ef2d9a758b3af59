"""A Kubernetes API under test, whoever serves it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kubernetes import client

DEMO: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "demo", "annotations": {"example.com/owner": "tests"}},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "demo"}},
        "template": {
            "metadata": {"labels": {"app": "demo"}},
            "spec": {
                "containers": [
                    {
                        "name": "demo",
                        "image": "registry.k8s.io/pause:3.9",
                        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                    },
                    {"name": "sidecar", "image": "registry.k8s.io/pause:3.9"},
                ]
            },
        },
    },
}


class ClusterApi:
    """A namespace that nobody else uses. `pass_time(seconds)` sleeps on a real cluster and moves a town's clock.

    On a real cluster controllers write an object's status at any moment, so no law may rest on a resourceVersion that
    was read a moment ago. `step` is how long is waited, in seconds, between two looks at a condition.

    The client's objects are Any: its types know neither plain dicts as bodies nor raw responses, yet it has both.
    """

    def __init__(self, api: Any, namespace: str, pass_time: Callable[[float], None], step: float = 0.25) -> None:
        self.api, self.namespace, self._pass_time, self._step = api, namespace, pass_time, step
        self.apps: Any = client.AppsV1Api(api)
        self.core: Any = client.CoreV1Api(api)
        self.autoscaling: Any = client.AutoscalingV2Api(api)
        self.authorization: Any = client.AuthorizationV1Api(api)

    def until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        """Let time pass until the condition holds."""
        passed = 0.0
        while not condition():
            assert passed < seconds, f"still not so after {seconds} s"
            self._pass_time(self._step)
            passed += self._step

    def demo(self) -> Any:
        """A Deployment `demo` of two containers with two replicas, rolled out."""
        self.apps.create_namespaced_deployment(self.namespace, DEMO)
        self.settle()
        return self.read()

    def settle(self) -> None:
        """Let time pass until the controllers have done all that `demo` asks for."""
        self.until(self._settled)

    def read(self) -> Any:
        return self.apps.read_namespaced_deployment("demo", self.namespace)

    def image(self) -> str:
        """The image of the container `demo`."""
        containers = self.read().spec.template.spec.containers
        return next(str(container.image) for container in containers if container.name == "demo")

    def patch(self, body: Any, content_type: str | None = None, **options: Any) -> Any:
        if content_type:
            options["_content_type"] = content_type
        return self.apps.patch_namespaced_deployment("demo", self.namespace, body, **options)

    def replica_sets(self) -> dict[int, Any]:
        """Those of `demo` by revision."""
        found = self.apps.list_namespaced_replica_set(self.namespace, label_selector="app=demo").items
        return {int(each.metadata.annotations["deployment.kubernetes.io/revision"]): each for each in found}

    def _settled(self) -> bool:
        found = self.read()
        status, wanted = found.status, found.spec.replicas
        seen = status.observed_generation == found.metadata.generation
        counts = (status.replicas or 0, status.updated_replicas or 0, status.available_replicas or 0)
        return seen and counts == (wanted, wanted, wanted)


def set_image(image: str, container: str = "demo") -> dict[str, Any]:
    """A strategic merge patch."""
    return {"spec": {"template": {"spec": {"containers": [{"name": container, "image": image}]}}}}
