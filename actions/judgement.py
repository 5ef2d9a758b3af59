"""What the facts of a triage say: the most likely cause, what speaks for it and against it, and what to do next.

Pure, and modest: it finds what began together, and says so. Every statement names the evidence it rests on in
square brackets. Text from logs, events and runbooks appears as a quote and decides nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import JsonValue

from actions import loglines, quantities
from actions.changelog import Changelog, Entry, unseen
from actions.facts import Facts, Page
from actions.formulas import Metric
from actions.loglines import Group
from actions.measurement import Measurement, cause_of, chart, verdict
from actions.outcome import Evidence, Outcome, Quote, Suggestion, Table
from actions.redaction import redacted

_LATENCY_WORDS = ("slow", "latency", "timeout", "timing out", "lag", "hang", "p99", "p95")
_ERROR_WORDS = ("error", "fail", "500", "503", "5xx", "broken", "exception", "down")
_MORE_TRAFFIC = 1.15  # times what it was; less than that explains nothing
_CAUSE = timedelta(minutes=30)
_NOTHING = Changelog(())
_SHOWN = 6


@dataclass(frozen=True)
class Finding:
    """What is wrong, since when, and the change right before it. All None: nothing stands out."""

    worst: Measurement | None
    onset: datetime | None
    cause: Entry | None
    fresh: tuple[Group, ...]  # error groups that began with the cause
    ailing: tuple[str, ...]  # reasons of pods that are not well, each once

    @property
    def wrong(self) -> bool:
        return self.worst is not None or bool(self.fresh) or bool(self.ailing)


def judge(facts: Facts) -> Outcome:
    """One answer from all the facts, without looking anywhere else."""
    found = find(facts)
    lines = [*_evidence_lines(facts, found), *_against(facts, found), *_runbook_line(facts, found)]
    lines += [*(facts.errors.notes if facts.errors else ()), *unseen(facts.missing)]
    return Outcome(
        ok=True if facts.metrics or facts.errors or facts.running else None,
        summary=_summary(facts, found),
        details=tuple(lines),
        evidence=tuple(_evidence(facts, found)),
        suggestions=tuple(_next(facts, found)),
    )


def find(facts: Facts) -> Finding:
    """What is wrong and what came right before it.

    1. The metric that is worse than usual; the one that the symptom names first. 2. The last change in the half
    hour before it began. 3. Without such a metric: the newest deploy, if errors began with it or its pods are not
    well.
    """
    log = facts.log or _NOTHING
    worst = _worst(facts)
    ailing = tuple(dict.fromkeys(p.reason for p in facts.running.pods if p.reason)) if facts.running else ()
    cause = cause_of(worst, log) if worst else None
    if cause is None and (worst is None or worst.since is None):
        deploy = next((entry for entry in log.entries if entry.version), None)
        if deploy is not None and (_fresh(facts, deploy) or (ailing and facts.now - deploy.at <= _CAUSE)):
            cause = deploy
    fresh = _fresh(facts, cause) if cause else ()
    onset = worst.since if worst else min((group.first for group in fresh), default=None)
    return Finding(worst, onset, cause, fresh, ailing)


def _worst(facts: Facts) -> Measurement | None:
    if facts.metrics is None:
        return None
    order: list[Metric] = ["error_rate", "latency_p99", "memory"]
    symptom = facts.symptom.lower()
    if any(word in symptom for word in _LATENCY_WORDS) and not any(word in symptom for word in _ERROR_WORDS):
        order = ["latency_p99", "error_rate", "memory"]
    rising = [m for name in order if (m := facts.metrics.measured.get(name)) and m.trend.direction == "rising"]
    return rising[0] if rising else None


def _fresh(facts: Facts, cause: Entry) -> tuple[Group, ...]:
    """Error groups without a line before the cause."""
    if facts.errors is None or not facts.errors.whole:
        return ()
    return tuple(g for g in facts.errors.groups if loglines.since_version(g, facts.errors.start, cause.at))


def _summary(facts: Facts, found: Finding) -> str:
    place = f"{facts.service} in {facts.environment}"
    if not found.wrong:
        known = "" if facts.metrics else " in what I could look at"
        return f"{place}: nothing stands out{known}."
    what = _change_words(found.worst) if found.worst else ""
    if found.cause is not None:
        at = quantities.moment(found.cause.at, facts.now)
        signs = [words for words in (what, _count_words(found)) if words] or ["its pods are not well"]
        return f"Most likely: {found.cause.what} at {at}{_by(found.cause)}: {'; '.join(signs)}."
    if what and (more := _traffic(facts)) and more > _MORE_TRAFFIC:
        return f"Most likely: more traffic ({more - 1:.0%} above usual): {what}."
    reason = what or f"pods are not well: {', '.join(found.ailing)}"
    return f"{place}: {reason}. {'No change explains it.' if _saw_changes(facts) else 'I could not see every change.'}"


def _saw_changes(facts: Facts) -> bool:
    return facts.log is not None and not facts.log.missing


def _change_words(worst: Measurement) -> str:
    spell = quantities.spell
    words = f"{quantities.NAMES[worst.metric]} {spell(worst.metric, worst.trend.usual)} → "
    words += spell(worst.metric, worst.trend.level)
    return f"{words} since {quantities.moment(worst.since, worst.end)}" if worst.since else words


def _count_words(found: Finding) -> str:
    total = sum(group.count for group in found.fresh)
    kinds = quantities.count(len(found.fresh), "new kind")
    return f"{quantities.count(total, 'error line')} of {kinds} began with it" if found.fresh else ""


def _by(entry: Entry) -> str:
    return f" ({entry.by})" if entry.by else ""


def _evidence_lines(facts: Facts, found: Finding) -> Iterable[str]:
    log = facts.log or _NOTHING
    shown = _charted(facts, found)
    if shown is not None:
        yield f"Evidence: {quantities.NAMES[shown.metric]} {verdict(shown, log)} [chart]"
    measured = facts.metrics.measured.values() if facts.metrics else ()
    others = [m for m in measured if m is not shown and m.metric != "request_rate"]  # the traffic has a line of its own
    for direction in ("rising", "falling", "steady"):
        names = [quantities.NAMES[m.metric] for m in others if m.trend.direction == direction]
        if names:
            yield f"Evidence: {', '.join(names)} {'as usual' if direction == 'steady' else direction} [metrics]"
    if facts.errors is not None:
        yield f"Evidence: {_error_words(facts, found)}{' [log groups]' if facts.errors.groups else ''}"
    if facts.running is not None:
        yield f"Evidence: {_pod_words(facts)}{' [pods]' if facts.running.pods else ''}"
    if facts.events is not None:
        warnings = sum(event.count for event in facts.events if event.kind == "Warning")
        told = quantities.count(warnings, "warning") if warnings else "no warning"
        yield f"Evidence: {told} of the cluster in the last hour{' [events]' if warnings else ''}"
    if facts.log is not None:
        told = f"{quantities.count(len(log.entries), 'change')} in" if log.entries else "no change in"
        yield f"Evidence: {told} the last 24 h{' [changes]' if log.entries else ''}"


def _error_words(facts: Facts, found: Finding) -> str:
    assert facts.errors is not None, "asked only where there are some"  # noqa: S101 - for the type checker
    groups = facts.errors.groups
    total = quantities.count(sum(group.count for group in groups), "error line")
    start = quantities.moment(facts.errors.start, facts.now)
    if not groups:
        return f"no error line since {start}"
    words = f"{total} in {quantities.count(len(groups), 'group')} since {start}"
    if found.fresh and found.cause:
        first = quantities.moment(min(group.first for group in found.fresh), facts.now)
        words += f"; {len(found.fresh)} of them new since {found.cause.what}, from {first} on"
    return words


def _pod_words(facts: Facts) -> str:
    assert facts.running is not None, "asked only where it is known"  # noqa: S101 - for the type checker
    pods = facts.running.pods
    ready, restarted = sum(pod.ready for pod in pods), [pod for pod in pods if pod.restarts]
    words = f"{ready} of {facts.running.replicas} ready on {facts.running.version}"
    if not restarted:
        return f"{words}, none restarted"
    reasons = ", ".join(dict.fromkeys(pod.reason for pod in restarted if pod.reason))
    return f"{words}, {len(restarted)} restarted{f' ({reasons})' if reasons else ''}"


def _traffic(facts: Facts) -> float | None:
    """Today's traffic by that of the same time of day before."""
    now = facts.metrics.measured.get("request_rate") if facts.metrics else None
    before = facts.metrics.traffic_before if facts.metrics else None
    return now.trend.level / before[0] if now and before else None


