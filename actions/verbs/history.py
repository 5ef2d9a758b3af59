"""history: what changed on a service, and who did it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from actions import image, objects, quantities
from actions.action import Read
from actions.clients.protocols import ChangeRecord, Revision
from actions.keepers import rules as keepers
from actions.keepers.keeper import Past
from actions.keepers.kinds import KEEPERS
from actions.outcome import Outcome, Step, Suggestion, Table
from actions.terms import Name, Rule
from actions.toolbox import Progress, Toolbox

_BACK = timedelta(days=30)
_ROWS = 30
_SOON = timedelta(minutes=10)  # a request and what it delivered are no further apart than this
_COLUMNS = ("when", "what", "revision", "who", "state")


@dataclass(frozen=True)
class _Row:
    at: datetime
    what: str
    revision: str
    who: str
    state: str


class History(Read):
    """What changed lately, and who asked and approved."""

    verb: ClassVar[str] = "history"
    phrase: ClassVar[str] = "History of"
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("apps", "deployments", ("get",)),
        Rule("apps", "statefulsets", ("get",)),
        Rule("apps", "daemonsets", ("get",)),
        Rule("apps", "replicasets", ("list",)),
        Rule("apps", "controllerrevisions", ("list",)),
        *keepers.READING,
    )
    help: ClassVar[str] = "What changed lately, and who asked and approved"
    examples: ClassVar[tuple[str, ...]] = (
        "history of checkout in prod",
        "what was deployed to cart in staging?",
    )

    service: Name
    environment: Name

    def answer(self, tools: Toolbox, progress: Progress) -> Outcome:
        """The requests of the last 30 days and every revision that the cluster remembers, the newest first.

        A revision that a request made stands in that request's row, told by the annotation that it left. Where a GitOps
        tool keeps the version and remembers what it delivered, its own numbers stand there.
        Raises BadInput or SourceError.
        """
        ref, now = tools.catalog.ref(self.service, self.environment), tools.clock.now()
        progress(Step(text="looking at the revisions"))
        revisions = tools.cluster.revisions(ref)
        records = tools.changes.recent(self.service, self.environment, now - _BACK) if tools.changes else ()
        past = self._past(tools)
        if past:
            rows = _with_past(records, past)[:_ROWS]
        else:
            rows = _merged(records, revisions, tools.catalog.container(self.service))[:_ROWS]
        where = f"{self.service} in {self.environment}"
        if not rows:
            return Outcome(ok=True, summary=f"{where}: I know of no changes in the last 30 d.")
        newest = rows[0]
        return Outcome(
            ok=True,
            summary=(
                f"{where}: {quantities.count(len(rows), 'change')}, the last one {newest.what}, "
                f"{quantities.moment(newest.at, now)} ({newest.who})"
            ),
            evidence=(
                Table(
                    title=f"Changes of {where}",
                    columns=_COLUMNS,
                    rows=tuple((quantities.moment(r.at, now), r.what, r.revision, r.who, r.state) for r in rows),
                ),
            ),
            suggestions=self._back(rows),
        )

    def _past(self, tools: Toolbox) -> Sequence[Past]:
        kept = tools.catalog.kept(self.service, self.environment)
        return KEEPERS[kept.ref.kind].past(tools.cluster.workload(kept.ref), kept.field) if kept else ()

    def _back(self, rows: Sequence[_Row]) -> tuple[Suggestion, ...]:
        if sum(bool(row.revision) for row in rows) < 2:
            return ()
        where: dict[str, Any] = {"service": self.service, "environment": self.environment}
        return (Suggestion(label="Roll back…", action={"verb": "rollback", **where, "to": None}),)


def _merged(records: Sequence[ChangeRecord], revisions: Sequence[Revision], container: str) -> list[_Row]:
    made = {each.annotations.get(objects.REQUEST_ANNOTATION): each for each in reversed(revisions)}
    told = {record.request_id for record in records}
    rows = [_of_record(record, made.get(record.request_id)) for record in records]
    rows += [
        _of_revision(each, container)
        for each in revisions
        if each.annotations.get(objects.REQUEST_ANNOTATION) not in told
    ]
    return sorted(rows, key=lambda row: row.at, reverse=True)


def _with_past(records: Sequence[ChangeRecord], past: Sequence[Past]) -> list[_Row]:
    """A delivery is a request's where it brought the request's version soon after it."""
    rows, left = [], list(past)
    for record in sorted(records, key=lambda each: each.at):
        version = record.action.get("version") or record.action.get("to")
        made = [
            each for each in left if each.version == version and each.at and record.at <= each.at <= record.at + _SOON
        ]
        for each in made:
            left.remove(each)
        rows.append(replace(_of_record(record, None), revision=str(made[0].number) if made else ""))
    rows += [_Row(p.at, f"version {p.version}", str(p.number), "outside of Twokey", "") for p in left if p.at]
    return sorted(rows, key=lambda row: row.at, reverse=True)


def _of_record(record: ChangeRecord, revision: Revision | None) -> _Row:
    who = record.asked_by
    if record.approved_by:
        who += f", approved by {' and '.join(record.approved_by)}"
    return _Row(record.at, _words(record.action), str(revision.number) if revision else "", who, record.state)


def _of_revision(revision: Revision, container: str) -> _Row:
    found = revision.image(container)
    what = f"version {image.version(found)}" if found else revision.name
    request = revision.annotations.get(objects.REQUEST_ANNOTATION)
    who = f"request {request}" if request else "outside of Twokey"
    return _Row(revision.created_at, what, str(revision.number), who, "")


def _words(action: Mapping[str, Any]) -> str:
    """`deploy 1.4.2`, `scale to 5`, `scale +2`, `rollback to 12`, `restart`."""
    verb = str(action.get("verb", "change"))
    if verb == "scale":
        what = f"autoscaler's {action['autoscaler']}" if action.get("autoscaler") else "scale"
        return f"{what} {action.get('change') or 'to ' + str(action.get('replicas'))}"
    if verb == "rollback":
        return f"rollback to {action.get('to') or 'the previous one'}"
    return f"{verb} {action['version']}" if action.get("version") else verb
