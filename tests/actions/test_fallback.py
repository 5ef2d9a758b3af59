"""After a change that failed: the way back leads to what is known to have been healthy, or none is offered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from actions.action import Change
from actions.catalog import EvalSuite
from actions.clients.protocols import ChangeRecord, Event
from actions.executor import Executor
from actions.fallback import NONE_KNOWN
from actions.outcome import Outcome, Quote
from actions.registry import Registry
from actions.toolbox import Toolbox
from actions.verbs.rollback import Rollback
from tests.actions.conftest import CHECKOUT, Granted
from tests.actions.doubles import ClusterDouble


class Remembered:
    """The ledger's memory: these requests, newest first, and how they ended."""

    def __init__(self, **states: str) -> None:
        self.states = states

    def recent(self, service: str | None, environment: str | None, since: datetime) -> Sequence[ChangeRecord]:
        return [ChangeRecord(name, since, {}, state, "ana", (), "") for name, state in self.states.items()]


class Bench:
    """checkout, whose version 1.4.2 crashes."""

    def __init__(self, registry: Registry, toolbox: Toolbox, cluster: ClusterDouble, granted: Granted) -> None:
        self._registry, self._tools, self.cluster, self._granted = registry, toolbox, cluster, granted
        self.cluster.trouble = {"1.4.2": "CrashLoopBackOff"}

    def deploy(self, version: str, request_id: str, **remembered: str) -> Outcome:
        action = self._registry.parse(
            {"verb": "deploy", "service": "checkout", "environment": "prod", "version": version}
        )
        assert isinstance(action, Change)
        executor = Executor(self._registry, replace(self._tools, changes=Remembered(**remembered)))
        plan = executor.plan(action, "policy-1")
        return executor.execute(plan, self._granted(plan, request_id), lambda step: None, lambda: False)


@pytest.fixture
def bench(registry: Registry, toolbox: Toolbox, cluster: ClusterDouble, granted: Granted) -> Bench:
    return Bench(registry, toolbox, cluster, granted)


def steps(outcome: Outcome) -> dict[str, Any]:
    assert outcome.ok is False, outcome
    return {step.label: step.action.get("to") for step in outcome.suggestions}


def test_what_ran_well_when_the_change_began_is_the_way_back(bench: Bench) -> None:
    outcome = bench.deploy("1.4.2", "req-1")
    assert steps(outcome) == {"Show logs": None, "Roll back to 1.4.1…": "1.4.1"}
    assert outcome.details == ()


def test_a_version_that_crashed_itself_is_not_offered_and_the_last_verified_one_is(bench: Bench) -> None:
    """1.4.0 was verified, 1.4.2 crashed, 1.4.3 crashes too: back to 1.4.0, past what came before."""
    assert bench.deploy("1.4.0", "good").ok
    assert bench.deploy("1.4.2", "bad").ok is False
    bench.cluster.trouble["1.4.3"] = "OOMKilled"
    outcome = bench.deploy("1.4.3", "worse", bad="failed", good="succeeded")
    images = {r.image("checkout"): r.number for r in bench.cluster.revisions(CHECKOUT)}
    number = images["registry.example/checkout:1.4.0"]
    assert steps(outcome) == {"Show logs": None, "Roll back to 1.4.0…": number}


def test_where_nothing_is_known_to_have_been_healthy_that_is_said(bench: Bench) -> None:
    bench.cluster.deploy(CHECKOUT, "1.4.2")
    bench.cluster.trouble["1.4.3"] = "OOMKilled"
    outcome = bench.deploy("1.4.3", "worse", other="succeeded")
    assert steps(outcome) == {"Show logs": None, "History": None}
    assert outcome.details == (NONE_KNOWN,)


def test_an_image_that_was_never_pulled_has_no_logs_to_show(bench: Bench) -> None:
    bench.cluster.trouble["1.4.9"] = "ImagePullBackOff"
    assert steps(bench.deploy("1.4.9", "req-1")) == {"Roll back to 1.4.1…": "1.4.1"}


def test_warnings_that_a_failure_quotes_hold_no_secret(bench: Bench) -> None:
    """L6: what the cluster says is kept in the ledger and shown, so secrets are taken out first."""
    now = bench.cluster.clock.now()
    bench.cluster.warnings = [Event(now, "Warning", "Failed", "Pod/x", "pull failed: token=hunter2hunter2", 1)]
    (quote,) = bench.deploy("1.4.2", "req-1").evidence
    assert isinstance(quote, Quote)
    assert "hunter2" not in str(quote.lines)


def test_a_rollback_says_that_the_version_it_goes_back_to_has_not_passed_its_evals(
    toolbox: Toolbox, cluster: ClusterDouble
) -> None:
    """Going back is never held up by evals, but whoever approves it knows."""
    cluster.deploy(CHECKOUT, "1.4.0")
    cluster.deploy(CHECKOUT, "1.4.1")
    catalog = toolbox.catalog.model_copy(deep=True)
    service = catalog.services["checkout"]
    suite = EvalSuite.model_validate({"suite": "quality"})
    catalog.services["checkout"] = service.model_copy(update={"evals": (suite,)})
    draft = Rollback(service="checkout", environment="prod", to="1.4.0").draft(replace(toolbox, catalog=catalog))
    assert draft.evals == ()
    assert [w.text for w in draft.warnings if w.code == "evals"] == [
        "checkout 1.4.0 has not passed quality: nobody has run it"
    ]