def _against(facts: Facts, found: Finding) -> Iterable[str]:
    more = _traffic(facts)
    if more is not None and facts.metrics and facts.metrics.traffic_before and found.wrong:
        days = facts.metrics.traffic_before[1]
        when = f"last {facts.now - timedelta(days=days):%A}" if days > 1 else "yesterday"
        side = "Speaks against" if found.cause and more > _MORE_TRAFFIC else "Evidence"
        change = "about as" if abs(more - 1) < 0.05 else f"{abs(more - 1):.0%} {'above' if more > 1 else 'below'}"
        yield f"{side}: traffic is {change} {when} at this time [metrics]"
    if found.cause is None or facts.errors is None or found.worst is None:
        return
    if not found.fresh and facts.errors.groups and facts.errors.whole:
        yield f"Speaks against: no kind of error line began with {found.cause.what} [log groups]"
    if found.onset and found.onset - found.cause.at > timedelta(minutes=10):
        waited = quantities.span((found.onset - found.cause.at).total_seconds())
        yield f"Speaks against: it began only {waited} after {found.cause.what} [chart] [changes]"


def _page(facts: Facts, found: Finding) -> Page | None:
    """The runbook whose symptoms fit the words or the metric; the first one where none fits and something is wrong."""
    metric = found.worst.metric if found.worst else None
    words = {"latency_p99": _LATENCY_WORDS, "error_rate": _ERROR_WORDS}.get(metric or "", ())
    for page in facts.pages:
        symptoms = [symptom.lower() for symptom in page.runbook.symptoms]
        if any(symptom in facts.symptom.lower() for symptom in symptoms):
            return page
        if any(symptom.startswith(word) or word.startswith(symptom) for symptom in symptoms for word in words):
            return page
    return facts.pages[0] if facts.pages and found.wrong else None


