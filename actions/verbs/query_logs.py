"""query_logs: lines of a service's log."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field, JsonValue, StringConstraints

from actions import changelog, loglines, logs, periods, quantities, reads
from actions.action import Read
from actions.changelog import Changelog
from actions.logs import Found
from actions.outcome import Outcome, Quote, Step, Suggestion, TextFile
from actions.periods import Reach, Zone
from actions.terms import Name, Rule
from actions.toolbox import Progress, Toolbox

_DEFAULT_SINCE = "1h"
_GROUPS = 8  # shown; the file has every line


class QueryLogs(Read):
    """Lines from a service's log, grouped."""

    verb: ClassVar[str] = "query_logs"
    phrase: ClassVar[str] = "Logs of"
    rules: ClassVar[tuple[Rule, ...]] = (
        *reads.WORKLOADS,
        Rule("apps", "replicasets", ("list",)),
        reads.PODS,
        reads.LOGS,
    )
    help: ClassVar[str] = "Lines from a service's log, grouped"
    examples: ClassVar[tuple[str, ...]] = (
        "logs of payments in prod last 30m",
        "errors in the cart logs in staging",
    )

    pressed: ClassVar[frozenset[str]] = frozenset({"zone"})

    service: Name
    environment: Name
    since: Reach | None = None
    contains: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    level: Literal["debug", "info", "warning", "error"] | None = None
    limit: Annotated[int, Field(ge=1, le=5000)] | None = None
    zone: Zone | None = Field(None, description="the asker's time zone, in which days and hours begin")

    @property
    def zoned(self) -> bool:
        """Where it is since an hour or a day."""
        return periods.zoned(self.since)

    def answer(self, tools: Toolbox, progress: Progress) -> Outcome:
        """The lines in groups, and a file with all of them. Raises SourceError where no source of logs answers."""
        progress(Step(text="reading the log"))
        now = tools.clock.now()
        period = periods.parse(self.since or _DEFAULT_SINCE, now, self.zone or "UTC")
        start = period.start
        found = logs.read(tools, self.service, self.environment, start, self.level, self.contains or "")
        if self.limit is not None and len(found.lines) > self.limit:
            found = replace(found, lines=found.lines[-self.limit :], cut=True)
        log = changelog.read(tools, self.service, self.environment, start)
        subject = f"{self.service} in {self.environment}, {period.heading}"
        if not found.lines:
            said = " with these words" if self.contains else ""
            return Outcome(
                ok=True,
                summary=f"{subject}: no {self._kind}lines{said}.",
                details=_remarks(found, log),
                suggestions=self._next(),
            )
        groups = loglines.group(found.lines)
        lines = quantities.count(len(found.lines), f"{self._kind}line")
        return Outcome(
            ok=True,
            summary=f"{subject}: {lines} in {quantities.count(len(groups), 'group')}",
            details=_remarks(found, log),
            evidence=(
                _quote(groups[:_GROUPS], log, None if found.from_pods else found.start(start), now),
                self._file(found),
            ),
            suggestions=self._next(),
        )

    @property
    def _kind(self) -> str:
        return {None: "", "debug": "", "info": "", "warning": "warning and error ", "error": "error "}[self.level]

    def _file(self, found: Found) -> TextFile:
        text = "".join(f"{line.at:%Y-%m-%dT%H:%M:%S}Z {line.pod} {loglines.clean(line.text)}\n" for line in found.lines)
        return TextFile(name=f"{self.service}-{self.environment}.log.txt", content=text)

    def _next(self) -> tuple[Suggestion, ...]:
        here: dict[str, JsonValue] = {"service": self.service, "environment": self.environment}
        steps = []
        if self.level is None:
            asked: dict[str, JsonValue] = {"verb": "query_logs", **here, "since": self.since, "level": "error"}
            steps.append(Suggestion(label="Errors only", action=asked))
        steps.append(Suggestion(label="Error rate", action={"verb": "query_metrics", **here, "metric": "error_rate"}))
        return tuple(steps)


def _remarks(found: Found, log: Changelog) -> tuple[str, ...]:
    cut = ("There were more lines than I read: these are the newest.",) if found.cut else ()
    return (*cut, *found.missing, *changelog.unseen(log.missing))


def _quote(groups: tuple[loglines.Group, ...], log: Changelog, start: datetime | None, now: datetime) -> Quote:
    """The groups with their counts; what began with the last deploy says so, where the lines reach back before it."""
    deploy = next((entry for entry in log.entries if entry.version), None) if start else None
    notes = []
    for one in groups:
        first, last = (quantities.moment(at, now).removesuffix(" UTC") for at in (one.first, one.last))
        note = f"first {first} · last {last}" if one.count > 1 else f"at {first}"
        if deploy and start and loglines.since_version(one, start, deploy.at):
            note += f" · new since {deploy.version}"
        notes.append(note)
    return Quote(title="Lines that say the same, counted (times in UTC)", lines=loglines.shown(groups, notes))
