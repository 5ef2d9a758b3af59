"""How far a change of a keeper is: what its tool says, and what the workload shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actions import objects, rollout
from actions.catalog import Catalog
from actions.errors import NotFound
from actions.keepers.keeper import Verdict
from actions.keepers.kinds import KEEPERS
from actions.plan import Plan
from actions.rollout import Complete, Failed, Judgement
from actions.toolbox import Toolbox


def version(catalog: Catalog, plan: Plan, live: Mapping[str, Any]) -> str:
    """Which version a plan's target says now, be it a keeper or a workload."""
    if plan.target.kind in KEEPERS:
        kept = catalog.kept(plan.service, plan.environment)
        return (kept.version(live) if kept else None) or "none"
    if plan.target.kind == objects.AUTOSCALER:
        return ""
    return objects.version_of(objects.template(live), catalog.container(plan.service))


def look(tools: Toolbox, plan: Plan, live: Mapping[str, Any], before: Mapping[str, Any] | None) -> Judgement:
    """The tool's word, and as soon as the cluster holds the version, the workload's own. Raises SourceError."""
    verdict = KEEPERS[plan.target.kind].judge(live, plan.patch, before)
    if isinstance(verdict.judged, Failed):
        return verdict.judged
    try:
        return _with_workload(tools, plan, verdict)
    except NotFound:  # the tool has not made it yet, or the catalogue names another one
        return verdict.judged


def _with_workload(tools: Toolbox, plan: Plan, verdict: Verdict) -> Judgement:
    ref = tools.catalog.ref(plan.service, plan.environment)
    kept = tools.catalog.kept(plan.service, plan.environment)
    workload = tools.cluster.workload(ref)
    runs = objects.version_of(objects.template(workload), tools.catalog.container(plan.service))
    arrived = runs == plan.differences[0].after
    if not (verdict.applied or arrived):
        return verdict.judged
    pods = rollout.newest(tools.cluster.pods(ref), tools.cluster.revisions(ref))
    judged = rollout.judge(workload, pods)
    if not isinstance(judged, Complete):
        return judged
    if kept and kept.field.names_image and not arrived and isinstance(verdict.judged, Complete):
        return Failed(f"{ref.kind} {ref.name} still runs {runs}: what {kept.where} says does not reach its image")
    return judged if isinstance(verdict.judged, Complete) else verdict.judged
