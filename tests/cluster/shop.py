"""A namespace of a real cluster with services in it, and Twokey's own accounts and executors for them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Self

import requests
import yaml

from actions import objects
from actions.action import Change, Read
from actions.catalog import Catalog
from actions.clients.kubernetes import KubernetesCluster
from actions.clients.protocols import Metrics
from actions.clock import Clock, SystemClock
from actions.executor import Executor
from actions.outcome import Grant, Outcome, Trip
from actions.plan import Plan
from actions.rbac import accounts
from actions.rbac.manifests import render
from actions.record import Record
from actions.registry import Registry
from actions.toolbox import Progress, Toolbox
from actions.verbs import VERBS
from actions.watch import Pace
from tests.cluster.access import Access
from tests.cluster.control_plane import Json
from tests.waiting import until

PACE = Pace(plan=60.0, step=0.1, rollout=120.0, blind=60.0, verification=0.0, sample=0.1)  # for a machine that is busy
_PATHS = {
    "Namespace": "/api/v1/namespaces",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
    "ValidatingAdmissionPolicy": "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "StatefulSet": "/apis/apps/v1/namespaces/{}/statefulsets",
    "DaemonSet": "/apis/apps/v1/namespaces/{}/daemonsets",
    "HorizontalPodAutoscaler": "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers",
    "ResourceQuota": "/api/v1/namespaces/{}/resourcequotas",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/{}/poddisruptionbudgets",
}
_TYPES = {"strategic": "application/strategic-merge-patch+json", "merge": "application/merge-patch+json"}


class Until(SystemClock):
    """A clock by which a rollout's time is up as soon as the cluster shows something, and no sooner."""

    def __init__(self, shown: Callable[[], bool]) -> None:
        self._shown, self._late = shown, timedelta()

    def now(self) -> datetime:
        return super().now() + self._late

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self._shown():
            self._late = timedelta(seconds=PACE.rollout)

    def steady(self) -> float:
        return super().steady() + self._late.total_seconds()


@dataclass
class Shop:
    """`checkout` (a Deployment of two containers), `store` (a StatefulSet) and `agent` (a DaemonSet), all at 1.0."""

    plane: Access
    namespace: str
    admin: requests.Session
    registry: Registry = field(default_factory=lambda: Registry(VERBS))

    @property
    def catalog(self) -> Catalog:
        return Catalog.model_validate(
            {
                "environments": {"prod": {"namespace": self.namespace}},
                "services": {
                    "checkout": {"image": "registry.example/checkout", "max_replicas": 5},
                    "store": {"workload": {"kind": "StatefulSet"}, "max_replicas": 5},
                    "agent": {"workload": {"kind": "DaemonSet"}},
                },
            }
        )

    @classmethod
    @contextmanager
    def opened(cls, plane: Access) -> Iterator[Self]:
        """Open, with everything that `twokey rbac render` writes for it, in a namespace of its own."""
        with plane.session() as admin:
            body = {"metadata": {"generateName": f"{cls.__name__.lower()}-"}}
            namespace = admin.post(f"{plane.url}/api/v1/namespaces", json=body, timeout=30).json()["metadata"]["name"]
            shop = cls(plane, namespace, admin)
            try:
                yield shop.open().admit()
            finally:
                shop.close()

    # -- the cluster -------------------------------------------------------------------------------------------------
    def call(self, method: str, path: str, body: Json | None = None, **options: Any) -> requests.Response:
        return self.admin.request(method, f"{self.plane.url}{path}", json=body, timeout=30, **options)

    def create(self, manifest: Json) -> Json:
        """By an administrator; one that is there already is left as it is."""
        where = manifest["metadata"].get("namespace", self.namespace)
        answer = self.call("POST", _PATHS[manifest["kind"]].format(where), manifest)
        assert answer.ok or answer.status_code == 409, answer.text[:2000]
        found: Json = answer.json()
        return found

    def patch(self, path: str, body: Json, kind: str = "strategic", user: str = "", **query: str) -> requests.Response:
        """Of an object in the namespace (`deployments/checkout`), by this user, or else an administrator."""
        headers = {"Content-Type": _TYPES[kind], **({"Impersonate-User": user} if user else {})}
        where = f"/apis/apps/v1/namespaces/{self.namespace}/{path}"
        return self.call("PATCH", where, body, headers=headers, params=query)

    def read(self, path: str) -> Json:
        answer = self.call("GET", f"/apis/apps/v1/namespaces/{self.namespace}/{path}")
        assert answer.ok, answer.text
        found: Json = answer.json()
        return found

    def replicas(self, path: str) -> int:
        return int(self.read(path)["spec"]["replicas"])

    def image(self, path: str, container: str) -> str:
        containers = self.read(path)["spec"]["template"]["spec"]["containers"]
        return next(str(each["image"]) for each in containers if each["name"] == container)

    def open(self) -> Self:
        """The services, rolled out."""
        self.create(workload("Deployment", "checkout", replicas=2, sidecar=True))
        self.create(workload("StatefulSet", "store", replicas=2))
        self.create(workload("DaemonSet", "agent"))
        for path in ("deployments/checkout", "statefulsets/store", "daemonsets/agent"):
            self.settle(path)
        return self

    def settle(self, path: str) -> None:
        until(lambda: _settled(self.read(path)), f"{path} to settle")

    # -- Twokey in it --------------------------------------------------------------------------------------------------
    def admit(self) -> Self:
        """Apply what `twokey rbac render` writes, and wait until the policies hold."""
        for manifest in yaml.safe_load_all(render(self.catalog, self.registry, http_port=3000)):
            self.create(manifest)
        label, many = {"metadata": {"labels": {"x": "y"}}}, {"spec": {"replicas": 10_001}}
        for verb, path, body in (
            ("deploy", "deployments/checkout", label),
            ("rollback", "deployments/checkout", label),
            ("restart", "deployments/checkout", label),
            ("scale", "deployments/checkout/scale", many),
        ):
            user = accounts.user(verb, self.namespace, preview=True)
            until(partial(self._refused, path, body, user), f"the policy of {verb} in force")
        until(self._runner_may, "the runner's rights in force")
        return self

    def close(self) -> None:
        """Nothing of it is left, above all no policy: the API server looks at all of them at every write."""
        for manifest in yaml.safe_load_all(render(self.catalog, self.registry)):
            if (
                manifest["kind"].startswith("ValidatingAdmissionPolicy")
                and self.namespace in manifest["metadata"]["name"]
            ):
                self.call("DELETE", f"{_PATHS[manifest['kind']]}/{manifest['metadata']['name']}")
        self.call("DELETE", f"/api/v1/namespaces/{self.namespace}")

    def _runner_may(self) -> bool:
        """Whether the runner may take the part of a verb: the last right of `render`, so the others hold as well."""
        asked = {"namespace": self.namespace, "verb": "impersonate", "resource": "serviceaccounts"}
        body = {"spec": {"resourceAttributes": {**asked, "name": accounts.name("scale")}}}
        user = f"system:serviceaccount:{accounts.HOME}:{accounts.RUNNER}"
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        answer = self.call("POST", path, body, headers={"Impersonate-User": user})
        return answer.ok and bool(answer.json()["status"]["allowed"])

    def _refused(self, path: str, body: Json, user: str) -> bool:
        return self.patch(path, body, "merge", user, dryRun="All").status_code == 422

    def token(self, account: str) -> str:
        """Of one of Twokey's own two accounts, as the API server itself gives it out."""
        path = f"/api/v1/namespaces/{accounts.HOME}/serviceaccounts/{account}/token"
        answer = self.call("POST", path, {"spec": {"expirationSeconds": 3600}})
        return str(answer.json()["status"]["token"])

    def hands(
        self,
        account: str = accounts.RUNNER,
        server: str | None = None,
        pace: Pace = PACE,
        metrics: Metrics | None = None,
        patience: float = 30.0,
        clock: Clock | None = None,
    ) -> Hands:
        """The product's executor, as that account runs it."""
        token = self.token(account)
        kubeconfig = self.plane.kubeconfig(f"{account}-{secrets.token_hex(4)}", token, server)
        cluster = KubernetesCluster(kubeconfig, accounts.user, patience)
        tools = Toolbox(catalog=self.catalog, cluster=cluster, clock=clock or SystemClock(), metrics=metrics)
        return Hands(Executor(self.registry, tools, pace), self.registry, cluster, token)


