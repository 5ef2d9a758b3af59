"""Loki's HTTP API over the town's logs: stream selectors with line filters, answers in the real JSON."""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from bot.playground.town.promql_parser import Matcher, PromqlError, seconds
from bot.playground.town.telemetry_load import Load
from bot.playground.town.telemetry_logs import Entry, newest_first
from bot.playground.town.telemetry_series import Telemetry
from bot.playground.town.timeline import Timeline

_LABELS = ("app", "container", "level", "namespace", "pod")
_MOST_LINES = 5000
_QUOTED = r'("(?:[^"\\\n]|\\.)*"|`[^`]*`)'
_MATCHER = re.compile(rf"\s*([A-Za-z_]\w*)\s*(=~|!~|!=|=)\s*{_QUOTED}\s*")
_FILTER = re.compile(rf"\s*(\|=|!=|\|~|!~)\s*{_QUOTED}\s*")
_ESCAPED = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class LogqlError(Exception):
    """A query that cannot be read, in about the words Loki would use."""


@dataclass(frozen=True)
class LineFilter:
    """`|=` contains, `!=` does not, `|~` matches anywhere, `!~` does not."""

    sign: str
    value: str

    def keeps(self, line: str) -> bool:
        found = bool(re.search(self.value, line)) if self.sign.endswith("~") else self.value in line
        return found == self.sign.startswith("|")


@dataclass(frozen=True)
class LogQuery:
    """`{…} |= "…"`."""

    matchers: tuple[Matcher, ...]
    filters: tuple[LineFilter, ...]


def parse(query: str) -> LogQuery:
    """Raises LogqlError."""
    text = query.strip()
    if not text.startswith("{"):
        raise LogqlError("parse error at line 1, col 1: syntax error: only log queries are known here")
    at, matchers = 1, []
    while (match := _MATCHER.match(text, at)) is not None:
        matchers.append(Matcher(match[1], match[2], _pattern(match[3], match[2])))  # type: ignore[arg-type]  # the four signs
        at = match.end()
        if text[at : at + 1] != ",":
            break
        at += 1
    if text[at : at + 1] != "}":
        raise LogqlError(f"parse error at line 1, col {at + 1}: syntax error: unexpected {text[at : at + 1] or 'end'}")
    if all(m.holds("") for m in matchers):
        raise LogqlError(
            "queries require at least one regexp or equality matcher that does not have an empty-compatible value"
        )
    at, filters = at + 1, []
    while (match := _FILTER.match(text, at)) is not None:
        filters.append(LineFilter(match[1], _pattern(match[2], match[1])))
        at = match.end()
    if text[at:].strip():
        raise LogqlError(f"parse error at line 1, col {at + 1}: syntax error: unexpected {text[at : at + 1]}")
    return LogQuery(tuple(matchers), tuple(filters))