def _section(facts: Facts, page: Page, found: Finding) -> str | None:
    """The part of a runbook that is about deploys, or about their absence, by its heading."""
    wanted = "no change" if found.wrong and found.cause is None and _saw_changes(facts) else ""
    if found.cause and found.cause.version:
        wanted = "deploy"
    return next((heading for heading in page.sections if wanted and wanted in heading.lower()), None)


def _runbook_line(facts: Facts, found: Finding) -> Iterable[str]:
    page = _page(facts, found)
    if page is not None:
        section = _section(facts, page, found)
        where = f", section “{section}” [runbook]" if section else ""
        address = f" {page.runbook.url}" if page.runbook.url else ""
        yield f"Runbook: “{page.runbook.title}”{where}{address}"


def _charted(facts: Facts, found: Finding) -> Measurement | None:
    """What the chart shows: what is worse, else the latency."""
    return found.worst or (facts.metrics.measured.get("latency_p99") if facts.metrics else None)


def _evidence(facts: Facts, found: Finding) -> Iterable[Evidence]:
    log, shown = facts.log or _NOTHING, _charted(facts, found)
    if shown is not None:
        words = f"{shown.subject}: {verdict(shown, log)}"
        yield chart(shown, log, f"chart: {shown.subject}", words)
    if facts.metrics is not None:
        rows = [f"{quantities.NAMES[m.metric]}: {verdict(m, log)}" for m in facts.metrics.measured.values()]
        if facts.metrics.traffic_before:
            rate, days = facts.metrics.traffic_before
            rows.append(f"request rate at this time {quantities.count(days, 'day')} ago: {quantities.requests(rate)}")
        yield Quote(title="metrics", lines=tuple(rows), ours=True)
    if facts.errors is not None and facts.errors.groups:
        groups = facts.errors.groups[:_SHOWN]
        notes = [_span(group, found, facts.now) for group in groups]
        yield Quote(title="log groups: error lines, counted (times in UTC)", lines=loglines.shown(groups, notes))
    if facts.running is not None and facts.running.pods:
        states = Counter(_state(pod.images, pod.ready, pod.reason) for pod in facts.running.pods)
        yield Quote(title="pods", lines=tuple(f"{count}× {state}" for state, count in states.most_common(_SHOWN)))
    warnings = [event for event in facts.events or () if event.kind == "Warning"][:_SHOWN]
    if warnings:
        lines = [f"{event.at:%H:%M} {event.count}× {event.reason} {event.about}: {event.message}" for event in warnings]
        yield Quote(title="events: warnings, newest first (times in UTC)", lines=tuple(map(_safe, lines)))
    if log.entries:
        told = tuple((quantities.moment(e.at, facts.now), e.what, e.by or "not through Twokey") for e in log.entries)
        yield Table(title="changes: the last 24 h", columns=("when", "what", "who"), rows=told[:20])
    page = _page(facts, found)
    section = _section(facts, page, found) if page else None
    if page is not None and section is not None and page.sections[section]:
        yield Quote(title=f"runbook: {page.runbook.title}, {section}", lines=page.sections[section])


