"""The town's traffic, errors, latency and memory follow from its timeline alone."""

from __future__ import annotations

import pytest

from bot.playground.town.telemetry import error_ratio, pod_lines
from bot.playground.town.telemetry_load import BUCKETS, ERRORS_RATIO
from bot.playground.town.telemetry_series import Series, Telemetry
from bot.playground.town.timeline import Behaviour, Moment, PodMoment
from tests.town.timelines import TRAITS, FakeTimeline, payments


def world_of(behaviour: Behaviour, **run: int) -> FakeTimeline:
    """payments, good for long and of this behaviour since ten minutes."""
    world = FakeTimeline(behaviours={("payments", "2"): behaviour})
    return world.run("payments", (3000, "1"), (10, "2"), **run)  # type: ignore[arg-type]  # pods, ready, restarts


def gauge(world: FakeTimeline, name: str, at: float) -> list[float]:
    values = (series.value(at) for series in Telemetry(world).series(name))
    return [value for value in values if value is not None]


def latency(world: FakeTimeline, q: float, at: float) -> float:
    """The quantile of the minute before, by hand from the cumulative buckets."""
    load = Telemetry(world).load("prod", "payments")
    assert load is not None
    grown = [load.in_bucket(n, at) - load.in_bucket(n, at - 60) for n in range(len(BUCKETS))]
    total = load.requests(at) - load.requests(at - 60)
    return next(bound for bound, count in zip(BUCKETS, grown, strict=True) if count >= q * total)


def test_counters_never_fall_and_answers_never_change() -> None:
    """Every steady counter grows from one scrape to the next, over a deploy and a day; asking twice is the same."""
    world = payments()
    telemetry, again = Telemetry(world), Telemetry(world)
    moments = [world.now() - 86_400 + n * 977 for n in range(88)]

    def counted(of: Telemetry) -> list[list[float | None]]:
        steady = [s for s in of.series() if s.steady and s.labels["service"] == "payments"]
        return [[series.value(at) for at in moments] for series in steady]

    lines = counted(telemetry)
    assert len(lines) > 40
    for line in lines:
        values = [value for value in line if value is not None]
        assert len(values) == len(moments)
        assert values == sorted(values)
    assert counted(again) == lines


@pytest.mark.parametrize("share", [0, 1, 3, 6])
def test_bad_versions_fail_in_proportion_to_their_share_of_the_ready_pods(share: int) -> None:
    world = FakeTimeline(behaviours={("payments", "2"): "errors"})
    pods = tuple(PodMoment(f"payments-{n}", "2" if n < share else "1", True, 0) for n in range(6))
    world.history["prod", "payments"] = [Moment(world.now() - 600, 6, pods)]
    expected = ERRORS_RATIO * share / 6 + TRAITS["error_ratio"] * (1 - share / 6)
    assert error_ratio(world, "prod", "payments") == pytest.approx(expected, rel=0.8 if share else 0.9)
    if share:
        assert error_ratio(world, "prod", "payments") > 3 * TRAITS["error_ratio"]


def test_nothing_ready_means_that_nearly_every_request_fails() -> None:
    assert error_ratio(world_of("crash", ready=0), "prod", "payments") > 0.9


def test_an_unknown_workload_and_one_scaled_to_nothing_have_no_errors() -> None:
    world = FakeTimeline()
    world.history["prod", "idle"] = [Moment(world.now() - 600, 0, ())]
    assert error_ratio(world, "prod", "idle") == 0.0
    assert error_ratio(world, "prod", "nobody") == 0.0


def test_a_slow_version_raises_the_tail_and_a_good_one_does_not() -> None:
    """p99 goes from about 300 to about 480 ms with a slow version."""
    world = world_of("slow")
    assert latency(world, 0.99, world.now() - 3600) == pytest.approx(0.3, rel=0.25)
    assert latency(world, 0.99, world.now()) == pytest.approx(0.48, rel=0.25)
    calm = world_of("good")
    assert latency(calm, 0.99, calm.now()) == latency(calm, 0.99, calm.now() - 3600)


def test_fewer_pods_are_slower_and_more_are_faster() -> None:
    few, usual = world_of("good", ready=2), world_of("good")
    assert latency(few, 0.95, few.now()) > latency(usual, 0.95, usual.now())


def test_a_leaking_version_climbs_until_it_is_started_again() -> None:
    """Memory rises from the start of the container, and a restart begins anew."""
    world = FakeTimeline(behaviours={("payments", "2"): "oom"})
    start = world.now() - 100
    world.history["prod", "payments"] = [
        Moment(start + after, 1, (PodMoment("payments-0", "2", True, restarts),))
        for after, restarts in ((0, 0), (50, 1))
    ]
    rising = [gauge(world, "container_memory_working_set_bytes", start + after)[0] for after in (1, 20, 45)]
    assert rising == sorted(rising)
    assert rising[-1] > 1.5 * rising[0]
    assert gauge(world, "container_memory_working_set_bytes", start + 51)[0] < rising[1]
    assert gauge(world, "kube_pod_container_status_restarts_total", start + 60) == [1.0]


def test_a_pods_series_end_with_the_pod() -> None:
    world = payments()

    def pods(at: float) -> set[str]:
        found: list[Series] = list(Telemetry(world).series("container_cpu_usage_seconds_total"))
        return {s.labels["pod"] for s in found if s.value(at) is not None and s.labels["container"] == "payments"}

    before, after = pods(world.now() - 3600), pods(world.now())
    assert len(before) == len(after) == 6
    assert not before & after


def test_a_pods_own_log_holds_its_lines_alone_and_oldest_first() -> None:
    world = payments()
    lines = pod_lines(world)("prod", "payments-3110-2", world.now() - 1800, world.now())
    times = [at for at, _ in lines]
    assert times == sorted(times)
    assert any("upstream timeout after" in text for _, text in lines)
    assert pod_lines(world)("staging", "payments-3110-2", 0, world.now()) == []
    assert pod_lines(world)("prod", "payments-nobody", 0, world.now()) == []


def test_a_pod_that_crashes_says_why_and_serves_nothing() -> None:
    world = world_of("crash", ready=0, restarts=3)
    lines = pod_lines(world)("prod", "payments-2-0", world.now() - 600, world.now())
    assert any("fatal: session backend" in text for _, text in lines)
    assert not any("settled" in text for _, text in lines)
