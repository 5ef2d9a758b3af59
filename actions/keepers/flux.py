"""Flux's HelmRelease (v2) and Kustomization (v1), which say how they are by the conditions of kstatus.

https://fluxcd.io/flux/components/helm/helmreleases/#conditions and the same page of kustomizations;
`reconcile.fluxcd.io/requestedAt` asks for a reconciliation, and `status.lastHandledReconcileAt` says which was handled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import JsonValue

from actions import objects
from actions.errors import BadInput
from actions.keepers.field import Field, held
from actions.keepers.keeper import Past, Verdict
from actions.outcome import Step
from actions.plan import REQUEST_TOKEN, Caution, Patch
from actions.redaction import without_values
from actions.rollout import Complete, Failed, Progressing

REQUESTED = "reconcile.fluxcd.io/requestedAt"
_WAITS_FOR_OTHERS = ("DependencyNotReady", "SourceNotReady", "ArtifactNotReady", "HelmChartNotReady", "Progressing")


class _Reconciled:
    """What both kinds have in common."""

    tool: ClassVar[str] = "Flux"

    def require_ready(self, live: Mapping[str, Any]) -> None:
        if live["spec"].get("suspend"):
            name = f"{live['kind']} {live['metadata']['name']}"
            raise BadInput(f"{name} is suspended, so Flux would do nothing. Resume it first: flux resume.")

    def nudge(self) -> dict[str, JsonValue]:
        return {"metadata": {"annotations": {REQUESTED: REQUEST_TOKEN}}}

    def conditions(self) -> tuple[str, ...]:
        return ("spec#fingerprint",)

    def judge(self, live: Mapping[str, Any], patch: Patch | None, before: Mapping[str, Any] | None) -> Verdict:
        ready, generation = _condition(live, "Ready"), int(live["metadata"].get("generation", 0))
        seen = int(ready.get("observedGeneration") or held(live, "status.observedGeneration") or 0)
        asked, handled = objects.notes(live).get(REQUESTED), held(live, "status.lastHandledReconcileAt")
        # 1. What it said of an older spec, or before it was asked, says nothing of this one.
        if seen < generation or (asked and asked != handled):
            return _waiting("Flux has not taken notice yet")
        # 2. What waiting does not heal: by its own word, or an attempt that failed (it may try again all the same).
        failed = ready.get("status") == "False" and ready.get("reason") not in _WAITS_FOR_OTHERS
        if failed and (before is None or _condition(before, "Ready") != ready):
            return Verdict(False, Failed(f"Flux says {ready.get('reason')}{_said(ready)}"))
        if _condition(live, "Stalled").get("status") == "True":
            return Verdict(False, Failed(f"Flux has given up{_said(_condition(live, 'Stalled'))}"))
        # 3. Done.
        if ready.get("status") == "True":
            return Verdict(True, Complete(0))
        return _waiting(f"Flux is at it{_said(ready)}")

    def past(self, live: Mapping[str, Any], field: Field) -> Sequence[Past]:
        return ()

    def cautions(self, live: Mapping[str, Any]) -> tuple[Caution, ...]:
        return ()

    def state(self, live: Mapping[str, Any]) -> str:
        ready = _condition(live, "Ready")
        if live["spec"].get("suspend"):
            return "suspended"
        return "ready" if ready.get("status") == "True" else f"not ready{_said(ready)}"


class HelmRelease(_Reconciled):
    """Implements Keeper."""

    def past(self, live: Mapping[str, Any], field: Field) -> list[Past]:
        """`status.history` knows the charts' versions, and not the values that they were given."""
        found, entries = list[Past](), held(live, "status.history") or ()
        now = next((each.get("chartName") for each in sorted(entries, key=lambda each: -int(each["version"]))), None)
        for entry in entries:
            version = field.read({"spec": {"chart": {"spec": {"version": entry.get("chartVersion")}}}})
            if version:
                at, ours = objects.timestamp(entry.get("lastDeployed")), entry.get("chartName") == now
                found.append(Past(int(entry["version"]), version, at, ours))
        return sorted(found, key=lambda each: -each.number)

    def reverts(self, live: Mapping[str, Any]) -> str:
        if held(live, "spec.driftDetection.mode") == "enabled":
            return f"puts back what drifts from the chart within {held(live, 'spec.interval') or 'its interval'}"
        return "puts back what drifts from the chart at the next upgrade"


class Kustomization(_Reconciled):
    """Implements Keeper."""

    def reverts(self, live: Mapping[str, Any]) -> str:
        return f"puts back what differs from Git within {held(live, 'spec.interval') or 'its interval'}"


def _condition(live: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    return next((each for each in held(live, "status.conditions") or () if each.get("type") == kind), found)


def _waiting(text: str) -> Verdict:
    return Verdict(False, Progressing(Step(text=text), text))


def _said(condition: Mapping[str, Any]) -> str:
    message = str(condition.get("message") or "").strip()
    return f": {without_values(message)[:300]}" if message else ""