def _safe(text: str) -> str:
    return redacted(loglines.clean(text))


def _span(group: Group, found: Finding, now: datetime) -> str:
    first, last = (quantities.moment(at, now).removesuffix(" UTC") for at in (group.first, group.last))
    fresh = f" · new since {found.cause.what}" if found.cause and group in found.fresh else ""
    return f"first {first} · last {last}{fresh}"


def _state(images: tuple[str, ...], ready: bool, reason: str | None) -> str:
    image = images[0].rpartition("/")[2] if images else "unknown image"
    return f"{image} {'ready' if ready else 'not ready'}{f' ({reason})' if reason else ''}"


def _next(facts: Facts, found: Finding) -> Iterable[Suggestion]:
    """Each becomes a card or a question of its own; nothing runs by itself."""
    here: dict[str, JsonValue] = {"service": facts.service, "environment": facts.environment}
    before = _version_before(facts, found)
    if before is not None:
        yield Suggestion(label=f"Roll back to {before}…", action={"verb": "rollback", **here, "to": before})
    running = facts.running
    if found.worst is not None and running is not None and not running.autoscaled:
        more = min(facts.max_replicas, running.replicas + max(1, running.replicas // 3))
        if more > running.replicas > 0:
            yield Suggestion(label=f"Scale to {more}…", action={"verb": "scale", **here, "replicas": more})
    metric = found.worst.metric if found.worst else "error_rate"
    asked: dict[str, JsonValue] = {"verb": "query_metrics", **here, "metric": metric, "window": "6h"}
    yield Suggestion(label="More logs", action={"verb": "query_logs", **here, "since": "3h", "level": "error"})
    yield Suggestion(label=f"{quantities.NAMES[metric]}, 6 h", action=asked)


def _version_before(facts: Facts, found: Finding) -> str | None:
    """What ran before the suspected deploy, if that one still runs and the cluster can go back."""
    if found.cause is None or found.cause.version is None or facts.log is None or facts.running is None:
        return None
    if facts.running.version != found.cause.version:
        return None
    return facts.log.version_before(found.cause.version)
