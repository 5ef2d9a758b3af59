"""Whether a request's patch reached the cluster, told by reading alone (E1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from actions import objects
from actions.clients.protocols import Revision
from actions.keepers import sources
from actions.plan import Patch, Plan


class Trace(StrEnum):
    """What the cluster shows of a request."""

    LANDED = "landed"  # its patch was applied
    ABSENT = "absent"  # it was not applied
    UNCLEAR = "unclear"  # others changed the target since, and nothing tells


def trace(plan: Plan, live: Mapping[str, Any], revisions: Sequence[Revision], request_id: str) -> Trace:
    """What the cluster shows of this request.

    A patch of the template leaves its id in an annotation of the workload, which the deployment controller copies to
    the revision that it makes. `/scale` carries no annotations, so there the id is the name of the field manager that
    owns `spec.replicas`; where another manager took that over, the same number proves nothing and the answer is
    UNCLEAR. ABSENT is only said where what the plan rests on is still so, or where the revisions reach back to it
    and none carries the id.
    """
    if not objects.is_target(live, plan.target):
        return Trace.UNCLEAR
    if _marked(plan, live, request_id) or any(
        revision.annotations.get(objects.REQUEST_ANNOTATION) == request_id for revision in revisions
    ):
        return Trace.LANDED
    if not _broken(plan, live):
        return Trace.ABSENT
    return Trace.ABSENT if _reaches_back(plan, live, revisions) else Trace.UNCLEAR


def moved(plan: Plan, live: Mapping[str, Any], version: str, now: datetime) -> tuple[str, ...]:
    """The preconditions that no longer hold, each as a short sentence for people; empty where all hold.

    `version` is the one that the target has now.
    """
    return tuple(_in_words(plan, live, path, version, now) for path in _broken(plan, live))


def in_place(live: Mapping[str, Any], patch: Patch) -> bool:
    """Whether every field of the spec that the patch sets still has that value; annotations are anybody's."""
    if patch.subresource == "status":  # the controller writes it, too: an answer to it is not what it asked for
        return True
    spec, wanted = live.get("spec"), patch.body.get("spec")
    if patch.type == "sourced":
        return _sources_in_place(spec, wanted)
    return _contains(spec, wanted, by_name=patch.type != "merge")


def stops_all(plan: Plan) -> bool:
    """Whether nothing is left to run once the plan is in place."""
    return plan.patch.subresource == "scale" and objects.at(plan.patch.body, "spec.replicas") == 0


def present(plan: Plan, live: Mapping[str, Any], version: str) -> str:
    """What the target looks like now where the plan would change it: `replicas 4`, `image 1.4.3`, `autoscaler 3–8`."""
    if plan.patch.subresource == "scale":
        return f"replicas {objects.replicas(live)}"
    if plan.target.kind == objects.AUTOSCALER:
        return "autoscaler {}–{}".format(*objects.bounds(live))
    return f"{plan.differences[0].field if plan.differences else 'image'} {version}"


def _broken(plan: Plan, live: Mapping[str, Any]) -> list[str]:
    return [c.path for c in plan.preconditions if objects.at(live, c.path) != c.value]


def _marked(plan: Plan, live: Mapping[str, Any], request_id: str) -> bool:
    if plan.patch.subresource == "status":  # that pause is over, that rollout given up, whoever did it
        return _contains(live.get("status") or {}, plan.patch.body["status"], by_name=False)
    if plan.patch.subresource != "scale":
        return objects.notes(live).get(objects.REQUEST_ANNOTATION) == request_id
    name = objects.SCALE_MANAGER + request_id
    return any(entry.get("manager") == name for entry in objects.managers(live))


def _reaches_back(plan: Plan, live: Mapping[str, Any], revisions: Sequence[Revision]) -> bool:
    before = next((c.value for c in plan.preconditions if c.path == objects.TEMPLATE), None)
    return before is not None and any(objects.fingerprint(live, dict(r.template)) == before for r in revisions)


def _in_words(plan: Plan, live: Mapping[str, Any], path: str, version: str, now: datetime) -> str:
    name = f"{plan.target.kind} {plan.target.name}"
    if path == objects.UID:
        return f"{name} was deleted and created again"
    who = objects.last_writer(live, path, now)
    by = f" ({who})" if who else ""
    if plan.target.kind == objects.AUTOSCALER:
        return "someone set the autoscaler's bounds to {}–{}{}".format(*objects.bounds(live), by)
    if path == "spec.replicas":
        count, wanted = objects.replicas(live), plan.action.get("replicas")
        then = f": {count} → {wanted} now" if isinstance(wanted, int) else ""
        return f"someone set replicas to {count}{by}{then}"
    if path == "operation#sha256":
        return f"another sync of {name} has begun"
    shown = next((d for d in plan.differences if d.field in ("image", "version")), None)
    if shown and version != shown.before:
        return f"someone set the {shown.field} to {version}{by}, it was {shown.before}"
    return f"someone changed {'the pod template' if path == objects.TEMPLATE else name}{by}"


def _sources_in_place(spec: Any, wanted: Any) -> bool:
    there = spec.get("sources") or ()
    places = [(sources.found(change, there), sources.beside(change)) for change in wanted["sources"]]
    return all(at is not None and _contains(there[at], change, by_name=True) for at, change in places)


def _contains(live: Any, wanted: Any, by_name: bool) -> bool:
    if isinstance(wanted, Mapping):
        held = live if isinstance(live, Mapping) else {}
        return all(
            held.get(key) is None if value is None else _contains(held.get(key), value, by_name)
            for key, value in wanted.items()
        )
    things = isinstance(wanted, list) and all(isinstance(entry, Mapping) for entry in wanted)
    if by_name and things and isinstance(live, list):
        named = {entry.get("name"): entry for entry in live if isinstance(entry, Mapping)}
        return all(_contains(named.get(e.get("name")), e, by_name) for e in wanted)
    if isinstance(wanted, list) and isinstance(live, list):  # the server may add defaults to what is in it
        return len(live) == len(wanted) and all(_contains(*pair, by_name) for pair in zip(live, wanted, strict=True))
    return bool(live == wanted)
