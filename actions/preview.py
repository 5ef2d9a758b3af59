"""What a change would do, as a person sees it before they approve: the parts that the changing verbs share."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from actions import disclosure, landing, limits, objects, reads, wire, yamltext
from actions.action import Change
from actions.clients.protocols import WorkloadRef
from actions.errors import Rejected
from actions.plan import REQUEST_TOKEN, Caution, Difference, Draft, Guard, Patch, Precondition, Target
from actions.terms import Path, Rule
from actions.toolbox import Toolbox

WATCH_RULES = (reads.PODS, reads.EVENTS, *reads.REVISIONS)
"""What watching a rollout reads."""
_MARKS: tuple[Path, ...] = (
    ("metadata", "annotations", objects.REQUEST_ANNOTATION),
    ("metadata", "annotations", objects.CAUSE_ANNOTATION),
)
TEMPLATE: Path = ("spec", "template")
PODS: Path = (*TEMPLATE, "spec")

_NOISE = ("managedFields", "resourceVersion", "generation", "creationTimestamp", "selfLink", "uid")
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True)
class Present:
    """A target as it is now."""

    ref: WorkloadRef
    live: Mapping[str, Any]
    container: str

    @property
    def template(self) -> dict[str, Any]:
        return objects.template(self.live)

    @property
    def version(self) -> str:
        return objects.version_of(self.template, self.container)

    @property
    def target(self) -> Target:
        place = self.ref
        own = objects.identity(self.live)
        return Target(cluster=place.cluster, namespace=place.namespace, kind=place.kind, name=place.name, uid=own)

    @property
    def facts(self) -> tuple[str, ...]:
        return (f"generation {self.live['metadata'].get('generation', 1)}", f"image {self.version}")


def template_rules(*touches: Path) -> tuple[Rule, ...]:
    """What a change of these fields of the pod template needs; `marks` comes with it."""
    patched = (("apps", "deployments"), ("apps", "statefulsets"), ("apps", "daemonsets"), ("argoproj.io", "rollouts"))
    return (
        *(Rule(*each, ("get", "patch"), (*_MARKS, *touches)) for each in patched),
        *WATCH_RULES,
        *limits.RULES,
    )


def present(tools: Toolbox, change: Change) -> Present:
    """Read the target of a change. Raises UnknownService, UnknownEnvironment or SourceError."""
    ref = tools.catalog.ref(change.service, change.environment)
    return Present(ref, tools.cluster.workload(ref), tools.catalog.container(change.service))


def marks(words: str) -> dict[str, JsonValue]:
    """The annotations by which a change is recognised, by us and in `kubectl rollout history`."""
    return {
        objects.REQUEST_ANNOTATION: REQUEST_TOKEN,
        objects.CAUSE_ANNOTATION: f"twokey {REQUEST_TOKEN}: {words}",
    }


def back_to(change: Change, to: str | int) -> dict[str, JsonValue]:
    """The rollback that takes a change back."""
    return {"verb": "rollback", "service": change.service, "environment": change.environment, "to": to}


def of_template(
    tools: Toolbox,
    change: Change,
    now: Present,
    patch: Patch,
    differences: tuple[Difference, ...],
    warnings: tuple[Caution, ...],
    undo: dict[str, JsonValue] | None,
    guarded: Callable[[Mapping[str, Any]], tuple[Guard | None, tuple[Caution, ...]]] = lambda after: (None, ()),
) -> Draft:
    """The draft of a change of the pod template: tried on the server first. Raises SourceError where it refuses.

    `guarded` makes its guard of the workload as it will be, or says why there is none.
    """
    after = tried(tools, change, now, patch)
    guard, why = guarded(after)
    return Draft(
        target=now.target,
        differences=differences,
        facts=now.facts,
        patch=patch,
        diff=diff(now.live, after),
        preconditions=(condition(now, objects.UID), condition(now, objects.TEMPLATE)),
        warnings=(*warnings, *why),
        undo=undo,
        guard=guard,
    )


def of_scale(
    tools: Toolbox,
    change: Change,
    now: Present,
    wanted: int,
    warnings: tuple[Caution, ...],
    undo: dict[str, JsonValue],
) -> Draft:
    """The draft of a change of the replicas, through `/scale`, tried on the server first. Raises SourceError."""
    patch = Patch(subresource="scale", type="merge", body={"spec": {"replicas": wanted}})
    answer = tried(tools, change, now, patch)
    after = {**now.live, "spec": {**now.live["spec"], "replicas": objects.replicas(answer)}}
    before = objects.replicas(now.live)
    return Draft(
        target=now.target,
        differences=(Difference(field="replicas", before=str(before), after=str(wanted)),),
        facts=now.facts,
        patch=patch,
        diff=diff(now.live, after),
        preconditions=(condition(now, objects.UID), condition(now, "spec.replicas")),
        warnings=warnings,
        undo=undo,
    )


def diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """A unified diff of both objects as YAML, without what the server keeps for itself.

    Values that people write secrets into are hidden (L6, `actions.disclosure`); that they differ is still shown.
    """
    old, new = _shown(before, after, "now"), _shown(after, before, "after")
    lines = difflib.unified_diff([*yamltext.lines(old)], [*yamltext.lines(new)], "now", "after", lineterm="")
    return "\n".join(lines)


def tried(tools: Toolbox, change: Change, now: Present, patch: Patch) -> Mapping[str, Any]:
    """The server's dry run. Raises Rejected where it would do something else than the card says (A1)."""
    sent = wire.whole(patch, now.live)
    answer = tools.cluster.patch(now.ref, sent, verb=change.verb, request_id=None, dry_run=True)
    if not landing.in_place(answer, patch):
        name = f"{now.ref.kind} {now.ref.name}"
        raise Rejected(f"The cluster would make something else of this than you asked for: a webhook changes {name}.")
    return answer


def condition(now: Present, path: str) -> Precondition:
    """What is there now has to be there still when the change is made."""
    return Precondition(path=path, value=objects.at(now.live, path))


def _shown(live: Mapping[str, Any], other: Mapping[str, Any], side: str) -> dict[str, Any]:
    meta = {key: value for key, value in live["metadata"].items() if key not in _NOISE}
    if meta.get("annotations"):
        meta["annotations"] = {key: value for key, value in meta["annotations"].items() if key != _LAST_APPLIED}
    spec = dict(live["spec"])
    if pods := _pods(spec):
        spec["template"] = {**spec["template"], "spec": disclosure.pods(pods, _pods(other["spec"]), side)}
    else:
        spec = disclosure.settings(spec, other["spec"])
    return {**{key: value for key, value in live.items() if key != "status"}, "metadata": meta, "spec": spec}


def _pods(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    return (spec.get("template") or {}).get("spec") or {}
