"""What a deploy or a rollback would change in a service's keeper: one patch of one object, as of a workload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from actions import cautions, image, limits, objects, pinning, preview, readiness
from actions.action import Change
from actions.errors import BadInput, NotFound
from actions.keepers import sources
from actions.keepers.keeper import Keeper, Past
from actions.keepers.kinds import KEEPERS
from actions.managed import Kept
from actions.plan import REQUEST_TOKEN, Caution, Difference, Draft, Patch
from actions.rollout import Complete
from actions.toolbox import Toolbox

_SHOWN = 5  # earlier versions that a refusal lists


def deploy(tools: Toolbox, change: Change, kept: Kept, version: str) -> Draft:
    """The version in its place, and the tool told to act. The same version again asks for another sync.

    Raises BadInput where that version is there and well, or where the tool would do nothing; else as `Change.draft`.
    """
    keeper, now = KEEPERS[kept.ref.kind], _present(tools, kept)
    present = kept.version(now.live)
    if version == present and isinstance(keeper.judge(now.live, None, None).judged, Complete):
        raise BadInput(f"{change.service} in {change.environment} already runs {version}, says {keeper.tool}.")
    moving = pinning.of_version(tools, change, kept.repository, version) if kept.field.names_image else ()
    warnings = (*moving, *readiness.cautions(tools, change.service, version))
    undo = preview.back_to(change, present) if present and present != version else None
    found = _draft(tools, change, kept, now, version, warnings, undo)
    return found.model_copy(update={"evals": readiness.suites(tools, change.service)})


def rollback(tools: Toolbox, change: Change, kept: Kept, to: str | int | None) -> Draft:
    """An earlier version in its place: one that the keeper remembers, or else one that the workload's revisions ran.

    Raises BadInput that lists what there is where there is no such version; else as `Change.draft`.
    """
    now = _present(tools, kept)
    present = kept.version(now.live)
    earlier = [past for past in remembered(tools, change, kept, now.live) if past.version != present]
    wanted = earlier[0] if to is None and earlier else next((p for p in earlier if to in (p.number, p.version)), None)
    if wanted is None:
        where = f"{change.service} in {change.environment}"
        if to == present:
            raise BadInput(f"{where} already runs {present}.")
        sought = "earlier version" if to is None else f"version {to}"
        shown = ", ".join(f"{past.number} ({past.version})" for past in earlier[:_SHOWN])
        raise BadInput(f"{where} has no {sought} to go back to. " + (f"There is: {shown}." if shown else _FORGOTTEN))
    warnings = readiness.cautions(tools, change.service, wanted.version)
    undo = preview.back_to(change, present) if present else None
    return _draft(tools, change, kept, now, wanted.version, warnings, undo)


_FORGOTTEN = "Nothing remembers any. Deploy the version that you want."


def remembered(tools: Toolbox, change: Change, kept: Kept, live: Mapping[str, Any]) -> Sequence[Past]:
    """What there is to go back to, newest first.

    A workload's images count where the present one is what the keeper says: then they are its versions.
    """
    if found := [past for past in KEEPERS[kept.ref.kind].past(kept.seen(live), kept.field) if past.ours]:
        return found
    container = tools.catalog.container(change.service)
    revisions = tools.cluster.revisions(tools.catalog.ref(change.service, change.environment))
    versions = [
        Past(each.number, image.split(each.image(container) or "")[1], each.created_at)
        for each in revisions
        if each.image(container)
    ]
    return versions if versions and versions[0].version == kept.version(live) else ()


def _present(tools: Toolbox, kept: Kept) -> preview.Present:
    """Raises BadInput where the tool would do nothing now, or where it is not clear where; else SourceError."""
    live = tools.cluster.workload(kept.ref)
    KEEPERS[kept.ref.kind].require_ready(live)
    sources.said(live, kept.source)
    return preview.Present(kept.ref, live, "")


def _draft(
    tools: Toolbox,
    change: Change,
    kept: Kept,
    now: preview.Present,
    version: str,
    warnings: tuple[Caution, ...],
    undo: dict[str, JsonValue] | None,
) -> Draft:
    keeper, present = KEEPERS[kept.ref.kind], kept.version(now.live)
    kind, spec = kept.change(now.live, version)
    patch = Patch(type=kind, body=_body(keeper, spec))
    facts = (
        f"{kept.ref.kind} {kept.ref.namespace}/{kept.ref.name}",
        sources.said(now.live, kept.source),
        f"{keeper.tool}: {keeper.state(now.live)}",
    )
    return Draft(
        target=now.target,
        differences=(Difference(field="version", before=_short(present or "none"), after=_short(version)),),
        facts=tuple(filter(None, facts)),
        patch=patch,
        diff=preview.diff(now.live, preview.tried(tools, change, now, patch)),
        preconditions=tuple(preview.condition(now, path) for path in (objects.UID, *keeper.conditions())),
        warnings=(
            *cautions.of_keeper(now.live),
            *keeper.cautions(now.live),
            *_of_workload(tools, change),
            *warnings,
        ),
        undo=undo,
    )


def _body(keeper: Keeper, spec: dict[str, JsonValue]) -> dict[str, JsonValue]:
    body, notes = keeper.nudge(), {objects.REQUEST_ANNOTATION: REQUEST_TOKEN}
    meta: Any = body.get("metadata") or {}
    return {**body, "metadata": {"annotations": {**notes, **meta.get("annotations", {})}}, "spec": spec}


def _of_workload(tools: Toolbox, change: Change) -> tuple[Caution, ...]:
    ref = tools.catalog.ref(change.service, change.environment)
    try:
        live = tools.cluster.workload(ref)
    except NotFound:  # the tool may be about to make it
        return ()
    return (*cautions.of_rollout(live), *limits.of_rollout(tools, ref, live, objects.template(live)))


def _short(version: str) -> str:
    return image.version(f"x@{version}") if version.startswith("sha256:") else version
