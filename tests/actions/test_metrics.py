"""Metrics: PromQL templates, the client's errors, vital signs, trends, and the answer of query_metrics."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import web

from actions import changelog, formulas, quantities
from actions.clients.loki import LokiLogs
from actions.clients.prometheus import PrometheusMetrics
from actions.clients.protocols import ChangeRecord, Sample
from actions.errors import BadInput, Denied, Rejected, SourceError, Unreachable
from actions.measurement import Measurement, picture, verdict
from actions.outcome import Chart
from actions.toolbox import Toolbox
from actions.trend import trend
from actions.verbs.query_metrics import QueryMetrics
from actions.vitals import vitals
from bot.playground.host import Host
from tests.actions.telemetry_scene import ReadingCluster, catalog, deploys, ignore, revision, scene
from tests.town.timelines import FakeTimeline, payments
from tests.waiting import PATIENCE


@pytest.fixture(scope="module")
def tools() -> Iterator[Toolbox]:
    """payments in prod, slow since 3.11.0 forty minutes ago."""
    world = payments()
    with scene(world, ReadingCluster(revision_list=deploys(world.clock.now()))) as found:
        yield found


@contextmanager
def answering(status: int, text: str, kind: str = "application/json") -> Iterator[str]:
    """A server that answers everything the same."""

    async def same(_: web.Request) -> web.Response:
        return web.Response(status=status, text=text, content_type=kind)

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", same)
    with Host(app) as url:
        yield url


@pytest.mark.parametrize("metric", formulas.DEFAULTS)
def test_every_metric_has_a_formula_that_finds_data(tools: Toolbox, metric: formulas.Metric) -> None:
    assert tools.metrics is not None
    query = formulas.query(tools.catalog, metric, "payments", "prod", "5m")
    value = tools.metrics.instant(query, tools.clock.now())
    assert value is not None
    assert value >= 0


def test_a_service_without_errors_has_an_error_rate_of_zero(tools: Toolbox) -> None:
    """No 5xx series at all is 0 %, not "no data"."""
    assert tools.metrics is not None
    query = formulas.query(tools.catalog, "error_rate", "payments", "prod", "5m").replace('"5.."', '"7.."')
    assert tools.metrics.instant(query, tools.clock.now()) == 0.0


def test_the_catalogue_can_name_its_own_query() -> None:
    own = "services: {api: {metrics: {cpu: 'load{ns=\"{namespace}\"}[{window}]'}, workload: {container: web, name: w}}}"
    found = catalog("environments: {prod: {namespace: live}}\n" + own)
    assert formulas.query(found, "cpu", "api", "prod", "5m") == 'load{ns="live"}[5m]'
    assert 'pod=~"w-.+",container="web"' in formulas.query(found, "memory", "api", "prod", "5m")


@pytest.mark.parametrize(
    ("status", "text", "error"),
    [
        (400, '{"status":"error","errorType":"bad_data","error":"no such thing"}', Rejected),
        (422, '{"status":"error","errorType":"execution","error":"too many"}', Rejected),
        (401, "", Denied),
        (403, "{}", Denied),
        (404, "not here", Unreachable),
        (500, "<html>oops</html>", Unreachable),
        (503, '{"status":"error","errorType":"timeout","error":"query timed out"}', Unreachable),
        (200, "<html>a login page</html>", Unreachable),
        (200, "[]", Unreachable),
        (200, '{"data":{"result":[{"value":["x"]}]}}', Unreachable),
        (200, '{"data":{"result":[{"value":[1,"many"]}]}}', Unreachable),
    ],
)
def test_whatever_prometheus_answers_becomes_a_sentence(status: int, text: str, error: type[SourceError]) -> None:
    with answering(status, text) as url:
        metrics = PrometheusMetrics(url, timeout=PATIENCE)
        now = payments().clock.now()
        with pytest.raises(error) as caught:
            metrics.instant("up", now)
        assert caught.value.say.endswith(".")
        if '"error":' in text:
            assert text.split('"error":"')[1].split('"')[0] in caught.value.say


@pytest.mark.parametrize(
    ("status", "text", "error"),
    [
        (400, "parse error at line 1", Rejected),
        (401, "", Denied),
        (500, "oops", Unreachable),
        (200, "<html>", Unreachable),
        (200, "{}", Unreachable),
        (200, '{"data":{"resultType":"matrix","result":[]}}', Rejected),
        (200, '{"data":{"resultType":"streams","result":[{"stream":{},"values":[["soon","x"]]}]}}', Unreachable),
    ],
)
def test_whatever_loki_answers_becomes_a_sentence(status: int, text: str, error: type[SourceError]) -> None:
    now = payments().clock.now()
    with answering(status, text) as url, pytest.raises(error) as caught:
        LokiLogs(url, timeout=PATIENCE).query('{app="x"}', now - timedelta(hours=1), now, 10)
    assert caught.value.say.endswith(".")


def nowhere() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def test_nobody_answering_is_unreachable() -> None:
    now, url = payments().clock.now(), nowhere()
    with pytest.raises(Unreachable, match="PROMETHEUS_URL"):
        PrometheusMetrics(url).range("up", now - timedelta(hours=1), now, 60)
    with pytest.raises(Unreachable, match="LOKI_URL"):
        LokiLogs(url).query("{}", now - timedelta(hours=1), now, 10)


def test_vital_signs_are_three_numbers_or_nothing(tools: Toolbox) -> None:
    found = vitals(tools, "payments", "prod")
    assert found is not None
    assert found.known
    assert found.error_ratio == pytest.approx(0.003, abs=0.003)
    assert found.p95 == pytest.approx(0.3, rel=0.2)
    assert found.rate == pytest.approx(72, rel=0.3)
    assert vitals(replace(tools, metrics=None), "payments", "prod") is None
    assert vitals(replace(tools, metrics=PrometheusMetrics(nowhere())), "payments", "prod") is None
    silent = vitals(tools, "payments", "staging")
    assert silent is not None
    assert not silent.known


def samples(*values: float) -> list[Sample]:
    return [Sample(60.0 * n, value) for n, value in enumerate(values)]


@pytest.mark.parametrize(
    ("recent", "direction", "since"),
    [
        ([0.3] * 60, "steady", None),
        ([0.3, 0.32, 0.29, 0.31] * 15, "steady", None),
        ([0.3] * 40 + [0.48] * 20, "rising", 40 * 60.0),
        ([0.3] * 40 + [0.1] * 20, "falling", 40 * 60.0),
        ([0.3] * 58 + [0.48] + [0.3], "steady", None),  # one odd sample says nothing
        ([0.3] * 20 + [0.48] * 10 + [0.3] * 30, "steady", None),  # over already
        ([0.3] * 40 + [0.48] * 8 + [0.3] * 2 + [0.48] * 10, "rising", 40 * 60.0),  # a lapse does not end it
        ([0.3], "steady", None),
    ],
)
def test_a_trend_is_the_last_lasting_change(recent: list[float], direction: str, since: float | None) -> None:
    found = trend([], samples(*recent), "latency_p99")
    assert found is not None
    assert (found.direction, found.since) == (direction, since)


@pytest.mark.parametrize(
    ("recent", "said"),
    [
        ([0.3] * 59 + [0.9], "now 900 ms, usually 300 ms; steady but for the newest point"),
        ([0.3] * 40 + [0.48] * 19 + [0.3], "now 300 ms, usually 300 ms; rising but for the newest point since "),
        ([0.3] * 40 + [0.48] * 19 + [0.6], "now 600 ms, usually 300 ms; rising since "),
        ([0.3] * 60, "now 300 ms, usually 300 ms; steady"),
    ],
)
def test_what_is_said_of_now_is_the_last_point_of_the_picture(recent: list[float], said: str) -> None:
    """One odd sample makes no direction, and is not told away either."""
    start, shown = payments().clock.now(), samples(*recent)
    found = trend([], shown, "latency_p99")
    assert found is not None
    end = start + timedelta(hours=1)
    measured = Measurement("latency_p99", "payments", "prod", start, end, 60.0, shown, found)
    nothing = changelog.Changelog((), ())
    assert verdict(measured, nothing).startswith(said)
    drawn = picture(measured, nothing)
    assert drawn.now_label == f"now {drawn.samples[-1].value:.0f} ms"


def test_what_is_usual_comes_from_before_the_window() -> None:
    """An hour that is bad throughout is still worse than the hours before it."""
    earlier = [Sample(-3600.0 * 5 + 180 * n, 0.3) for n in range(100)]
    found = trend(earlier, samples(*[0.48] * 60), "latency_p99")
    assert found is not None
    assert (found.usual, found.direction, found.since) == (0.3, "rising", 0.0)
    assert trend(earlier, [], "latency_p99") is None


def test_the_answer_says_now_usual_since_when_and_after_what(tools: Toolbox) -> None:
    asked = QueryMetrics(service="payments", environment="prod", metric="latency_p99", window="6h")
    found = asked.answer(tools, ignore)
    assert found.ok
    start, _, rest = found.summary.partition(", last 6 h: ")
    assert start == "p99 of payments in prod"
    assert "usually 30" in rest
    assert "rising since 08:2" in rest
    assert rest.endswith("after deploy 3.11.0")
    (chart,) = found.evidence
    assert isinstance(chart, Chart)
    assert chart.png.startswith(b"\x89PNG")
    assert found.summary in chart.alt
    assert "deploy 3.11.0 at 08:20 UTC" in found.details
    assert {s.action["verb"] for s in found.suggestions} == {"triage", "query_logs", "query_metrics"}


@pytest.mark.parametrize(("hour", "deployed"), [("10:00", True), ("10:30", False), ("11:00", False)])
def test_since_an_hour_is_since_that_hour_of_the_askers_clock(tools: Toolbox, hour: str, deployed: bool) -> None:
    """It is 11:00 in Athens; the deploy was at 10:20 there."""
    asked = QueryMetrics(
        service="payments", environment="prod", metric="latency_p99", window=f"since {hour}", zone="Europe/Athens"
    )
    found = asked.answer(tools, ignore)
    assert found.summary.startswith(f"p99 of payments in prod, since {hour}: ")
    assert ("deploy 3.11.0 at 08:20 UTC" in found.details) is deployed


def test_steady_is_said_too(tools: Toolbox) -> None:
    found = QueryMetrics(service="payments", environment="prod", metric="error_rate").answer(tools, ignore)
    assert ", last 1 h: now 0." in found.summary
    assert found.summary.endswith("; steady")


def test_no_data_and_no_prometheus_say_what_to_do(tools: Toolbox) -> None:
    found = QueryMetrics(service="payments", environment="staging", metric="cpu").answer(tools, ignore)
    assert found.ok is None
    assert "no data" in found.summary
    assert "services.payments.metrics.cpu" in found.details[1]
    with pytest.raises(BadInput, match="PROMETHEUS_URL"):
        QueryMetrics(service="payments", environment="prod", metric="cpu").answer(replace(tools, metrics=None), ignore)


def test_revisions_that_cannot_be_read_are_said_and_the_answer_stays(tools: Toolbox) -> None:
    broken = replace(tools, cluster=ReadingCluster(broken=Unreachable("The cluster does not answer.")))
    found = QueryMetrics(service="payments", environment="prod", metric="cpu").answer(broken, ignore)
    assert found.ok
    assert found.details == ("Not looked at: revisions in the cluster: The cluster does not answer.",)


def test_a_change_of_ours_is_told_once_and_with_its_people() -> None:
    """The revision that a recorded deploy made is that deploy; denied requests changed nothing."""
    now = FakeTimeline().clock.now()
    action = {"verb": "deploy", "service": "payments", "environment": "prod", "version": "3.11.0"}
    ran = ChangeRecord("r1", now - timedelta(minutes=41), action, "succeeded", "ben", ("carla",), "done")
    denied = replace(ran, request_id="r2", at=now - timedelta(minutes=5), state="denied")
    entries = changelog.merge([denied, ran], deploys(now), "payments", now - timedelta(days=2))
    assert [entry.text for entry in entries] == ["deploy 3.11.0 (ben, approved by carla)", "deploy 3.10.4"]
    assert changelog.merge([], [revision(1, "1", now)], "other", now - timedelta(days=1))[0].version is None


@pytest.mark.parametrize(
    ("metric", "value", "said"),
    [
        ("latency_p99", 0.48, "480 ms"),
        ("latency_p99", 0.9999, "1.0 s"),
        ("latency_p50", 1.94, "1.9 s"),
        ("error_rate", 0.003, "0.3 %"),
        ("error_rate", 0.12, "12 %"),
        ("error_rate", 0.0, "0 %"),
        ("request_rate", 68.667, "4,120 req/min"),
        ("memory", 218 * 1024**2, "218 MiB"),
        ("memory", 3 * 1024**3, "3.0 GiB"),
        ("cpu", 1.5, "1.50 cores"),
        ("restarts", 3.0, "3"),
    ],
)
def test_numbers_come_with_their_units(metric: formulas.Metric, value: float, said: str) -> None:
    assert quantities.spell(metric, value) == said