class Loki:
    """Answers log queries over a world."""

    def __init__(self, world: Timeline, telemetry: Telemetry) -> None:
        self._world, self._telemetry = world, telemetry

    def routes(self, prefix: str) -> list[web.RouteDef]:
        """The API below `prefix`, which stands for the server's own address."""
        return [
            web.get(f"{prefix}/ready", _ready),
            web.get(f"{prefix}/loki/api/v1/query_range", self._query_range),
            web.get(f"{prefix}/loki/api/v1/query", self._query),
            web.get(f"{prefix}/loki/api/v1/labels", self._labels),
            web.get(f"{prefix}/loki/api/v1/label/{{label}}/values", self._values),
        ]

    def entries(self, query: LogQuery, start: float, end: float) -> Iterator[tuple[Load, Entry]]:
        """The lines that fit, the newest first."""
        streams = []
        for namespace, name in self._world.workloads():
            fixed = {"namespace": namespace, "app": name, "container": name}
            load = self._telemetry.load(namespace, name)
            if load is not None and all(m.holds(fixed.get(m.label, "")) for m in query.matchers if _known(m)):
                streams.append(_labelled(load, start, min(end, self._world.now())))
        for load, entry in heapq.merge(*streams, key=lambda pair: -pair[1].at):
            mine = {"pod": entry.pod, "level": entry.level}
            fits = all(m.holds(mine[m.label]) for m in query.matchers if m.label in mine)
            if fits and all(f.keeps(entry.text) for f in query.filters):
                yield load, entry

    async def _query_range(self, request: web.Request) -> web.Response:
        now = self._world.now()
        try:
            query = parse(request.query.get("query", ""))
            start, end, limit = _span(request.query, now)
        except (LogqlError, PromqlError, ValueError) as error:
            return web.Response(status=400, text=f"{error}\n")
        forward = request.query.get("direction", "backward").lower() == "forward"
        found = list(self.entries(query, start, end)) if forward else _first(self.entries(query, start, end), limit)
        return web.json_response(_streams(found[::-1][:limit] if forward else found))

    async def _query(self, request: web.Request) -> web.Response:
        text = (
            "log queries are not supported as an instant query type, please change your query to a range query type\n"
        )
        return web.Response(status=400, text=text)

    async def _labels(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "success", "data": list(_LABELS)})

    async def _values(self, request: web.Request) -> web.Response:
        places = list(self._world.workloads())
        now = self._world.now()
        loads = [load for place in places if (load := self._telemetry.load(*place))]
        names = sorted({name for _, name in places})
        values: Mapping[str, list[str]] = {
            "namespace": sorted({namespace for namespace, _ in places}),
            "app": names,
            "container": names,
            "level": ["error", "info", "warning"],
            "pod": sorted({pod.name for load in loads for pod in load.moment(now).pods}),
        }
        return web.json_response({"status": "success", "data": values.get(request.match_info["label"], [])})


async def _ready(_: web.Request) -> web.Response:
    return web.Response(text="ready\n")


def _span(params: Mapping[str, str], now: float) -> tuple[float, float, int]:
    """Start and end in seconds since 1970, and the most lines to answer with."""
    end = _moment(params.get("end"), now)
    start = _moment(params.get("start"), end - seconds(params.get("since", "1h")))
    limit = int(params.get("limit", "100"))
    if start > end:
        raise LogqlError("invalid query, through < from")
    if not 0 < limit <= _MOST_LINES:
        raise LogqlError(f"max entries limit per query exceeded, limit > max_entries_limit ({limit} > {_MOST_LINES})")
    return start, end, limit


def _known(matcher: Matcher) -> bool:
    return matcher.label not in ("pod", "level")


def _labelled(load: Load, start: float, end: float) -> Iterator[tuple[Load, Entry]]:
    return ((load, entry) for entry in newest_first(load, start, end))


def _first(entries: Iterator[tuple[Load, Entry]], limit: int) -> list[tuple[Load, Entry]]:
    return [pair for pair, _ in zip(entries, range(limit), strict=False)]


def _streams(found: list[tuple[Load, Entry]]) -> Mapping[str, object]:
    streams: dict[tuple[str, ...], list[list[str]]] = {}
    for load, entry in found:
        key = load.name, load.name, entry.level, load.namespace, entry.pod
        streams.setdefault(key, []).append([str(round(entry.at * 1000) * 1_000_000), entry.text])
    result = [{"stream": dict(zip(_LABELS, key, strict=True)), "values": lines} for key, lines in streams.items()]
    return {"status": "success", "data": {"resultType": "streams", "result": result, "stats": {}}}


def _pattern(quoted: str, sign: str) -> str:
    text = quoted[1:-1]
    if quoted[0] == '"':
        text = _ESCAPED.sub(lambda m: chr(int(m[1][1:], 16)) if len(m[1]) == 5 else _ESCAPES.get(m[1], m[1]), text)
    if sign.endswith("~"):
        try:
            re.compile(text)
        except re.error as error:
            raise LogqlError(f"error parsing regexp: {error}") from None
    return text


def _moment(text: str | None, default: float) -> float:
    """Seconds since 1970 from nanoseconds, seconds or RFC 3339."""
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        return datetime.fromisoformat(text).timestamp()
    if not math.isfinite(value):
        raise LogqlError(f"cannot parse {text} to a valid timestamp")
    return value / 1e9 if value > 1e12 else value
