"""Moving a bound of the autoscaler that owns a service's replicas, where a number of replicas would not last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from actions import cautions, limits, objects, preview
from actions.action import Change
from actions.clients.protocols import WorkloadRef
from actions.errors import BadInput
from actions.outcome import Step
from actions.plan import REQUEST_TOKEN, Difference, Draft, Patch
from actions.rollout import Progressing
from actions.terms import Rule
from actions.toolbox import Toolbox

Bound = Literal["minimum", "maximum"]

_FIELDS: dict[Bound, str] = {"minimum": "minReplicas", "maximum": "maxReplicas"}
_TOUCHED = (("metadata", "annotations", objects.REQUEST_ANNOTATION), *(("spec", field) for field in _FIELDS.values()))

RULES = (Rule("autoscaling", "horizontalpodautoscalers", ("get", "list", "patch"), _TOUCHED),)
"""What finding an autoscaler and moving its bounds needs."""


def draft(tools: Toolbox, change: Change, bound: Bound, wanted: int) -> Draft:
    """The bound's new value, tried on the server first.

    Raises BadInput where nothing autoscales the service, where the bounds would cross, and for no change; else as
    `Change.draft`.
    """
    where = f"{change.service} in {change.environment}"
    ref = tools.catalog.ref(change.service, change.environment)
    owner = tools.cluster.autoscaler(ref)
    if owner is None:
        raise BadInput(f"No autoscaler owns {where}. Scale it to {wanted} itself.")
    workload = tools.cluster.workload(ref)
    running = objects.replicas(workload)
    if running == 0:
        raise BadInput(f"{where} is scaled to 0, and at 0 its autoscaler does nothing. Scale it up first.")
    _require(wanted, bound, owner.minimum, owner.maximum, where)
    place = WorkloadRef(ref.cluster, ref.namespace, objects.AUTOSCALER, owner.name)
    now = preview.Present(place, tools.cluster.workload(place), "")
    before = dict(zip(_FIELDS, objects.bounds(now.live), strict=True))
    after = {**before, bound: wanted}
    field = f"spec.{_FIELDS[bound]}"
    patch = Patch(
        type="merge",
        body={
            "metadata": {"annotations": {objects.REQUEST_ANNOTATION: REQUEST_TOKEN}},
            "spec": {_FIELDS[bound]: wanted},
        },
    )
    return Draft(
        target=now.target,
        differences=(Difference(field=f"autoscaler's {bound}", before=str(before[bound]), after=str(wanted)),),
        facts=(f"replicas {running} now", f"between {after['minimum']} and {after['maximum']} from then on"),
        patch=patch,
        diff=preview.diff(now.live, preview.tried(tools, change, now, patch)),
        preconditions=(preview.condition(now, objects.UID), preview.condition(now, field)),
        warnings=(
            *cautions.of_bounds(now.live, workload),
            *(limits.of_scale(tools, ref, workload, wanted) if wanted > running else ()),
        ),
        undo={**change.as_json(), "replicas": before[bound]},
    )


def unsettled(autoscaler: Mapping[str, Any], workload: Mapping[str, Any]) -> Progressing | None:
    """What the autoscaler still has to do to keep its own bounds; None where nothing is left."""
    (least, most), now = objects.bounds(autoscaler), objects.replicas(workload)
    if now == 0 or least <= now <= most:
        return None
    step = Step(text=f"{now} replicas, the autoscaler wants {least} to {most}", done=min(now, least), total=least)
    return Progressing(step, "the autoscaler has not acted yet")


def _require(wanted: int, bound: Bound, least: int, most: int, where: str) -> None:
    if wanted == (least if bound == "minimum" else most):
        raise BadInput(f"The autoscaler of {where} has {wanted} as its {bound} already.")
    if wanted < 1:
        raise BadInput(f"The {bound} of an autoscaler is at least 1.")
    if bound == "minimum" and wanted > most:
        raise BadInput(f"The autoscaler of {where} has at most {most}, so its minimum cannot be {wanted}.")
    if bound == "maximum" and wanted < least:
        raise BadInput(f"The autoscaler of {where} has at least {least}, so its maximum cannot be {wanted}.")
