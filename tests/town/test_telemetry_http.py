"""Prometheus' and Loki's HTTP APIs as their clients know them: forms, JSON, errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from aiohttp import web

from bot.playground.host import Host
from bot.playground.town import telemetry
from tests.town.timelines import FakeTimeline, payments
from tests.waiting import PATIENCE

TOTAL = 'http_requests_total{service="payments",code="200"}'


@pytest.fixture(scope="module")
def world() -> FakeTimeline:
    return payments()


@pytest.fixture(scope="module")
def url(world: FakeTimeline) -> Iterator[str]:
    app = web.Application()
    app.add_routes(telemetry.routes(world))
    with Host(app) as address:
        yield address


def ask(url: str, path: str, **params: object) -> tuple[int, Any]:
    answer = requests.get(f"{url}{path}", params={k: str(v) for k, v in params.items()}, timeout=PATIENCE)
    return answer.status_code, answer.json()


def loki(url: str, query: str, **params: object) -> list[tuple[str, str, dict[str, str]]]:
    """(nanoseconds, line, stream) as they come."""
    _, body = ask(url, "/loki/api/v1/query_range", query=query, **params)
    assert body["status"] == "success"
    assert body["data"]["resultType"] == "streams"
    return [(at, line, stream["stream"]) for stream in body["data"]["result"] for at, line in stream["values"]]


def test_an_instant_query_is_a_vector_of_labels_and_a_point(url: str, world: FakeTimeline) -> None:
    status, body = ask(url, "/prometheus/api/v1/query", query=TOTAL)
    assert status == 200
    assert body["status"] == "success"
    assert body["data"]["resultType"] == "vector"
    (found,) = body["data"]["result"]
    assert found["metric"]["__name__"] == "http_requests_total"
    assert found["value"][0] == world.now()
    assert float(found["value"][1]) > 0


def test_get_and_post_forms_ask_the_same(url: str, world: FakeTimeline) -> None:
    params = {"query": TOTAL, "start": str(world.now() - 600), "end": str(world.now()), "step": "1m"}
    by_get = requests.get(f"{url}/prometheus/api/v1/query_range", params=params, timeout=PATIENCE).json()
    by_post = requests.post(f"{url}/prometheus/api/v1/query_range", data=params, timeout=PATIENCE).json()
    assert by_get == by_post
    assert by_get["data"]["resultType"] == "matrix"
    assert len(by_get["data"]["result"][0]["values"]) == 11


def test_scalars_and_raw_ranges_have_their_own_types(url: str) -> None:
    assert ask(url, "/prometheus/api/v1/query", query="1+1", time=60)[1]["data"] == {
        "resultType": "scalar",
        "result": [60, "2"],
    }
    raw = ask(url, "/prometheus/api/v1/query", query=f"{TOTAL}[1m]")[1]["data"]
    assert raw["resultType"] == "matrix"
    assert len(raw["result"][0]["values"]) in (4, 5)
    assert ask(url, "/prometheus/api/v1/query", query="vector(1)/0")[1]["data"]["result"][0]["value"][1] == "+Inf"
    assert ask(url, "/prometheus/api/v1/query", query="vector(0)/0")[1]["data"]["result"][0]["value"][1] == "NaN"


@pytest.mark.parametrize(
    ("path", "params", "status", "kind"),
    [
        ("query", {"query": "sum("}, 400, "bad_data"),
        ("query", {"query": "1", "time": "yesterday"}, 400, "bad_data"),
        ("query", {"query": "http_requests_total / on (service) http_requests_total"}, 422, "execution"),
        ("query_range", {"query": "1", "start": "0", "end": "10", "step": "0"}, 400, "bad_data"),
        ("query_range", {"query": "1", "start": "0", "end": "10", "step": "soon"}, 400, "bad_data"),
        ("query_range", {"query": "1", "start": "10", "end": "0", "step": "1"}, 400, "bad_data"),
        ("query_range", {"query": "1", "start": "0", "end": "20000", "step": "1"}, 400, "bad_data"),
        ("query_range", {"query": "1", "step": "1"}, 400, "bad_data"),
        ("query_range", {"query": "up[5m]", "start": "0", "end": "1", "step": "1"}, 400, "bad_data"),
        ("series", {}, 400, "bad_data"),
    ],
)
def test_errors_are_worded_as_prometheus_words_them(
    url: str, path: str, params: dict[str, str], status: int, kind: str
) -> None:
    code, body = ask(url, f"/prometheus/api/v1/{path}", **params)
    assert (code, body["status"], body["errorType"]) == (status, "error", kind)
    assert body["error"]


def test_labels_and_series_can_be_listed(url: str) -> None:
    assert "le" in ask(url, "/prometheus/api/v1/labels")[1]["data"]
    assert ask(url, "/prometheus/api/v1/label/service/values")[1]["data"] == ["checkout", "payments"]
    assert "http_requests_total" in ask(url, "/prometheus/api/v1/label/__name__/values")[1]["data"]
    found = ask(url, "/prometheus/api/v1/series", **{"match[]": TOTAL})[1]["data"]
    assert [series["code"] for series in found] == ["200"]
    assert ask(url, "/prometheus/api/v1/status/buildinfo")[1]["data"]["version"]
    assert requests.get(f"{url}/prometheus/-/healthy", timeout=PATIENCE).ok


def test_the_newest_lines_come_first_and_no_more_than_the_limit(url: str, world: FakeTimeline) -> None:
    every = loki(url, '{app="payments"}', limit=5000)
    newest = loki(url, '{app="payments"}', limit=10)
    oldest = loki(url, '{app="payments"}', limit=10, direction="forward")
    times = sorted(int(at) for at, _, _ in every)
    assert len(newest) == len(oldest) == 10
    assert sorted(int(at) for at, _, _ in newest) == times[-10:]
    assert sorted(int(at) for at, _, _ in oldest) == times[:10]
    assert times[0] >= (world.now() - 3600) * 1e9
    assert times[-1] < world.now() * 1e9


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ('{app="payments", level="error"}', lambda line: "level=error" in line),
        ('{app=~"pay.+", level!="error"}', lambda line: "level=error" not in line),
        ('{namespace="prod"} |= "ledger"', lambda line: "ledger" in line),
        ('{namespace="prod"} != "ledger"', lambda line: "ledger" not in line),
        ('{app="payments"} |~ "after [0-9]+ ms" !~ "retry"', lambda line: "after " in line and "retry" not in line),
        ('{app="payments"} |= `"upstream`', lambda line: '"upstream' in line),
        ('{app="payments"} |= "\\u006cedger"', lambda line: "ledger" in line),
    ],
)
def test_selectors_and_filters_keep_exactly_what_fits(url: str, query: str, fits: Any) -> None:
    found = [line for _, line, _ in loki(url, query, limit=5000)]
    assert found
    assert all(map(fits, found))


@pytest.mark.parametrize(
    "query",
    ["", "{}", '{app="x"', '{app="x"} |', '{app=~"("}', 'rate({app="x"}[5m])', '{app=""}', '{app="x"} |= "a" nonsense'],
)
def test_loki_refuses_in_plain_text(url: str, query: str) -> None:
    answer = requests.get(f"{url}/loki/api/v1/query_range", params={"query": query}, timeout=PATIENCE)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_loki_names_its_labels(url: str) -> None:
    assert "app" in ask(url, "/loki/api/v1/labels")[1]["data"]
    assert ask(url, "/loki/api/v1/label/app/values")[1]["data"] == ["checkout", "payments"]
    assert len(ask(url, "/loki/api/v1/label/pod/values")[1]["data"]) == 9
    assert requests.get(f"{url}/ready", timeout=PATIENCE).text == "ready\n"
    assert requests.get(f"{url}/loki/api/v1/query", params={"query": '{app="x"}'}, timeout=PATIENCE).status_code == 400
