"""What changed on a service lately: the ledger's memory and the cluster's revisions as one list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from actions import image
from actions.clients.protocols import ChangeRecord, Revision
from actions.errors import SourceError, TwokeyError
from actions.toolbox import Toolbox

_RAN = (
    "running",
    "succeeded",
    "failed",
    "rolled_back",
    "unknown",
)  # states of requests that may have touched the cluster
_SAME = timedelta(minutes=10)  # a request and the revision that it made are no further apart than this


@dataclass(frozen=True)
class Entry:
    """One change. `version` is what runs after it, None where it changed no version or that is not known."""

    at: datetime
    what: str  # "deploy 3.11.0", "scale to 5"
    by: str = ""  # who asked, and who approved; empty where only the cluster knows of it
    version: str | None = None

    @property
    def text(self) -> str:
        return f"{self.what} ({self.by})" if self.by else self.what


@dataclass(frozen=True)
class Changelog:
    """Newest first. `missing` is what could not be looked at, and why."""

    entries: tuple[Entry, ...]
    versions: tuple[str, ...] = ()  # of the cluster's revisions, newest first
    missing: tuple[tuple[str, str], ...] = ()  # (source, sentence)

    def before(self, at: datetime, within: timedelta) -> Entry | None:
        """The last change before this moment, and not longer before it than `within`."""
        return next((e for e in self.entries if at - within <= e.at <= at), None)

    def version_before(self, version: str) -> str | None:
        """The version of the newest revision that runs something else; None where there is none to go back to."""
        return next((found for found in self.versions if found != version), None)


def read(tools: Toolbox, service: str, environment: str, since: datetime) -> Changelog:
    """Both sources, as far as they answer. Raises UnknownService or UnknownEnvironment."""
    ref, container = tools.catalog.ref(service, environment), tools.catalog.container(service)
    records: Sequence[ChangeRecord] = ()
    revisions: Sequence[Revision] = ()
    missing = []
    if tools.changes is not None:
        try:
            records = tools.changes.recent(service, environment, since)
        except TwokeyError as error:
            missing.append(("changes made through Twokey", error.say))
    try:
        revisions = tools.cluster.revisions(ref)
    except SourceError as error:
        missing.append(("revisions in the cluster", error.say))
    images = (revision.image(container) for revision in revisions)
    versions = tuple(image.version(found) for found in images if found)
    return Changelog(merge(records, revisions, container, since), versions, tuple(missing))


def merge(
    records: Sequence[ChangeRecord], revisions: Sequence[Revision], container: str, since: datetime
) -> tuple[Entry, ...]:
    """One entry a change, newest first: a revision that a recorded request made is not told twice."""
    entries = [_recorded(record) for record in records if record.state in _RAN and record.at >= since]
    for revision in revisions:
        known = any(e.at - timedelta(minutes=1) <= revision.created_at <= e.at + _SAME for e in entries if e.by)
        if revision.created_at >= since and not known:
            found = revision.image(container)
            version = image.version(found) if found else None
            entries.append(Entry(revision.created_at, f"deploy {version or revision.name}", version=version))
    return tuple(sorted(entries, key=lambda e: e.at, reverse=True))


def _recorded(record: ChangeRecord) -> Entry:
    approved = f", approved by {' and '.join(record.approved_by)}" if record.approved_by else ""
    what, version = _words(record.action)
    return Entry(record.at, what, f"{record.asked_by}{approved}", version)


def _words(action: Mapping[str, Any]) -> tuple[str, str | None]:
    verb = str(action.get("verb", "change"))
    if verb == "deploy":
        return f"deploy {action.get('version')}", str(action.get("version"))
    if verb == "rollback":
        to = action.get("to")
        return f"rollback to {to or 'the previous version'}", to if isinstance(to, str) else None
    if verb == "scale":
        what = f"set the autoscaler's {action['autoscaler']}" if action.get("autoscaler") else "scale"
        return f"{what} {action.get('change') or 'to ' + str(action.get('replicas'))}", None
    return verb, None


def unseen(missing: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """A line for each reason: `Not looked at: events, pods: the cluster cannot be reached.`"""
    reasons: dict[str, list[str]] = {}
    for source, say in missing:
        reasons.setdefault(say, []).append(source)
    return tuple(f"Not looked at: {', '.join(sources)}: {say}" for say, sources in reasons.items())
