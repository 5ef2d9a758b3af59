"""What an approver should know before turning the second key, read from the live object. Codes are stable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actions import objects, rollout
from actions.clients.protocols import Autoscaler
from actions.outcome import Suggestion
from actions.plan import Caution

_ARGO_CD = ("argocd.argoproj.io/tracking-id", "argocd.argoproj.io/instance")
_FLUX = ("kustomize.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/name")


def of_change(live: Mapping[str, Any]) -> tuple[Caution, ...]:
    """What speaks for care with any change of this object."""
    found = [_gitops(live), _unfinished(live)]
    return tuple(c for c in found if c)


def of_rollout(live: Mapping[str, Any]) -> tuple[Caution, ...]:
    """Whether another rollout of this workload is not through."""
    found = _unfinished(live)
    return (found,) if found else ()


def of_keeper(live: Mapping[str, Any]) -> tuple[Caution, ...]:
    """Who may take back a change of the object that keeps a service's version."""
    name = f"{live['kind']} {live['metadata']['name']}"
    for maker in live["metadata"].get("ownerReferences") or ():
        if maker.get("kind") == "ApplicationSet":
            text = f"ApplicationSet {maker.get('name')} made {name} and may write it anew; change it there as well"
            return (Caution(code="gitops", text=text),)
    tool = _marked_by(live)
    text = f"{tool} manages {name} itself from Git and puts it back at its next look; change it in Git as well"
    return (Caution(code="gitops", text=text),) if tool else ()


def of_template(live: Mapping[str, Any]) -> tuple[Caution, ...]:
    """The same, where the pods will be replaced."""
    spec, found = live["spec"], [*of_change(live), *_changed_since(live)]
    if spec.get("paused"):
        found.append(Caution(code="paused", text="it is paused: nothing rolls out until somebody resumes it"))
    if (spec.get("strategy") or {}).get("type") == "Recreate":
        found.append(Caution(code="recreate", text="its strategy is Recreate: for a moment no pod will run"))
    if (spec.get("updateStrategy") or {}).get("type") == "OnDelete":
        found.append(
            Caution(code="on_delete", text="its strategy is OnDelete: pods change only when somebody deletes them")
        )
    return tuple(found)


def of_bounds(autoscaler: Mapping[str, Any], workload: Mapping[str, Any]) -> tuple[Caution, ...]:
    """What speaks for care with a change of an autoscaler's bounds."""
    return tuple(c for c in (_gitops(autoscaler), _unfinished(workload)) if c)


def of_scale(
    wanted: int, autoscaler: Autoscaler | None, production: bool, instead: Suggestion | None
) -> tuple[Caution, ...]:
    """What speaks for care with this number of replicas; `instead` is what an autoscaler would respect."""
    found = []
    if autoscaler:
        bounds = f"{autoscaler.minimum}–{autoscaler.maximum}"
        outside = not autoscaler.minimum <= wanted <= autoscaler.maximum
        text = f"an autoscaler ({bounds}) owns this: it may change the number again"
        if outside and wanted:
            text = f"an autoscaler ({bounds}) owns this: {wanted} is outside of its range, so it will change it back"
        elif not wanted:
            text = f"an autoscaler ({bounds}) owns this: at 0 it stops working until somebody scales up again"
        found.append(Caution(code="autoscaler", text=text, instead=instead))
    if wanted == 0:
        text = "nothing will run any more" + (", in production" if production else "")
        found.append(Caution(code="to_zero", text=text))
    return tuple(found)


def _unfinished(live: Mapping[str, Any]) -> Caution | None:
    judged = rollout.judge(live, ())
    if isinstance(judged, rollout.Complete):
        return None
    text = "another rollout of it is still under way"
    if isinstance(judged, rollout.Failed):
        text = f"its last rollout did not finish: {judged.reason}"
    return Caution(code="rollout", text=text)


def _changed_since(live: Mapping[str, Any]) -> tuple[Caution, ...]:
    """Somebody else wrote the pod template after we did: what they changed may matter for this change, too."""
    last = objects.last_write(live, "spec.template")
    if objects.REQUEST_ANNOTATION not in objects.notes(live) or last is None or last.get("manager") == objects.MANAGER:
        return ()
    text = f"somebody changed it outside of Twokey since its last change here ({last.get('manager', 'unknown')})"
    return (Caution(code="changed_since", text=text),)


def _gitops(live: Mapping[str, Any]) -> Caution | None:
    tool = _marked_by(live)
    text = f"{tool} manages this and may revert it; change it in Git as well"
    return Caution(code="gitops", text=text) if tool else None


def _marked_by(live: Mapping[str, Any]) -> str:
    """The tool that an object's labels or annotations name; empty where none does."""
    meta = live["metadata"]
    marks = {*(meta.get("labels") or {}), *(meta.get("annotations") or {})}
    tools = (("Argo CD", _ARGO_CD), ("Flux", _FLUX))
    return next((tool for tool, keys in tools if marks.intersection(keys)), "")
