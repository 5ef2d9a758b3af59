"""Argo Rollouts' own steps: a deploy of what is paused promotes it, and a rollback while it is under way aborts it.

Twokey has ten verbs, and neither of these is an eleventh: who asks for the version that waits at a step asks for it to
go on, and who asks for the way back before the new version is everywhere asks for what `abort` does. Both are patches
of the status subresource, as the vendor's own plugin sends them: `pauseConditions: null` goes on to the next pause,
`abort: true` gives everything back to the stable version.
https://argo-rollouts.readthedocs.io/en/stable/features/kubectl-plugin/ (promote, abort)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from actions import image, objects, preview, rollout
from actions.action import Change
from actions.clients.protocols import Revision
from actions.outcome import Suggestion
from actions.plan import Caution, Difference, Draft, Patch
from actions.terms import Rule
from actions.toolbox import Toolbox

GROUP = "argoproj.io"
PROMOTING = (Rule(GROUP, "rollouts/status", ("patch",), (("status", "pauseConditions"),)),)
"""What going on from a pause needs."""
ABORTING = (Rule(GROUP, "rollouts/status", ("patch",), (("status", "abort"),)),)
"""What giving up a rollout that is under way needs."""
_PAUSES, _STABLE = "status.pauseConditions#fingerprint", "status.stableRS"


def promotion(tools: Toolbox, change: Change, now: preview.Present) -> Draft | None:
    """On to the next pause; None where nothing is paused. Raises SourceError."""
    status = now.live.get("status") or {}
    if now.ref.kind != "Rollout" or not status.get("pauseConditions"):
        return None
    stable = _stable(now.live, tools.cluster.revisions(now.ref))
    return _draft(
        tools,
        change,
        now,
        {"pauseConditions": None},
        Difference(field="rollout", before=rollout.step_of(now.live), after="goes on to its next step"),
        (),
        preview.back_to(change, image.split(stable.image(now.container) or "")[1]) if stable else None,
    )


def abortion(tools: Toolbox, change: Change, now: preview.Present, revisions: Sequence[Revision]) -> Draft | None:
    """Everything back to the stable version; None where no rollout is under way. Raises SourceError."""
    status, stable = now.live.get("status") or {}, _stable(now.live, revisions)
    under_way = status.get("stableRS") and status.get("currentPodHash") != status.get("stableRS")
    if now.ref.kind != "Rollout" or not under_way or status.get("abort") or stable is None:
        return None
    version = objects.version_of(stable.template, now.container)
    back: dict[str, JsonValue] = preview.back_to(change, image.split(stable.image(now.container) or "")[1])
    left = Caution(
        code="aborted",
        text=f"its spec keeps {now.version}, and it counts as degraded until it is rolled back to {version} as well",
        instead=Suggestion(label=f"Roll back to {version} instead", action=back),
    )
    differences = Difference(field="rollout", before=rollout.step_of(now.live), after=f"aborted, {version} everywhere")
    return _draft(tools, change, now, {"abort": True}, differences, (left,), None)


def _stable(live: Mapping[str, Any], revisions: Sequence[Revision]) -> Revision | None:
    digest = (live.get("status") or {}).get("stableRS")
    return next((each for each in revisions if digest and each.name.endswith(f"-{digest}")), None)


def _draft(
    tools: Toolbox,
    change: Change,
    now: preview.Present,
    status: dict[str, JsonValue],
    difference: Difference,
    warnings: tuple[Caution, ...],
    undo: dict[str, JsonValue] | None,
) -> Draft:
    patch = Patch(subresource="status", type="merge", body={"status": status})
    preview.tried(tools, change, now, patch)
    resting = _PAUSES if "pauseConditions" in status else _STABLE  # an abort is one at any step
    return Draft(
        target=now.target,
        differences=(difference,),
        facts=now.facts,
        patch=patch,
        preconditions=tuple(preview.condition(now, path) for path in (objects.UID, objects.TEMPLATE, resting)),
        warnings=warnings,
        undo=undo,
    )
