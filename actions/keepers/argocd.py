"""Argo CD's Application (argoproj.io/v1alpha1), which has no status subresource: its status is part of the object.

https://argo-cd.readthedocs.io/en/stable/user-guide/sync-kubectl/ says how a sync is asked for through the API,
https://argo-cd.readthedocs.io/en/stable/user-guide/auto_sync/ what automated sync and self-heal do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import JsonValue

from actions import objects
from actions.errors import BadInput
from actions.keepers import sources
from actions.keepers.field import Field, held
from actions.keepers.keeper import Past, Verdict
from actions.outcome import Step
from actions.plan import REQUEST_TOKEN, Caution, Patch
from actions.redaction import without_values
from actions.rollout import Complete, Failed, Progressing

_BROKEN = ("ComparisonError", "InvalidSpecError")
_ENDED_BADLY = ("Failed", "Error")


class Application:
    """Implements Keeper."""

    tool: ClassVar[str] = "Argo CD"

    def require_ready(self, live: Mapping[str, Any]) -> None:
        if live.get("operation"):
            name = live["metadata"]["name"]
            raise BadInput(f"Argo CD is syncing Application {name} right now. Ask again when it is done.")

    def nudge(self) -> dict[str, JsonValue]:
        """A sync, whatever the sync policy says: automated sync tries each revision only once."""
        return {
            "operation": {
                "initiatedBy": {"username": "twokey"},
                "info": [{"name": objects.REQUEST_ANNOTATION, "value": REQUEST_TOKEN}],
                "sync": {"syncStrategy": {"hook": {}}},
            }
        }

    def conditions(self) -> tuple[str, ...]:
        return ("spec#fingerprint", "operation#sha256")

    def judge(self, live: Mapping[str, Any], patch: Patch | None, before: Mapping[str, Any] | None) -> Verdict:
        """A sync of ours is known by the information it carries, a comparison by the source that it was made with."""
        status = live.get("status") or {}
        state, sync = status.get("operationState") or {}, status.get("sync") or {}
        ours = patch is not None and held(state, "operation.info") == held(patch.body, "operation.info")
        # 1. What it is told to do comes first.
        if live.get("operation"):
            return _waiting(f"Argo CD is syncing{_said(state)}" if ours else "Argo CD has not begun to sync yet")
        if ours and state.get("phase") in _ENDED_BADLY:
            return Verdict(False, Failed(f"Argo CD's sync ended in {state['phase']}{_said(state)}"))
        # 2. What it says of other sources than these says nothing.
        if [*sources.listed(sync.get("comparedTo") or {})] != [*sources.listed(live["spec"])]:
            return _waiting("Argo CD has not compared it yet")
        if broken := next((c for c in status.get("conditions") or () if c.get("type") in _BROKEN), None):
            return Verdict(False, Failed(f"Argo CD cannot use it{_said(broken)}"))
        if sync.get("status") != "Synced" and not (ours and _looked_since(status, state)):
            return _waiting(f"Argo CD says {sync.get('status', 'nothing yet')}")
        return Verdict(True, _health(status, before))

    def past(self, live: Mapping[str, Any], field: Field) -> list[Past]:
        """`status.history`; where a Git revision is the version and it was the same one as now, the commit is.

        A branch moves: to go back on it means to go back to a commit. Argo CD's own rollback, of several sources as of
        one, is a sync of all that an entry says; it leaves the spec as it is, and is refused where syncs are automated.
        """
        present, commit, found = field.read(live), held(live, "status.sync.revision"), list[Past]()
        now = held(live, "spec.source") or {}
        for entry in held(live, "status.history") or ():
            source = entry.get("source") or {}
            version = field.read({"spec": {"source": source}})
            if version == present == source.get("targetRevision") and entry.get("revision") != commit:
                version = str(entry.get("revision"))
            if version:
                ours = not field.names_source or sources.alike(source, now)
                found.append(Past(int(entry["id"]), version, objects.timestamp(entry.get("deployedAt")), ours))
        return sorted(found, key=lambda each: -each.number)

    def cautions(self, live: Mapping[str, Any]) -> tuple[Caution, ...]:
        if held(live, "status.sync.status") != "OutOfSync":
            return ()
        text = "it differs from Git now, so the sync brings whatever else has changed there, too"
        return (Caution(code="out_of_sync", text=text),)

    def state(self, live: Mapping[str, Any]) -> str:
        words = (held(live, "status.sync.status") or "not compared yet", held(live, "status.health.status"))
        return ", ".join(str(word) for word in words if word)

    def reverts(self, live: Mapping[str, Any]) -> str:
        automated = held(live, "spec.syncPolicy.automated")
        if not isinstance(automated, Mapping) or automated.get("enabled") is False:
            return "puts back what differs from Git at the next sync"
        if automated.get("selfHeal"):
            return "heals itself: what differs from Git is put back within seconds"
        return "puts back what differs from Git as soon as Git changes"


def _health(status: Mapping[str, Any], before: Mapping[str, Any] | None) -> Complete | Failed | Progressing:
    """A health that was bad before the change already, and has not been told anew, is not held against it."""
    health = status.get("health") or {}
    word, said = str(health.get("status", "Unknown")), _said(health)
    if word == "Healthy":
        return Complete(0)
    if word == "Degraded" and (before is None or held(before, "status.health") != health):
        return Failed(f"Argo CD says that it is degraded{said}")
    return Progressing(Step(text=f"synced · Argo CD says {word}{said}"), f"Argo CD says {word}{said}")


def _looked_since(status: Mapping[str, Any], state: Mapping[str, Any]) -> bool:
    """Whether it was compared after this sync had succeeded; what then still differs is nothing that a sync changes."""
    looked, ended = objects.timestamp(status.get("reconciledAt")), objects.timestamp(state.get("finishedAt"))
    return state.get("phase") == "Succeeded" and looked is not None and ended is not None and looked > ended


def _waiting(text: str) -> Verdict:
    return Verdict(False, Progressing(Step(text=text), text))


def _said(what: Mapping[str, Any]) -> str:
    """Its message, which may quote manifests."""
    message = str(what.get("message") or "").strip()
    return f": {without_values(message)[:300]}" if message else ""
