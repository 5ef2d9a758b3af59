"""A guard at planning: what it would watch, measured now, and the rollback that it would run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pydantic import JsonValue

from actions import formulas, image, objects, preview, quantities, tripwire
from actions.action import Change
from actions.clients.protocols import Metrics
from actions.errors import BadInput, SourceError
from actions.plan import Caution, Difference, Guard, Patch, Precondition
from actions.toolbox import Toolbox
from actions.tripwire import Tripwire
from actions.wire import whole

RATES = "2m"
"""What rates look back over; less would show nothing where metrics are collected once a minute."""


def measured(tools: Toolbox, query: str) -> Decimal | None:
    """The value now, as it is written into a plan; None where there is no data. Raises SourceError."""
    value = _metrics(tools).instant(query, tools.clock.now())
    return None if value is None else _written(value)


def kept(tools: Toolbox, query: str, start: datetime, end: datetime, step: float) -> list[tuple[datetime, Decimal]]:
    """What the metrics kept between these moments, every `step` seconds, oldest first. Raises SourceError."""
    found = _metrics(tools).range(query, start, end, step)
    return [(datetime.fromtimestamp(sample.at, UTC), _written(sample.value)) for sample in found]


def _metrics(tools: Toolbox) -> Metrics:
    if tools.metrics is None:
        raise SourceError("No metrics are configured (PROMETHEUS_URL).")
    return tools.metrics


def _written(value: float) -> Decimal:
    return Decimal(f"{max(0.0, value):.9f}".rstrip("0").rstrip("."))


def of_deploy(tools: Toolbox, change: Change, now: preview.Present, after: Mapping[str, Any], wire: Tripwire) -> Guard:
    """The guard of a deploy: back to the image that runs now, as long as nothing but this deploy changed the template.

    `after` is the workload as the server's dry run returned it. Raises BadInput where such a guard makes no sense
    now, SourceError where the metrics do not answer.
    """
    place = f"{change.service} in {change.environment}"
    if tools.metrics is None:
        raise BadInput("No metrics are configured, so no guard can watch. Set PROMETHEUS_URL, or deploy without one.")
    query = formulas.query(tools.catalog, wire.metric, change.service, change.environment, RATES)
    baseline, name = measured(tools, query), quantities.NAMES[wire.metric]
    if baseline is None and wire.value is None:
        raise BadInput(
            f"Prometheus has no data for the {name} of {place}, so nothing can be {wire.threshold} of it. "
            "Give the guard an absolute limit, or deploy without one."
        )
    limit = wire.limit(baseline)
    if baseline is not None and baseline >= limit:
        shown = quantities.spell(wire.metric, float(baseline))
        raise BadInput(
            f"The {name} of {place} is {shown} already, so this guard would trip at once. Give it a higher limit."
        )
    old = objects.image_of(now.template, now.container)
    repository, tag = image.split(old)
    if tools.catalog.services[change.service].image not in (None, repository):
        raise BadInput(
            f"{place} runs an image from {repository}, where a rollback may take none from, so no guard could go back "
            "to it. Deploy without one."
        )
    version = image.version(old)
    container: dict[str, JsonValue] = {"name": now.container, "image": old}
    patch = Patch(
        type="strategic",
        body={
            "metadata": {"annotations": preview.marks(f"guard: roll back to {version}")},
            "spec": {"template": {"spec": {"containers": [container]}}},
        },
    )
    # Under the rollback's own account: what it may not do is said before anybody approves it.
    tools.cluster.patch(now.ref, whole(patch, now.live), verb="rollback", request_id=None, dry_run=True)
    return Guard(
        metric=wire.metric,
        tripwire=str(wire),
        query=query,
        baseline=None if baseline is None else f"{baseline:f}",
        limit=f"{limit:f}",
        window=wire.minutes * 60,
        action=preview.back_to(change, tag),
        differences=(
            Difference(field="image", before=objects.version_of(objects.template(after), now.container), after=version),
        ),
        patch=patch,
        preconditions=tuple(
            Precondition(path=path, value=objects.at(after, path)) for path in (objects.UID, objects.TEMPLATE)
        ),
    )


def same(one: Guard | None, other: Guard | None) -> bool:
    """Whether two plans of one action have the same guard: what was measured may differ, what follows from it not."""
    if one is None or other is None:
        return one is other
    if one.model_copy(update={"baseline": other.baseline, "limit": other.limit}) != other:
        return False
    baseline = None if one.baseline is None else Decimal(one.baseline)
    try:
        return Decimal(one.limit) == tripwire.parse(one.tripwire).limit(baseline)
    except ValueError:
        return False


def unwatchable(say: str) -> Caution:
    """Why the catalogue's own guard is left out of this plan."""
    return Caution(code="unguarded", text=f"its usual guard is left out: {say}")


def in_words(guard: Guard) -> str:
    """`If error rate reaches 0.8 % (x2, now 0.4 %) within 10 min of the rollout: back to 1.3 without asking again`."""
    name, limit = quantities.NAMES[guard.metric], quantities.spell(guard.metric, float(guard.limit))
    wire = tripwire.parse(guard.tripwire)
    now = "" if guard.baseline is None else f"now {quantities.spell(guard.metric, float(guard.baseline))}"
    aside = ", ".join(part for part in (wire.threshold if wire.factor else "", now) if part)
    back = ", ".join(d.after for d in guard.differences)
    return (
        f"If {name} reaches {limit}{f' ({aside})' if aside else ''} within {quantities.span(guard.window)} "
        f"of the rollout: back to {back} without asking again"
    )
