"""From an understanding to something that only looks: which verb, which arguments."""

from __future__ import annotations

from typing import Any

from intents.grammar.changes import Draft
from intents.grammar.piece import READS
from intents.grammar.search import Parse

METRICS = ("request_rate", "error_rate", "latency_p50", "latency_p95", "latency_p99", "cpu", "memory", "restarts")
_LATENCIES = ("latency_p50", "latency_p95", "latency_p99")
# Which reading comes first where words allow several: the one that says most.
_PRIORITY = ("run_eval", "query_metrics", "query_logs", "history", "triage", "status")


def look(parse: Parse) -> tuple[int, Draft] | None:
    """The draft and its rank (the lower the better), or None where the words ask for nothing."""
    if parse.verbs is None or "order" in parse.slots or not parse.verbs & READS:
        return None
    verbs = [verb for verb in _PRIORITY if verb in parse.verbs]
    if len(verbs) > 1:
        named = parse.slots.get("service") or (parse.slots.get("ref") and parse.slots.get("environment"))
        if not parse.slots.get("asks") or not named:
            return None
        verbs = ["status"] if "status" in verbs else []
    for verb in verbs:
        draft = _BUILD[verb](parse.slots)
        if draft is not None:
            return _rank(draft) + 500 * ("told" in parse.slots), draft
    return None


def _rank(draft: Draft) -> int:
    """What leaves no doubt first, then the verb that says most, then the reading that makes most of the words."""
    words = len(str(draft.said.get("symptom", "")))
    return 10_000 * bool(draft.doubts) + 1000 * _PRIORITY.index(draft.verb) - 100 * len(draft.said) - words


def _said(slots: dict[str, Any], **more: Any) -> dict[str, Any]:
    named: dict[str, Any] = {key: slots[key] for key in ("service", "environment") if key in slots}
    return {**named, **{key: value for key, value in more.items() if value is not None}}


def _status(slots: dict[str, Any]) -> Draft | None:
    return Draft("status", _said(slots), ref=bool(slots.get("ref")))


def _history(slots: dict[str, Any]) -> Draft | None:
    """What was done narrows only what a time or a person narrows too: "who deployed it to prod?" shows everything."""
    if not {"asks_past", "service", "ref"} & set(slots) or ("of_version" in slots and slots.get("part") != "agreed"):
        return None  # "by ana", "last 6 hours" and "cart 1.4.2 in prod" alone ask for nothing
    period, who, part = slots.get("period") or slots.get("window"), slots.get("who"), slots.get("part")
    did = slots.get("did") if period or who or part == "agreed" else None
    part = part if who or part == "agreed" else None
    return Draft("history", _said(slots, period=period, who=who, part=part, did=did), ref=bool(slots.get("ref")))


def _triage(slots: dict[str, Any]) -> Draft | None:
    if not {"symptom", "order_read", "asks_changes"} & set(slots) or (
        "told" in slots and not {"order_read", "asks_changes"} & set(slots)
    ):
        return None
    symptom = slots.get("symptom") or slots.get("told")
    return Draft("triage", _said(slots, symptom=symptom), ref=bool(slots.get("ref")))


def _logs(slots: dict[str, Any]) -> Draft | None:
    if not {"order_read", "level", "limit"} & set(slots) and not {"seeks", "contains"} <= set(slots):
        return None  # "search for cart" names nothing that a line could hold
    said = _said(
        slots,
        since=slots.get("window"),
        contains=slots.get("contains"),
        level=slots.get("level"),
        limit=slots.get("limit"),
    )
    return Draft("query_logs", said, ref=bool(slots.get("ref")))


def _metrics(slots: dict[str, Any]) -> Draft | None:
    if "metric" in slots and "latency" in slots and not str(slots["metric"]).startswith("latency"):
        return None
    if "restarted" in slots and slots.get("metric") != "restarts":
        return None
    said = _said(slots, metric=slots.get("metric"), window=slots.get("window"))
    draft = Draft("query_metrics", said, ref=bool(slots.get("ref")))
    if "metric" in slots:
        return draft
    return draft._replace(doubts={"metric": _LATENCIES if "latency" in slots else METRICS})


def _run_eval(slots: dict[str, Any]) -> Draft | None:
    if not {"order_read", "suite"} & set(slots) or "environment" in slots:
        return None
    if not {"version", "suite"} & set(slots) and not {"exam", "service"} <= set(slots):
        return None  # "run checkout" names no exam
    said = {"candidate": slots.get("version"), "baseline": slots.get("baseline"), "suite": slots.get("suite")}
    known = {key: value for key, value in said.items() if value is not None}
    service = {"service": slots["service"]} if "service" in slots else {}
    missing = () if "version" in slots else ("candidate",)
    return Draft("run_eval", {**known, **service}, missing)


_BUILD = {
    "status": _status,
    "history": _history,
    "triage": _triage,
    "query_logs": _logs,
    "query_metrics": _metrics,
    "run_eval": _run_eval,
}
