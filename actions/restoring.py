"""Bringing back the pod template of an older revision, which is read in the cluster and kept nowhere else (L6).

People write secrets into environment variables and arguments. So a plan names the revision and holds a fingerprint of
its template, keyed by what nobody reads in the store; the patch is made of the revision itself in the moment it is
sent. A revision that is not the one that was previewed any more makes the plan stale (A1).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from actions import objects
from actions.clients.protocols import Revision
from actions.errors import StalePlan
from actions.plan import Patch, Restored

_RESTARTS = (objects.RESTART_ANNOTATION, "kubectl.kubernetes.io/restartedAt")


def of(live: Mapping[str, Any], revision: Revision) -> Restored:
    """What a plan says of this revision of the workload."""
    return Restored(revision=revision.number, fingerprint=_fingerprint(live, revision))


def template(restored: Restored, live: Mapping[str, Any], revisions: Sequence[Revision]) -> dict[str, Any]:
    """What is to come back. Raises StalePlan where no revision is what was previewed."""
    for revision in revisions:
        if restored.fingerprint == _fingerprint(live, revision):
            return without_restarts(revision.template)
    raise StalePlan(f"Revision {restored.revision} was changed or is gone since. Ask again to see what there is.")


def whole(patch: Patch, live: Mapping[str, Any], revisions: Sequence[Revision]) -> Patch:
    """The patch as it is sent. Raises StalePlan as `template` does."""
    if patch.restores is None:
        return patch
    change = merge_patch(objects.template(live), template(patch.restores, live, revisions))
    return patch.model_copy(update={"body": {**patch.body, "spec": {"template": change}}, "restores": None})


def without_restarts(pod_template: Mapping[str, Any]) -> dict[str, Any]:
    """A template without the marks of restarts, which do not come back with it."""
    kept = copy.deepcopy(dict(pod_template))
    meta = kept.get("metadata") or {}
    marks = meta.get("annotations") or {}
    for name in _RESTARTS:
        marks.pop(name, None)
    if not marks:
        meta.pop("annotations", None)
    meta.pop("creationTimestamp", None)
    return kept


def merge_patch(present: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, JsonValue]:
    """The JSON merge patch (RFC 7386) that makes `wanted` of `present`: null removes, lists are replaced whole."""
    patch: dict[str, JsonValue] = {key: None for key, held in present.items() if key not in wanted and held is not None}
    for key, value in wanted.items():
        held = present.get(key)
        if isinstance(value, Mapping) and isinstance(held, Mapping):
            if inner := merge_patch(held, value):
                patch[key] = inner
        elif key not in present or held != value:
            patch[key] = copy.deepcopy(value)
    return patch


def _fingerprint(live: Mapping[str, Any], revision: Revision) -> str:
    return objects.fingerprint(live, without_restarts(revision.template))