@dataclass
class Hands:
    """An executor, and requests for it that somebody approved."""

    executor: Executor
    registry: Registry
    cluster: KubernetesCluster
    token: str

    def plan(self, verb: str, service: str = "checkout", **arguments: Any) -> Plan:
        action = self.registry.parse({"verb": verb, "service": service, "environment": "prod", **arguments})
        assert isinstance(action, Change)
        return self.executor.plan(action, "policy-1")

    def execute(self, plan: Plan, request_id: str = "", progress: Progress = lambda step: None) -> Outcome:
        grant = Grant(
            request_id=request_id or secrets.token_hex(8),
            digest=plan.digest,
            expires_at=datetime.now(UTC) + timedelta(minutes=5),
        )

        def leave(_trip: Trip) -> Grant:
            assert plan.way_back, "only a guard asks for leave"
            own = {"request_id": objects.back_id(grant.request_id), "digest": plan.way_back.digest}
            return grant.model_copy(update=own)

        return self.executor.execute(plan, grant, progress, lambda: False, Record(leave))

    def do(self, verb: str, service: str = "checkout", **arguments: Any) -> Outcome:
        """Planned, approved and carried out; a read is answered."""
        action = self.registry.parse({"verb": verb, "service": service, "environment": "prod", **arguments})
        if isinstance(action, Read):
            return self.executor.answer(action, lambda step: None)
        return self.execute(self.plan(verb, service, **arguments))


def workload(kind: str, name: str, replicas: int | None = None, sidecar: bool = False, version: str = "1.0") -> Json:
    """A workload whose container is called as it is itself."""
    containers = [{"name": name, "image": f"registry.example/{name}:{version}", "env": [{"name": "A", "value": "1"}]}]
    if sidecar:
        containers.append({"name": "proxy", "image": "registry.example/proxy:7"})
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}}
    spec: Json = {"selector": {"matchLabels": {"app": name}}, "template": template}
    if replicas is not None:
        spec["replicas"] = replicas
    if kind == "StatefulSet":
        spec |= {"serviceName": name, "podManagementPolicy": "Parallel"}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def _settled(found: Json) -> bool:
    status, spec = found.get("status") or {}, found["spec"]
    if status.get("observedGeneration") != found["metadata"]["generation"]:
        return False
    if found["kind"] == "DaemonSet":
        wanted = status.get("desiredNumberScheduled", 0)
        return bool(wanted and wanted == status.get("updatedNumberScheduled") == status.get("numberAvailable"))
    ready = (status.get("replicas", 0), status.get("updatedReplicas", 0), status.get("availableReplicas", 0))
    return ready == (spec["replicas"],) * 3
