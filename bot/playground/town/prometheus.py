"""Prometheus' HTTP API over the town's series: GET and POST forms, results and errors in the real JSON."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime

from aiohttp import web

from bot.playground.town import promql_parser
from bot.playground.town.promql import Evaluator, matching
from bot.playground.town.promql_functions import Labels, Value, samples
from bot.playground.town.promql_parser import ExecutionError, PromqlError, Selector
from bot.playground.town.telemetry_series import Series, Telemetry

VERSION = "2.53.0"
_MOST_POINTS = 11_000
_Json = Mapping[str, object] | Sequence[str] | Sequence[Mapping[str, str]]


class _Bad(Exception):
    """A parameter that cannot be used."""


class _Question:
    """The parameters of a request, from its query string and its form."""

    def __init__(self, pairs: Iterable[tuple[str, str]], now: float) -> None:
        self._pairs, self._now = list(pairs), now

    def all(self, name: str) -> list[str]:
        return [value for key, value in self._pairs if key == name]

    def text(self, name: str) -> str:
        return next(iter(self.all(name)), "")

    def moment(self, name: str, default: float | None = None) -> float:
        """Seconds since 1970 from a number or RFC 3339."""
        text = self.text(name)
        if not text:
            return self._now if default is None else default
        try:
            value = float(text)
        except ValueError:
            try:
                value = datetime.fromisoformat(text).timestamp()
            except ValueError:
                raise _Bad(f'invalid parameter "{name}": cannot parse "{text}" to a valid timestamp') from None
        if not math.isfinite(value):
            raise _Bad(f'invalid parameter "{name}": cannot parse "{text}" to a valid timestamp')
        return value

    def step(self) -> float:
        text = self.text("step")
        try:
            value = float(text)
        except ValueError:
            try:
                value = promql_parser.seconds(text)
            except PromqlError:
                raise _Bad(f'invalid parameter "step": cannot parse "{text}" to a valid duration') from None
        if not value > 0:
            raise _Bad(
                'invalid parameter "step": zero or negative query resolution step widths are not accepted. '
                "Try a positive integer"
            )
        return value


class Prometheus:
    """Answers queries over a world's series."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def routes(self, prefix: str) -> list[web.RouteDef]:
        """The API below `prefix`, which stands for the server's own address."""
        both = {
            "query": self.query,
            "query_range": self.query_range,
            "labels": self.labels,
            "series": self.series,
        }
        found = [web.get(f"{prefix}/-/{word}", _healthy) for word in ("healthy", "ready")]
        for name, answer in both.items():
            found.append(web.get(f"{prefix}/api/v1/{name}", self._handler(answer)))
            found.append(web.post(f"{prefix}/api/v1/{name}", self._handler(answer)))
        found.append(web.get(f"{prefix}/api/v1/label/{{label}}/values", self._label_values))
        found.append(web.get(f"{prefix}/api/v1/status/buildinfo", self._handler(self.buildinfo)))
        return found

    def query(self, question: _Question) -> _Json:
        """An instant query."""
        at = question.moment("time")
        node = promql_parser.parse(question.text("query"))
        if isinstance(node, Selector) and node.window is not None:
            return _matrix(self._raw(node, at))
        value = Evaluator(self._telemetry, {}).evaluate(node, at)
        if isinstance(value, list):
            result = [{"metric": dict(sorted(e.labels)), "value": [at, _spell(e.value)]} for e in value]
            return {"resultType": "vector", "result": result}
        kind, text = ("scalar", _spell(value)) if isinstance(value, float) else ("string", value)
        return {"resultType": kind, "result": [at, text]}

    def query_range(self, question: _Question) -> _Json:
        """The same query at every step."""
        node = promql_parser.parse(question.text("query"))
        for name in ("start", "end"):
            if not question.text(name):
                raise _Bad(f'invalid parameter "{name}": cannot parse "" to a valid timestamp')
        start, end, step = question.moment("start"), question.moment("end"), question.step()
        if end < start:
            raise _Bad('invalid parameter "end": end timestamp must not be before start time')
        count = int((end - start) / step) + 1
        if count > _MOST_POINTS:
            raise _Bad(
                "exceeded maximum resolution of 11,000 points per timeseries. "
                "Try decreasing the query resolution (?step=XX)"
            )
        evaluator = Evaluator(self._telemetry, {})
        lines: dict[Labels, list[tuple[float, float]]] = {}
        for n in range(count):
            at = start + n * step
            for labels, value in _elements(evaluator.evaluate(node, at)):
                lines.setdefault(labels, []).append((at, value))
        return _matrix(lines)

    def labels(self, question: _Question) -> _Json:
        """The names of all labels."""
        return sorted({label for series in self._named(question) for label in series.labels})

    def series(self, question: _Question) -> _Json:
        """The label sets that fit."""
        if not question.all("match[]"):
            raise _Bad("no match[] parameter provided")
        return [dict(series.labels) for series in self._named(question)]

    def buildinfo(self, _: _Question) -> _Json:
        """What a client probes first."""
        return {"version": VERSION, "revision": "town", "branch": "HEAD", "goVersion": "go1.22"}

    def _named(self, question: _Question) -> Iterable[Series]:
        selectors = [promql_parser.parse(text) for text in question.all("match[]")]
        if not selectors:
            yield from self._telemetry.series()
        for selector in selectors:
            if not isinstance(selector, Selector):
                raise _Bad('invalid parameter "match[]": not a series selector')
            yield from matching(self._telemetry, selector.matchers)

    def _raw(self, selector: Selector, at: float) -> dict[Labels, list[tuple[float, float]]]:
        end = at - selector.offset
        found = matching(self._telemetry, selector.matchers)
        return {frozenset(one.labels.items()): list(samples(one, end - (selector.window or 0.0), end)) for one in found}

    async def _label_values(self, request: web.Request) -> web.Response:
        label = request.match_info["label"]
        values = {one.labels[label] for one in self._telemetry.series() if label in one.labels}
        return web.json_response({"status": "success", "data": sorted(values)})

    def _handler(self, answer: Callable[[_Question], _Json]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            form = await request.post() if request.method == "POST" else {}
            pairs = [*request.query.items(), *((key, str(value)) for key, value in form.items())]
            try:
                data = answer(_Question(pairs, self._telemetry.now()))
            except ExecutionError as error:
                return _error(422, "execution", str(error))
            except PromqlError as error:
                return _error(400, "bad_data", f'invalid parameter "query": {error}')
            except _Bad as error:
                return _error(400, "bad_data", str(error))
            return web.json_response({"status": "success", "data": data})

        return handle


async def _healthy(_: web.Request) -> web.Response:
    return web.Response(text="Prometheus Server is Healthy.\n")


def _error(status: int, kind: str, text: str) -> web.Response:
    return web.json_response({"status": "error", "errorType": kind, "error": text}, status=status)


def _elements(value: Value) -> Iterable[tuple[Labels, float]]:
    if isinstance(value, str):
        raise PromqlError('invalid expression type "string" for range query, must be Scalar or instant Vector')
    return [(frozenset(), value)] if isinstance(value, float) else value


def _matrix(lines: Mapping[Labels, list[tuple[float, float]]]) -> _Json:
    result = [
        {"metric": dict(sorted(labels)), "values": [[at, _spell(value)] for at, value in points]}
        for labels, points in lines.items()
        if points
    ]
    return {"resultType": "matrix", "result": result}


def _spell(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
