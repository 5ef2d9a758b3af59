"""status: how a service is doing now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from itertools import takewhile
from typing import Any, ClassVar

from actions import objects, quantities, reads, rollout
from actions.action import Read
from actions.clients.protocols import Pod, Revision
from actions.keepers import reverting
from actions.keepers import rules as keepers
from actions.outcome import Outcome, Step, Suggestion
from actions.rollout import Complete, Failed, Judgement
from actions.terms import Name, Rule
from actions.toolbox import Progress, Toolbox
from actions.vitals import Vitals, vitals

_FAILING = 0.05  # a service of whose requests this many fail is not called healthy
_REMEMBERED = timedelta(days=90)


class Status(Read):
    """How a service is doing: pods, version, errors, latency."""

    verb: ClassVar[str] = "status"
    phrase: ClassVar[str] = "Status of"
    rules: ClassVar[tuple[Rule, ...]] = (
        *reads.WORKLOADS,
        *reads.REVISIONS,
        reads.PODS,
        *keepers.READING,
    )
    help: ClassVar[str] = "How a service is doing: pods, version, errors, latency"
    examples: ClassVar[tuple[str, ...]] = ("status of checkout in prod", "how is payments doing in prod?")

    service: Name
    environment: Name

    def answer(self, tools: Toolbox, progress: Progress) -> Outcome:
        """One line from the cluster, one from the metrics where there are any. Raises BadInput or SourceError."""
        ref = tools.catalog.ref(self.service, self.environment)
        progress(Step(text="looking at the cluster"))
        live = tools.cluster.workload(ref)
        pods, revisions = tools.cluster.pods(ref), tools.cluster.revisions(ref)
        kept = reverting.said(tools, self.service, self.environment)
        judged = rollout.judge(live, rollout.newest(pods, revisions))
        signs = vitals(tools, self.service, self.environment)
        container = tools.catalog.container(self.service)
        version = objects.version_of(objects.template(live), container)
        desired = objects.running(live)
        ready = sum(pod.ready for pod in pods)
        image = f"image {version}{self._since(tools, revisions, container)}"
        summary = f"{self.service} in {self.environment}: {_health(judged, desired, signs)}."
        return Outcome(
            ok=True,
            summary=f"{summary} {ready} of {desired} ready · {image}",
            details=tuple(line for line in (_signs(signs), _restarts(pods), _paused(live), kept) if line),
            suggestions=self._next(),
        )

    def _since(self, tools: Toolbox, revisions: Sequence[Revision], container: str) -> str:
        """Since when this image runs, and who brought it; empty where neither the ledger nor the cluster tells."""
        if not revisions:
            return ""
        present = revisions[0].image(container)
        run = list(takewhile(lambda revision: revision.image(container) == present, revisions))
        now = tools.clock.now()
        request = objects.request_of(run[-1].annotations)
        records = tools.changes.recent(self.service, self.environment, now - _REMEMBERED) if tools.changes else ()
        record = next((each for each in records if each.request_id == request), None)
        if record:
            approved = f", approved by {' and '.join(record.approved_by)}" if record.approved_by else ""
            return f" since {quantities.moment(record.at, now)} ({record.asked_by}{approved})"
        older = revisions[len(run) :]
        if older and older[0].created_at > run[-1].created_at:
            return ""  # rolled back to: the cluster keeps when it was first made, and not when it came back
        return f" since {quantities.moment(run[-1].created_at, now)}"

    def _next(self) -> tuple[Suggestion, ...]:
        where: dict[str, Any] = {"service": self.service, "environment": self.environment}
        return (
            Suggestion(
                label="Errors 1 h", action={"verb": "query_metrics", **where, "metric": "error_rate", "window": "1h"}
            ),
            Suggestion(label="Logs", action={"verb": "query_logs", **where}),
            Suggestion(label="History", action={"verb": "history", **where}),
            Suggestion(label="Why?", action={"verb": "triage", **where}),
        )


def _health(judged: Judgement, desired: int, signs: Vitals | None) -> str:
    if isinstance(judged, Failed):
        return f"in trouble: {judged.reason}"
    if not isinstance(judged, Complete):
        return "changing" + (f": {judged.why}" if judged.why else "")
    if desired == 0:
        return "stopped: it is scaled to 0"
    if signs and signs.error_ratio is not None and signs.error_ratio >= _FAILING:
        return f"running, but {quantities.percent(signs.error_ratio)} of its requests fail"
    return "healthy"


def _signs(signs: Vitals | None) -> str:
    if signs is None or not signs.known:
        return ""
    parts = (
        None if signs.rate is None else quantities.requests(signs.rate),
        None if signs.error_ratio is None else f"errors {quantities.percent(signs.error_ratio)}",
        None if signs.p95 is None else f"p95 {quantities.duration(signs.p95)}",
    )
    return " · ".join(part for part in parts if part)


def _restarts(pods: Sequence[Pod]) -> str:
    restarted = [pod for pod in pods if pod.restarts]
    if not restarted:
        return ""
    reasons = Counter(pod.reason for pod in restarted if pod.reason)
    why = f" ({', '.join(reason for reason, _ in reasons.most_common(2))})" if reasons else ""
    return f"{quantities.count(len(restarted), 'pod')} restarted{why}"


def _paused(live: dict[str, Any]) -> str:
    return "it is paused: nothing rolls out until somebody resumes it" if live["spec"].get("paused") else ""
