"""Changes as lines of a table: what went through Twokey, and what the cluster remembers beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from actions import image, objects
from actions.clients.protocols import ChangeRecord, Revision
from actions.keepers.keeper import Past

_OUTSIDE = "outside of Twokey"
SOON = timedelta(minutes=10)  # a request and what it delivered are no further apart than this


class Seen(NamedTuple):
    """A revision that the cluster remembers, and where."""

    service: str
    environment: str
    container: str
    revision: Revision


class Delivered(NamedTuple):
    """What a GitOps tool remembers to have delivered, and where."""

    service: str
    environment: str
    past: Past


@dataclass(frozen=True)
class Row:
    """One change; `record` where it went through Twokey."""

    at: datetime
    service: str
    environment: str
    what: str
    revision: str
    who: str
    state: str
    record: ChangeRecord | None = None


def merged(records: Sequence[ChangeRecord], remembered: Sequence[Seen | Delivered]) -> list[Row]:
    """The newest first. What a request made stands in that request's row.

    A revision is a request's by the mark that it left; a delivery where it brought the request's version soon after.
    """
    seen = [one for one in remembered if isinstance(one, Seen)]
    left = [one for one in remembered if isinstance(one, Delivered)]
    made = {_mark(each): str(each.revision.number) for each in reversed(seen)}
    told = {record.request_id for record in records}
    rows = []
    for record in sorted(records, key=lambda each: each.at):
        brought = [one for one in left if _brought(one, record)]
        left = [one for one in left if one not in brought]
        number = made.get(record.request_id) or (str(brought[0].past.number) if brought else "")
        rows.append(_of_record(record, number))
    rows += [_of_revision(each) for each in seen if _request(each) not in told]
    rows += [
        Row(
            one.past.at, one.service, one.environment, f"version {one.past.version}", str(one.past.number), _OUTSIDE, ""
        )
        for one in left
        if one.past.at
    ]
    return sorted(rows, key=lambda row: row.at, reverse=True)


def _mark(seen: Seen) -> str | None:
    return seen.revision.annotations.get(objects.REQUEST_ANNOTATION)


def _request(seen: Seen) -> str | None:
    """Also where it was the request's guard that put this revision back."""
    return objects.request_of(seen.revision.annotations)


def _brought(one: Delivered, record: ChangeRecord) -> bool:
    version = record.action.get("version") or record.action.get("to")
    place = record.action.get("environment", one.environment)
    return one.past.version == version and place == one.environment and _soon(record.at, one.past.at)


def _soon(asked: datetime, at: datetime | None) -> bool:
    return at is not None and asked <= at <= asked + SOON


def _of_record(record: ChangeRecord, revision: str) -> Row:
    who = record.asked_by
    if record.approved_by:
        who += f", approved by {' and '.join(record.approved_by)}"
    service, environment = str(record.action.get("service", "")), str(record.action.get("environment", ""))
    return Row(record.at, service, environment, _words(record.action), revision, who, record.state, record)


def _of_revision(seen: Seen) -> Row:
    revision, request = seen.revision, _request(seen)
    found = revision.image(seen.container)
    what = f"version {image.version(found)}" if found else revision.name
    who = f"request {request}" if request else _OUTSIDE
    return Row(revision.created_at, seen.service, seen.environment, what, str(revision.number), who, "")


def _words(action: Mapping[str, Any]) -> str:
    """`deploy 1.4.2`, `scale to 5`, `scale +2`, `rollback to 12`, `restart`."""
    verb = str(action.get("verb", "change"))
    if verb == "scale":
        what = f"autoscaler's {action['autoscaler']}" if action.get("autoscaler") else "scale"
        return f"{what} {action.get('change') or 'to ' + str(action.get('replicas'))}"
    if verb == "rollback":
        return f"rollback to {action.get('to') or 'the previous one'}"
    return f"{verb} {action['version']}" if action.get("version") else verb
