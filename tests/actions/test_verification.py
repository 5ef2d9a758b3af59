"""A change is done only when the service is as well as before."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from actions import catalog as catalogs
from actions import verification
from actions.action import Change, Read
from actions.clients.kubernetes import KubernetesCluster
from actions.clients.prometheus import PrometheusMetrics
from actions.clients.protocols import Sample
from actions.clock import ManualClock
from actions.errors import Unreachable
from actions.executor import Executor
from actions.outcome import Grant, Outcome, Step
from actions.registry import Registry
from actions.toolbox import Toolbox
from actions.verbs import VERBS
from actions.vitals import Vitals
from bot.playground.host import Host
from bot.playground.town.kubeconfig import write_kubeconfig
from bot.playground.town.server import Town
from bot.playground.town.world import World
from tests.actions.conftest import PlanFactory
from tests.waiting import PATIENCE

CATALOG = Path(catalogs.__file__).parents[1] / "bot" / "playground" / "catalog.yaml"
WELL = Vitals(error_ratio=0.002, p95=0.24, rate=70.0)


@pytest.mark.parametrize(
    ("before", "after", "worse", "text"),
    [
        (WELL, Vitals(0.002, 0.18, 70), False, "error rate 0.2 % (was 0.2 %), p95 180 ms (was 240 ms)"),
        (WELL, Vitals(0.011, 0.24, 70), False, "error rate 1.1 % (was 0.2 %), p95 240 ms (was 240 ms)"),
        (WELL, Vitals(0.012, 0.24, 70), True, "error rate 1.2 % (was 0.2 %), p95 240 ms (was 240 ms)"),
        (Vitals(0.1, 0.24, 70), Vitals(0.15, 0.24, 70), False, "error rate 15 % (was 10 %), p95 240 ms (was 240 ms)"),
        (WELL, Vitals(0.002, 0.36, 70), True, "error rate 0.2 % (was 0.2 %), p95 360 ms (was 240 ms)"),
        (Vitals(0, 0.01, 1), Vitals(0, 0.05, 1), False, "error rate 0 % (was 0 %), p95 50 ms (was 10 ms)"),
        (None, WELL, None, "error rate 0.2 %, p95 240 ms"),
        (WELL, None, None, "no metrics to verify it with"),
        (WELL, Vitals(None, None, 3), None, "no metrics to verify it with"),
        (WELL, Vitals(None, 0.9, 3), True, "p95 900 ms (was 240 ms)"),
    ],
)
def test_worse_is_what_a_person_would_call_worse(
    before: Vitals | None, after: Vitals | None, worse: bool | None, text: str
) -> None:
    found = verification.compare(before, after)
    assert (found.worse, found.text) == (worse, text)


class Fixed:
    """A Prometheus with one value, or that is down."""

    def __init__(self, value: float | None) -> None:
        self._value = value

    def range(self, query: str, start: datetime, end: datetime, step: float) -> list[Sample]:
        return []

    def instant(self, query: str, at: datetime) -> float | None:
        if self._value is None:
            raise Unreachable
        return self._value


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        (None, "done in 0:02 · not verified: no metrics are configured"),
        (Fixed(None), "done in 0:02 · not verified: no metrics to verify it with"),
        (Fixed(0.05), "done in 0:02 · verified: error rate 5.0 % (was 5.0 %), p95 50 ms (was 50 ms)"),
    ],
)
def test_what_could_not_be_verified_is_said(
    metrics: Fixed | None,
    said: str,
    registry: Registry,
    toolbox: Toolbox,
    plan_factory: PlanFactory,
    granted: Callable[..., Grant],
) -> None:
    plan = plan_factory("deploy")
    hands = Executor(registry, replace(toolbox, metrics=metrics))
    outcome = hands.execute(plan, granted(plan), lambda step: None, lambda: False)
    assert outcome.ok
    assert outcome.summary == said


def test_metrics_that_do_not_answer_hold_up_no_change(
    registry: Registry, toolbox: Toolbox, plan_factory: PlanFactory, granted: Callable[..., Grant]
) -> None:
    """The patch is sent and the rollout watched while the query of before still waits."""
    answers = threading.Event()

    class Slow(Fixed):
        def instant(self, query: str, at: datetime) -> float | None:
            assert answers.wait(PATIENCE)
            return super().instant(query, at)

    def progress(step: Step) -> None:
        if step.text.startswith("in place"):
            answers.set()

    plan = plan_factory("deploy")
    hands = Executor(registry, replace(toolbox, metrics=Slow(0.05)))
    assert hands.execute(plan, granted(plan), progress, lambda: False).ok


def test_nothing_is_measured_where_nothing_runs(
    registry: Registry, toolbox: Toolbox, plan_factory: PlanFactory, granted: Callable[..., Grant]
) -> None:
    plan = plan_factory("scale", replicas=0)
    hands = Executor(registry, replace(toolbox, metrics=Fixed(0.5)))
    outcome = hands.execute(plan, granted(plan), lambda step: None, lambda: False)
    assert outcome.summary.endswith("· nothing runs any more")


# -- with the Prometheus of the town ---------------------------------------------------------------------------------
@pytest.fixture
def tools(clock: ManualClock, tmp_path: Path) -> Iterator[Toolbox]:
    with Host(Town(World(clock)).app()) as url:
        cluster = KubernetesCluster(write_kubeconfig(url, tmp_path / "kubeconfig"))
        metrics = PrometheusMetrics(f"{url}/prometheus")
        yield Toolbox(catalog=catalogs.load(CATALOG), cluster=cluster, clock=clock, metrics=metrics)


@pytest.fixture
def do(tools: Toolbox, clock: ManualClock) -> Callable[..., Outcome]:
    registry = Registry(VERBS)
    hands = Executor(registry, tools)

    def do(verb: str, **arguments: Any) -> Outcome:
        action = registry.parse({"verb": verb, "environment": "prod", **arguments})
        if isinstance(action, Read):
            return hands.answer(action, lambda step: None)
        assert isinstance(action, Change)
        plan = hands.plan(action, "policy-1")
        grant = Grant(request_id="req-1", digest=plan.digest, expires_at=clock.now() + timedelta(minutes=5))
        return hands.execute(plan, grant, lambda step: None, lambda: False)

    return do


def test_a_version_that_runs_and_fails_its_requests_is_not_done(do: Callable[..., Outcome]) -> None:
    outcome = do("deploy", service="checkout", version="1.5.0")
    assert outcome.ok is False
    assert "the service got worse: error rate" in outcome.summary
    assert outcome.suggestions[-1].label == "Roll back to 1.4.1…"


def test_a_good_version_is_verified(do: Callable[..., Outcome]) -> None:
    outcome = do("deploy", service="checkout", version="1.4.2")
    assert outcome.ok, outcome
    assert " · verified: error rate " in outcome.summary


def test_status_is_two_lines(do: Callable[..., Outcome]) -> None:
    outcome = do("status", service="search")
    assert outcome.summary.startswith("search in prod: healthy. ")
    assert " ready · image 0.9.0 since Sun " in outcome.summary
    assert " req/min · errors " in outcome.details[0]
    assert [s.label for s in outcome.suggestions] == ["Errors 1 h", "Logs", "History", "Why?"]
