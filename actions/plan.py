"""A plan: an action grounded in the live cluster, exactly as a person sees and approves it."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

from pydantic import JsonValue, StringConstraints

from actions import canonical
from actions.kinds import Kind
from actions.outcome import Suggestion
from actions.terms import Guarded, Risk, Value

REQUEST_TOKEN = "${request}"  # noqa: S105 - a placeholder, no secret
"""Stands in the marks of a patch for the request's id, which is not known before the plan is submitted."""
PatchType = Literal["strategic", "merge", "named", "sourced"]
"""As the API has them; "named" is a merge patch in whose lists of named things only what changes stands: custom
resources know no strategic merge. "sourced" is the same of `spec.sources`, whose entries are told by what they are
(`actions.keepers.sources`). Both are completed from the object as it was read just before (`actions.wire`)."""
_MARKS = (
    "twokey.dev/",
    "kubernetes.io/change-cause",
    "reconcile.fluxcd.io/requestedAt",
)  # what else holds the same characters is somebody's own text


class Target(Value):
    """The one object that a change touches: a workload, what owns its replicas or keeps its version, or the policy."""

    cluster: str | None  # kubeconfig context; None is the current one
    namespace: str
    kind: Literal[Kind, "Policy"]
    name: str
    uid: str  # the SHA-256 of the object's own, which is a key (`actions.objects.fingerprint`)

    @property
    def key(self) -> str:
        """Requests with the same key run one after the other (E3)."""
        return f"{self.cluster or ''}/{self.namespace}/{self.kind}/{self.name}"


class Difference(Value):
    """One line of the card: what it is now and what it will be."""

    field: str  # "replicas", "image", "restarted at"
    before: str
    after: str


class Precondition(Value):
    """Something the preview rests on; when it no longer holds at execution the plan is stale.

    `path` is a dotted path into the live object (`spec.replicas`). With `#sha256` behind it (`metadata.uid#sha256`) the
    value is the SHA-256 of the canonical JSON there, with `#fingerprint` (`spec.template#fingerprint`) the one that is
    keyed, since what is there may hold secrets (L6).
    """

    path: str
    value: str | int | None


class Caution(Value):
    """Something the approver should know; `code` is stable, `text` is for people."""

    code: str
    text: str
    instead: Suggestion | None = None  # another change that would serve better; pressing it asks for a card of its own


class Restored(Value):
    """A pod template that stands in an older revision in the cluster, and nowhere else (L6)."""

    revision: int  # its number when it was previewed; its name is none of ours to keep, it holds a hash of the template
    fingerprint: str  # of that template; see `actions.objects.fingerprint`


class Patch(Value):
    """The very request that will be sent. The executor adds uid and resourceVersion of its last read.

    Where it restores a template that is all it says of the spec: `actions.restoring` adds it when it is sent.
    """

    subresource: Literal["", "scale", "status"] = ""
    type: PatchType = "strategic"
    body: dict[str, JsonValue]
    restores: Restored | None = None

    def for_request(self, request_id: str) -> Patch:
        """The same patch with the request's id in its marks, so that doing it twice is doing it once."""
        return self.model_copy(update={"body": _marked(self.body, request_id)})


Number = Annotated[str, StringConstraints(pattern=r"^\d{1,15}(\.\d{1,15})?$")]
"""A number that can be digested: floats are not, since they are written differently elsewhere."""


class Guard(Value):
    """A rollback that is approved together with its change: what trips it, and exactly what it would do.

    Numbers are decimal strings in the metric's own unit (ratio, seconds, cores, bytes), so that they can be digested.
    """

    metric: Guarded
    tripwire: str  # as it was said: "error_rate x2 within 10m"
    query: str  # what is asked at each look, in PromQL
    baseline: Number | None  # measured when the plan was made; None where the limit is absolute and nothing was there
    limit: Number  # at this or more it trips
    window: int  # seconds that it watches once the change has rolled out
    action: dict[str, JsonValue]  # the rollback as an action of its own, which the policy judges, too
    differences: tuple[Difference, ...]
    patch: Patch
    preconditions: tuple[Precondition, ...]  # what the change leaves behind; otherwise nothing is rolled back


class Draft(Value):
    """What a verb works out from the live cluster; with action and policy version it makes a Plan."""

    target: Target
    differences: tuple[Difference, ...]
    facts: tuple[str, ...] = ()  # what helps to judge: "generation 41", "image 1.4.1"
    patch: Patch
    diff: str = ""  # the whole change as a unified diff of YAML, as the server's dry run returned it
    preconditions: tuple[Precondition, ...]
    warnings: tuple[Caution, ...] = ()
    evals: tuple[str, ...] = ()  # suites that the version should have passed before it comes here
    undo: dict[str, JsonValue] | None = None  # the action that would take it back, for a card of its own
    guard: Guard | None = None  # the rollback that is approved with it


class Plan(Draft):
    """What is shown, approved and executed: nothing more, nothing less (A1, A2)."""

    action: dict[str, JsonValue]  # Action.as_json()
    risk: Risk
    policy_version: str

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON of every field of the plan, as 64 hexadecimal digits.

        Without a guard that field is left out: plans that were approved before there were guards keep their digest.
        """
        return canonical.digest(self.model_dump(mode="json", exclude=None if self.guard else {"guard"}))

    @property
    def way_back(self) -> Plan | None:
        """What its guard would run, as a plan of its own that follows from this one; None without a guard.

        It is the second effect that this plan declares, and all that may follow on one approval.
        """
        if self.guard is None:
            return None
        own = {name: getattr(self.guard, name) for name in ("action", "differences", "patch", "preconditions")}
        return Plan(target=self.target, risk=Risk.HIGH, policy_version=self.policy_version, **own)

    @property
    def amends(self) -> bool:
        """Whether it changes the policy itself, which the store holds, and nothing in a cluster (A9)."""
        return self.target.kind == "Policy"

    @property
    def verb(self) -> str:
        return str(self.action["verb"])

    @property
    def service(self) -> str:
        return str(self.action["service"])

    @property
    def environment(self) -> str:
        return str(self.action["environment"])


def _marked(value: JsonValue, request_id: str, mark: bool = False) -> JsonValue:
    if isinstance(value, str):
        return value.replace(REQUEST_TOKEN, request_id) if mark else value
    if isinstance(value, dict):
        named = str(value.get("name", "")).startswith(_MARKS)  # {"name": "twokey.dev/request", "value": …}
        return {
            key: _marked(inner, request_id, key.startswith(_MARKS) or (named and key == "value"))
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_marked(inner, request_id) for inner in value]
    return value
