"""The way back after a change that failed: to what is known to have been healthy, never just to what came before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from pydantic import JsonValue

from actions import endings, objects, rollout
from actions.clients.protocols import Revision
from actions.errors import TwokeyError
from actions.keepers.kinds import KEEPERS
from actions.outcome import Suggestion
from actions.plan import Plan
from actions.rollout import Complete
from actions.toolbox import Toolbox

NONE_KNOWN = "No earlier version is known to have been healthy. Look at the history before you go back to one."
_REMEMBERED = timedelta(days=90)


def next_steps(
    tools: Toolbox, plan: Plan, reason: str, before: Mapping[str, Any] | None
) -> tuple[tuple[Suggestion, ...], tuple[str, ...]]:
    """What helps now, and what has to be said about it. `before` is the workload as the change met it, if known.

    Logs where pods ran at all; a scale is undone; a version gives way to the last healthy one: the one before, if it
    had rolled out completely when the change began; else the newest revision that a verified change of ours brought,
    or that still has pods that are ready. Where there is none, no rollback is offered.
    """
    logs = () if rollout.NEVER_STARTED in reason else (endings.logs(plan),)
    if plan.undo is None:
        return logs, ()
    if plan.undo.get("verb") != "rollback":
        return (*logs, Suggestion(label="Undo…", action=plan.undo)), ()
    if before is not None and _was_well(plan, before):
        return (*logs, Suggestion(label=f"Roll back to {plan.undo['to']}…", action=plan.undo)), ()
    found = _last_healthy(tools, plan)
    if found is None:
        return (*logs, endings.history(plan)), (NONE_KNOWN,)
    image = objects.version_of(found.template, tools.catalog.container(plan.service))
    to: JsonValue = image if plan.target.kind in KEEPERS else found.number  # a keeper counts in its own numbers
    return (*logs, Suggestion(label=f"Roll back to {image}…", action={**plan.undo, "to": to})), ()


def _was_well(plan: Plan, before: Mapping[str, Any]) -> bool:
    keeper = KEEPERS.get(plan.target.kind)
    judged = keeper.judge(before, None, None).judged if keeper else rollout.judge(before, ())
    return isinstance(judged, Complete)


def _last_healthy(tools: Toolbox, plan: Plan) -> Revision | None:
    try:
        return next(_healthy(tools, plan), None)
    except TwokeyError:  # what cannot be read is not known
        return None


def _healthy(tools: Toolbox, plan: Plan) -> Iterator[Revision]:
    """Older revisions that are known to have worked, newest first."""
    ref = tools.catalog.ref(plan.service, plan.environment)
    present = objects.template(tools.cluster.workload(ref))
    ready = [pod.template_hash for pod in tools.cluster.pods(ref) if pod.ready and pod.template_hash]
    since = tools.clock.now() - _REMEMBERED
    records = tools.changes.recent(plan.service, plan.environment, since) if tools.changes else ()
    verified = {record.request_id for record in records if record.state == "succeeded"}
    for revision in tools.cluster.revisions(ref):
        alive = any(revision.name.endswith(digest) for digest in ready)
        brought = revision.annotations.get(objects.REQUEST_ANNOTATION) in verified
        if (alive or brought) and dict(revision.template) != present:
            yield revision
