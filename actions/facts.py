"""What a triage looks at, gathered side by side; what could not be looked at is said, not left out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from actions import changelog, formulas, loglines, logs, objects
from actions.catalog import Runbook
from actions.changelog import Changelog
from actions.clients.protocols import Event, Pod
from actions.errors import SourceError, TwokeyError, Unreachable
from actions.formulas import Metric
from actions.loglines import Group
from actions.measurement import Measurement, measure
from actions.outcome import Step
from actions.toolbox import Progress, Toolbox

_METRICS: tuple[Metric, ...] = ("error_rate", "latency_p99", "request_rate", "memory")
_WINDOW = timedelta(hours=3)  # of metrics and log lines
_EVENTS = timedelta(hours=1)
_CHANGES = timedelta(hours=24)
_SECTION_LINES = 10  # of a runbook's section
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$")

T = TypeVar("T")


@dataclass(frozen=True)
class Metrics:
    """What was measured, and the traffic at this time of day before: requests a second, and how many days ago."""

    measured: Mapping[Metric, Measurement]
    traffic_before: tuple[float, int] | None = None


@dataclass(frozen=True)
class Errors:
    """Error lines in groups since `start`. `notes` say where they come from, if not from Loki.

    `whole`: the lines of pods that are gone are among them, so that what is new can be told.
    """

    groups: tuple[Group, ...]
    start: datetime
    whole: bool = True
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Running:
    """The workload as it is: its pods, how many there should be, what version, and whether an autoscaler owns them.

    `missing` as in `Facts`.
    """

    pods: tuple[Pod, ...]
    replicas: int
    version: str
    autoscaled: bool
    missing: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Page:
    """A runbook of the catalogue, and its sections where it is a file: heading -> first lines. Untrusted text."""

    runbook: Runbook
    sections: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Facts:
    """All that a judgement rests on. None is what could not be looked at; `missing` says why."""

    service: str
    environment: str
    symptom: str
    now: datetime
    max_replicas: int
    metrics: Metrics | None = None
    errors: Errors | None = None
    events: tuple[Event, ...] | None = None
    running: Running | None = None
    log: Changelog | None = None
    pages: tuple[Page, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()  # (source, sentence)


def gather(tools: Toolbox, service: str, environment: str, symptom: str, progress: Progress) -> Facts:
    """Asks every source at once. Raises UnknownService or UnknownEnvironment, Unreachable where none answers."""
    ref, now = tools.catalog.ref(service, environment), tools.clock.now()
    entry = tools.catalog.services[service]
    with ThreadPoolExecutor(6, "triage") as pool:
        metrics = pool.submit(_metrics, tools, service, environment)
        errors = pool.submit(_errors, tools, service, environment, now)
        events = pool.submit(lambda: tuple(tools.cluster.events(ref, now - _EVENTS)))
        running = pool.submit(_running, tools, service, environment)
        log = pool.submit(changelog.read, tools, service, environment, now - _CHANGES)
        pages = pool.submit(lambda: tuple(_page(tools, book) for book in entry.runbooks))
        named: dict[str, Future[Any]] = {
            "metrics": metrics,
            "logs": errors,
            "events": events,
            "pods": running,
            "changes": log,
            "runbooks": pages,
        }
        failed = _followed(named, f"Looking at {service} in {environment}:", progress)
    if {"metrics", "logs", "events", "pods"} <= failed.keys():
        raise Unreachable(" ".join(dict.fromkeys(failed.values())))
    found_log, found_running = _value(log), _value(running)
    return Facts(
        service,
        environment,
        symptom,
        now,
        entry.max_replicas,
        metrics=_value(metrics),
        errors=_value(errors),
        events=_value(events),
        running=found_running,
        log=found_log,
        pages=_value(pages) or (),
        missing=(*failed.items(), *(pair for part in (found_running, found_log) if part for pair in part.missing)),
    )


def _followed(named: Mapping[str, Future[Any]], title: str, progress: Progress) -> dict[str, str]:
    """Tells each answer as it comes; name -> sentence of those that failed."""
    marks = dict.fromkeys(named, "…")
    names = {future: name for name, future in named.items()}
    failed: dict[str, str] = {}
    for done, future in enumerate(as_completed(names), 1):
        error = future.exception()
        if error is not None and not isinstance(error, TwokeyError):
            raise error
        if isinstance(error, TwokeyError):
            failed[names[future]] = error.say
        marks[names[future]] = "✗" if error else "✓"
        said = " ".join(f"{name} {mark}" for name, mark in marks.items())
        progress(Step(text=f"{title} {said}", done=done, total=len(names)))
    return {name: failed[name] for name in named if name in failed}


def _value(future: Future[T]) -> T | None:
    return None if future.exception() else future.result()


def _metrics(tools: Toolbox, service: str, environment: str) -> Metrics:
    if tools.metrics is None:
        raise SourceError("none are configured (PROMETHEUS_URL).")
    found: dict[Metric, Measurement] = {}
    for metric in _METRICS:
        measured = measure(tools.metrics, tools, metric, service, environment, _WINDOW)
        if measured is not None:
            found[metric] = measured
    if not found:
        raise SourceError("Prometheus has no data of this service; the catalogue can name its own queries.")
    query = formulas.query(tools.catalog, "request_rate", service, environment, "15m")
    for days in (7, 1):
        before = tools.metrics.instant(query, tools.clock.now() - timedelta(days=days))
        if before:
            return Metrics(found, (before, days))
    return Metrics(found)


def _errors(tools: Toolbox, service: str, environment: str, now: datetime) -> Errors:
    found = logs.read(tools, service, environment, now - _WINDOW, "error")
    return Errors(loglines.group(found.lines), found.start(now - _WINDOW), not found.from_pods, found.missing)


def _running(tools: Toolbox, service: str, environment: str) -> Running:
    ref = tools.catalog.ref(service, environment)
    live = tools.cluster.workload(ref)
    version = objects.version_of(objects.template(live), tools.catalog.container(service))
    missing: tuple[tuple[str, str], ...] = ()
    try:
        autoscaled = tools.cluster.autoscaler(ref) is not None
    except (
        SourceError
    ) as error:  # it only decides whether scaling is offered, and the card warns of an autoscaler again
        autoscaled, missing = False, (("autoscaler", error.say),)
    return Running(tuple(tools.cluster.pods(ref)), objects.replicas(live), version, autoscaled, missing)


def _page(tools: Toolbox, book: Runbook) -> Page:
    """Its sections where it is a file. A page that cannot be read is still worth naming."""
    if not book.file:
        return Page(book, {})
    try:
        text = tools.catalog.path_of(book.file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return Page(book, {})
    sections: dict[str, list[str]] = {}
    heading = ""
    for line in text.splitlines():
        match = _HEADING.match(line)
        if match:
            heading = match[1]
            sections.setdefault(heading, [])
        elif heading and line.strip() and len(sections[heading]) < _SECTION_LINES:
            sections[heading].append(line.strip())
    return Page(book, {name: tuple(lines) for name, lines in sections.items()})
