"""PromQL over the town's series means what Prometheus' documentation says."""

from __future__ import annotations

import pytest

from bot.playground.town.promql import Evaluator
from bot.playground.town.promql_functions import OVER_RANGE, Value
from bot.playground.town.promql_parser import ExecutionError, PromqlError, parse
from bot.playground.town.telemetry_series import Telemetry
from tests.town.timelines import FakeTimeline, payments

TOTAL = 'http_requests_total{namespace="prod",service="payments"}'


@pytest.fixture(scope="module")
def world() -> FakeTimeline:
    return payments()


def ask(world: FakeTimeline, query: str, ago: float = 0) -> Value:
    return Evaluator(Telemetry(world), {}).evaluate(parse(query), world.now() - ago)


def one(world: FakeTimeline, query: str, ago: float = 0) -> float:
    value = ask(world, query, ago)
    if isinstance(value, float):
        return value
    assert isinstance(value, list)
    assert len(value) == 1, query
    return value[0].value


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("2 ^ 3 ^ 2", 512),
        ("-2 ^ 2", -4),
        ("7 % 4 - 1", 2),
        ("1 > bool 2", 0),
        ("scalar(vector(4)) / 8", 0.5),
        ("vector(1) or vector(2)", 1),
        ("absent(nothing_of_the_kind)", 1),
        ("clamp_min(vector(-3), 0)", 0),
        ("clamp_max(vector(9), 2)", 2),
        ("sum(nothing_of_the_kind) or vector(0)", 0),
        ("abs(vector(-3)) # a comment", 3),
        ("1e3", 1000),
        ("count(http_requests_total{service='payments'})", 4),
        ("count(http_requests_total{service=~'pay.*|check.*', code!~'5..'})", 4),
        ("count(http_requests_total{service='payments', code!='200'})", 3),
        ("count(count by (service) (http_requests_total))", 2),
        ("count(count without (code) (http_requests_total))", 2),
        ("count(topk(2, http_requests_total))", 2),
        ("sum(kube_deployment_status_replicas_available)", 9),
        ("max(kube_deployment_spec_replicas) - min(kube_deployment_spec_replicas)", 3),
        ("avg(kube_deployment_spec_replicas)", 4.5),
        ("quantile(0.5, kube_deployment_spec_replicas)", 4.5),
    ],
)
def test_expressions_have_the_value_that_arithmetic_gives_them(world: FakeTimeline, query: str, value: float) -> None:
    assert one(world, query) == pytest.approx(value)


def test_a_rate_is_the_growth_of_its_counter(world: FakeTimeline) -> None:
    """rate x window = increase, both near the true difference, irate near the slope."""
    load = Telemetry(world).load("prod", "payments")
    assert load is not None
    grown = load.requests(world.now()) - load.requests(world.now() - 300)
    assert one(world, f"sum(increase({TOTAL}[5m]))") == pytest.approx(grown, rel=0.01)
    assert one(world, f"sum(rate({TOTAL}[5m])) * 300") == pytest.approx(grown, rel=0.01)
    assert one(world, f"sum(irate({TOTAL}[5m])) * 300") == pytest.approx(grown, rel=0.1)


def test_restarts_within_the_window_are_counted() -> None:
    fresh = payments()
    fresh.run("payments", (5, "3.11.0"), restarts=2)
    query = "sum(increase(kube_pod_container_status_restarts_total{container='payments'}[10m]))"
    assert one(fresh, query) == pytest.approx(12, rel=0.05)


def test_a_counter_that_starts_again_has_grown_by_what_it_holds_since() -> None:
    """10 to 20, then again from nothing to 5: that is 15, and no less for the fall."""
    assert OVER_RANGE["increase"]([(0, 10), (15, 20), (30, 5)], 0, 30) == pytest.approx(15)
    assert OVER_RANGE["irate"]([(15, 20), (30, 5)], 0, 30) == pytest.approx(5 / 15)


def test_offset_looks_back(world: FakeTimeline) -> None:
    assert one(world, f"sum({TOTAL} offset 1h)") == one(world, f"sum({TOTAL})", ago=3600)


def test_quantiles_lie_in_the_bucket_that_holds_their_rank(world: FakeTimeline) -> None:
    buckets = 'rate(http_request_duration_seconds_bucket{service="payments"}[5m])'
    below = [one(world, f"histogram_quantile({q}, sum by (le) ({buckets}))") for q in (0.1, 0.5, 0.95, 0.99)]
    assert below == sorted(below)
    assert below[1] == pytest.approx(0.092, rel=0.1)
    assert below[3] == pytest.approx(0.48, rel=0.1)


def test_vectors_are_matched_on_their_labels(world: FakeTimeline) -> None:
    """A ratio of two vectors with the same labels keeps them; `on` names them; comparisons filter."""
    ratio = ask(
        world,
        'sum by (service) (rate(http_requests_total{code=~"5.."}[5m])) / '
        "on (service) sum by (service) (rate(http_requests_total[5m]))",
    )
    assert isinstance(ratio, list)
    assert {dict(e.labels)["service"] for e in ratio} == {"payments", "checkout"}
    assert all(0 < e.value < 0.01 for e in ratio)
    large = ask(world, "kube_deployment_spec_replicas > 4 unless kube_deployment_spec_replicas > 100")
    assert isinstance(large, list)
    assert [e.value for e in large] == [6.0]
    grouped = ask(world, "http_requests_total * on (service) group_left sum by (service) (http_requests_total)")
    assert isinstance(grouped, list)
    assert len(grouped) == 8


@pytest.mark.parametrize(
    "query",
    [
        "",
        "sum(",
        "1 +",
        "{}",
        '{a=""}',
        'up{a="b"',
        'up{a=~"("}',
        "up[5m",
        "up[5 minutes]",
        "rate(up)",
        "up[5m]",
        "unheard_of(up)",
        "(up + up)[5m]",
        "sum(up, up)",
        "topk(up)",
        "1 > 2",
        "1 and 2",
        '"text" + 1',
        "vector(up)",
        "scalar(1)",
        "5mx",
        "up offset",
        "$",
        "up up",
        "sum by (service (up)",
    ],
)
def test_what_prometheus_refuses_is_refused(world: FakeTimeline, query: str) -> None:
    with pytest.raises(PromqlError):
        ask(world, query)


def test_many_to_many_is_an_error_of_execution(world: FakeTimeline) -> None:
    with pytest.raises(ExecutionError):
        ask(world, "http_requests_total / on (service) http_requests_total")
