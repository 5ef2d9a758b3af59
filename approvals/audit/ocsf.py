"""An entry as an event of OCSF's class API Activity (schema.ocsf.io, version 1.8.0), for a SIEM.

Who acted without a person is the process, not `actor.app_name`, which 1.9.0 deprecates. What OCSF has no field for is
in `unmapped`, the entry's hashes among it, so that an event can be held against the log again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from approvals.audit.chain import Entry

VERSION = "1.8.0"
_CLASS, _CATEGORY = 6003, 6  # API Activity, Application Activity
_CREATE, _READ, _UPDATE, _OTHER = 1, 2, 3, 99
_NAMES = {_CREATE: "Create", _READ: "Read", _UPDATE: "Update"}
_INFORMATIONAL, _LOW, _MEDIUM = 1, 2, 3
_UNKNOWN, _SUCCESS, _FAILURE = 0, 1, 2
_FAILED = ("request.failed", "request.rolled_back", "request.denied", "request.refused", "attempt.refused")
_ODD = ("service.gap", "service.lost", "clock.stepped")


def as_line(entry: Entry) -> str:
    """The event as one line of JSON in ASCII."""
    return json.dumps(event(entry), sort_keys=True, separators=(",", ":"))


def event(entry: Entry) -> dict[str, Any]:
    """The event as a value."""
    fields = entry.fields
    kind, data = str(fields["kind"]), fields["data"]
    activity = _activity(kind)
    return {
        "class_uid": _CLASS,
        "category_uid": _CATEGORY,
        "activity_id": activity,
        "activity_name": _NAMES.get(activity, kind),
        "type_uid": _CLASS * 100 + activity,
        "time": int(datetime.fromisoformat(fields["at"]).timestamp() * 1000),
        "severity_id": _severity(kind),
        "status_id": _status(kind, data),
        "message": _message(kind, data),
        "metadata": {
            "version": VERSION,
            "product": {"name": "Twokey", "vendor_name": "Twokey"},
            "log_name": "audit",
            "event_code": kind,
            "sequence": entry.seq,
            "uid": entry.hash,
            **({"correlation_uid": fields["request"]} if fields["request"] else {}),
        },
        "actor": _actor(fields["actor"], data),
        "api": _api(kind, fields["request"], data),
        "src_endpoint": {"svc_name": "twokey"},
        **_resources(_action(data)),
        "unmapped": {"prev": entry.prev, "hash": entry.hash, "data": data},
    }


def _activity(kind: str) -> int:
    if kind == "request.submitted":
        return _CREATE
    if kind.startswith("read."):
        return _READ
    return _UPDATE if kind.startswith("request.") else _OTHER


def _severity(kind: str) -> int:
    return _MEDIUM if kind in _ODD else _LOW if kind in _FAILED else _INFORMATIONAL


def _status(kind: str, data: Mapping[str, Any]) -> int:
    if kind in _FAILED or data.get("ok") is False:
        return _FAILURE
    return _UNKNOWN if kind == "request.unknown" else _SUCCESS


def _message(kind: str, data: Mapping[str, Any]) -> str:
    said = data.get("summary") or data.get("why") or data.get("reason")
    return f"{kind}: {said}" if said else kind


def _actor(actor: Mapping[str, str] | None, data: Mapping[str, Any]) -> dict[str, Any]:
    if actor is None:
        return {"process": {"name": "twokey", "uid": str(data.get("process") or "twokey")}}
    return {"user": {"uid": actor["user"], "domain": actor["team"]}}


def _api(kind: str, request: str | None, data: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"operation": str(_action(data).get("verb") or kind), "service": {"name": "twokey"}}
    if request:
        found["request"] = {"uid": request}
    if "error" in data:
        found["response"] = {"error": str(data["error"]), "error_message": str(data.get("why", ""))}
    return found


def _action(data: Mapping[str, Any]) -> Mapping[str, Any]:
    found = data.get("action") or (data.get("plan") or {}).get("action") or {}
    return found if isinstance(found, Mapping) else {}


def _resources(action: Mapping[str, Any]) -> dict[str, Any]:
    if not action.get("service"):
        return {}
    place = {"namespace": str(action["environment"])} if action.get("environment") else {}
    return {"resources": [{"name": str(action["service"]), "type": "service", **place}]}
