"""What the verbs need from the outside, as Protocols over frozen values.

Every method may raise NotFound, Denied, Conflict, Rejected or Unreachable (actions.errors), and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from actions.kinds import Kind
from actions.outcome import EvalRun
from actions.plan import Patch


@dataclass(frozen=True)
class WorkloadRef:
    """Where a workload is, its autoscaler, or the object of a GitOps tool that keeps its version.

    `cluster` is a kubeconfig context; None is the current one.
    """

    cluster: str | None
    namespace: str
    kind: Kind
    name: str


@dataclass(frozen=True)
class Pod:
    """A pod as a rollout needs it."""

    name: str
    phase: str  # Pending, Running, Succeeded, Failed
    ready: bool
    restarts: int
    images: tuple[str, ...]
    reason: str | None  # CrashLoopBackOff, OOMKilled, ImagePullBackOff, ... of the container that is worst off
    started_at: datetime | None
    template_hash: str | None  # the label pod-template-hash
    digests: tuple[tuple[str, str], ...] = ()  # (image as the pod names it, `sha256:…` of what was pulled for it)


@dataclass(frozen=True)
class Revision:
    """An older or the present ReplicaSet (or ControllerRevision) of a workload."""

    number: int
    name: str
    created_at: datetime
    template: Mapping[str, Any]  # the pod template, without pod-template-hash
    annotations: Mapping[str, str]
    replicas: int

    def image(self, container: str) -> str | None:
        """The image of the named container in this revision."""
        containers = self.template.get("spec", {}).get("containers", [])
        return next((str(c["image"]) for c in containers if c.get("name") == container), None)


@dataclass(frozen=True)
class Event:
    """A cluster event about the workload, its ReplicaSets or its pods."""

    at: datetime
    kind: str  # Normal or Warning
    reason: str
    about: str  # "Pod/checkout-6d5-x2x"
    message: str  # untrusted
    count: int


@dataclass(frozen=True)
class Autoscaler:
    """A HorizontalPodAutoscaler that owns a workload's replicas."""

    name: str
    minimum: int
    maximum: int


@dataclass(frozen=True)
class Quota:
    """What a ResourceQuota counts, as quantities of the API: `{"pods": "6", "requests.cpu": "4"}`."""

    name: str
    hard: Mapping[str, str]
    used: Mapping[str, str]


@dataclass(frozen=True)
class Budget:
    """A PodDisruptionBudget: one of `minimum` and `unavailable` is a number or a percentage, as its author wrote it."""

    name: str
    minimum: int | str | None
    unavailable: int | str | None
    healthy: int  # as the cluster counted last, as the two below
    desired: int
    expected: int  # of all pods that it covers


@dataclass(frozen=True)
class LogLine:
    """One line of a service's log. The text is untrusted."""

    at: datetime
    pod: str
    text: str


@dataclass(frozen=True)
class Granted:
    """A rule of a credential, as the cluster has it; `*` stands for all. Without names it is about every object."""

    groups: tuple[str, ...]
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()


class Cluster(Protocol):
    """A Kubernetes API. Objects are plain dicts in the API's own JSON form."""

    def workload(self, ref: WorkloadRef) -> dict[str, Any]:
        """The live object."""
        ...

    def patch(
        self, ref: WorkloadRef, patch: Patch, *, verb: str, request_id: str | None, dry_run: bool = False
    ) -> dict[str, Any]:
        """Send this patch, as the verb's own account and field manager `twokey`; the workload as it then is.

        The field manager of a patch of `scale` is `twokey-<request id>`: by it that change is recognised afterwards.

        With `dry_run` the server answers with what would be and changes nothing. `request_id` travels in the
        user agent, for the cluster's own audit log. For the subresource `scale` the answer is the Scale object.
        """
        ...

    def revisions(self, ref: WorkloadRef) -> list[Revision]:
        """Newest first; what is no workload has none."""
        ...

    def pods(self, ref: WorkloadRef) -> list[Pod]: ...

    def events(self, ref: WorkloadRef, since: datetime) -> list[Event]:
        """Newest first."""
        ...

    def autoscaler(self, ref: WorkloadRef) -> Autoscaler | None: ...

    def quotas(self, ref: WorkloadRef) -> list[Quota]:
        """Of its namespace; without those that hold for some pods alone (scopes), and those not counted yet."""
        ...

    def budgets(self, ref: WorkloadRef, labels: Mapping[str, str]) -> list[Budget]:
        """Of its namespace, those that cover pods with these labels."""
        ...

    def logs(self, ref: WorkloadRef, since: datetime, limit: int) -> list[LogLine]:
        """The pods' own logs, oldest first, at most `limit` lines in all (the newest)."""
        ...


class Guarded(Cluster, Protocol):
    """A cluster that tells what one may do in it."""

    def allowed(
        self, cluster: str | None, namespace: str, group: str, resource: str, verb: str, name: str = "", user: str = ""
    ) -> bool:
        """Whether our credential may do this there, to the object of this name (SelfSubjectAccessReview).

        With `user` the one whose part we take is asked about; Denied where we may not take it.
        """
        ...

    def granted(self, cluster: str | None, namespace: str, user: str = "") -> list[Granted]:
        """All that our credential, or the one whose part we take, may do there (SelfSubjectRulesReview)."""
        ...


@dataclass(frozen=True)
class Sample:
    """One point of a series: seconds since 1970 and the value in the metric's own unit."""

    at: float
    value: float


class Metrics(Protocol):
    """A Prometheus."""

    def range(self, query: str, start: datetime, end: datetime, step: float) -> list[Sample]:
        """The first series of a PromQL query over a window, one sample every `step` seconds; empty if no data."""
        ...

    def instant(self, query: str, at: datetime) -> float | None:
        """The value now; None if there is no data."""
        ...


class Logs(Protocol):
    """A Loki."""

    def query(self, query: str, start: datetime, end: datetime, limit: int) -> list[LogLine]:
        """The newest `limit` lines of a LogQL query, oldest first."""
        ...


@dataclass(frozen=True)
class ChangeRecord:
    """A change that went through Twokey, as the ledger remembers it."""

    request_id: str
    at: datetime
    action: Mapping[str, Any]
    state: str
    asked_by: str  # a display form
    approved_by: tuple[str, ...]
    summary: str


class Changes(Protocol):
    """The ledger's memory of changes, read-only."""

    def recent(self, service: str | None, environment: str | None, since: datetime) -> Sequence[ChangeRecord]:
        """Newest first; None is every service, or every environment."""
        ...


class Exam(NamedTuple):
    """A suite that a version of a service passes, or not."""

    service: str
    suite: str
    version: str


class EvalRuns(Protocol):
    """The ledger's memory of evals, read-only."""

    def last(self, exam: Exam, standard: str | None, count: int) -> tuple[EvalRun, ...]:
        """The newest runs of exactly this version, the very newest first; so many at most.

        Only those under this standard (`actions.evals.standard`); under whichever where it is None.
        """
        ...

    def tally(self, exam: Exam, standard: str) -> tuple[int, int]:
        """How often exactly this version was run under this standard, and how many of these runs passed."""
        ...


@dataclass(frozen=True)
class Completion:
    """A model's answer under evaluation; `latency` in seconds, tokens as the endpoint reports them."""

    text: str
    latency: float
    input_tokens: int | None
    output_tokens: int | None


class EvalModel(Protocol):
    """A model service under evaluation."""

    def complete(self, model: str, prompt: str) -> Completion: ...
