"""A deploy with a guard in a cluster in memory, and the metric that it watches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from actions import objects
from actions.action import Change
from actions.clients.protocols import Sample, WorkloadRef
from actions.clock import ManualClock
from actions.errors import Unreachable
from actions.executor import Executor
from actions.outcome import Grant, Outcome, Step, Trip
from actions.plan import Plan
from actions.record import Record
from actions.registry import Registry
from actions.toolbox import Toolbox
from tests.actions.doubles import ClusterDouble

CHECKOUT = WorkloadRef(cluster=None, namespace="prod", kind="Deployment", name="checkout")
DOUBLES = "error_rate x2 within 10m"
WELL, BAD = 0.004, 0.05


@dataclass
class Gauge:
    """A Prometheus whose every metric is `value`, until a deploy is in place for some seconds, and then `later`.

    What a question for the past gets is the same, but where `past` says something else.
    """

    clock: ManualClock
    cluster: ClusterDouble
    value: float | None = WELL
    later: float | None = WELL
    after: float = 60.0  # seconds since the deploy was patched
    since: datetime | None = None
    down: list[bool] = field(default_factory=list)  # one is taken for each question; True: no answer
    past: Callable[[datetime], float | None] | None = None
    asked: list[tuple[datetime, datetime]] = field(default_factory=list)  # from when to when, of the past

    def range(self, query: str, start: datetime, end: datetime, step: float) -> list[Sample]:
        self._answer()
        self.asked.append((start, end))
        moments = [start + timedelta(seconds=n * step) for n in range(int((end - start).total_seconds() / step) + 1)]
        found = ((at, (self.past or self._at)(at)) for at in moments)
        return [Sample(at.timestamp(), value) for at, value in found if value is not None]

    def instant(self, query: str, at: datetime) -> float | None:
        self._answer()
        if self.cluster.patches and self.since is None:
            self.since = at
        return self._at(at)

    def _answer(self) -> None:
        if self.down and self.down.pop(0):
            raise Unreachable("Prometheus cannot be reached.")

    def _at(self, at: datetime) -> float | None:
        return self.later if self.since and at >= self.since + timedelta(seconds=self.after) else self.value


@dataclass
class Bench:
    """checkout 1.4.1 in prod, and somebody who deploys 1.4.2 with a guard."""

    clock: ManualClock
    cluster: ClusterDouble
    gauge: Gauge
    tools: Toolbox
    hands: Executor
    registry: Registry
    trips: list[Trip] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    begun: list[float] = field(default_factory=list)  # when somebody began to watch

    def plan(self, guard: str | None = DOUBLES, **more: Any) -> Plan:
        given = {"verb": "deploy", "service": "checkout", "environment": "prod", "version": "1.4.2", "guard": guard}
        action = self.registry.parse({**given, **more})
        assert isinstance(action, Change)
        return self.hands.plan(action, "policy-1")

    def run(self, plan: Plan, leave: Callable[[Trip], Grant] | None = None, stop: int = 10_000) -> Outcome:
        """To its end; `stop`: after so many questions whether to stop."""
        grant = Grant(request_id="req-1", digest=plan.digest, expires_at=self.clock.now() + timedelta(seconds=30))
        left = iter(range(stop))
        record = Record(leave or self.leave(plan), self.began)
        return self.hands.execute(plan, grant, self._progress, lambda: next(left, None) is None, record)

    def watch_on(self, plan: Plan, gone: float = 0.0, stop: int = 10_000) -> Outcome:
        """Another runner, after nobody watched for so many seconds."""
        hands, left = Executor(self.registry, self.tools), iter(range(stop))
        self.clock.advance(gone)
        record = Record(self.leave(plan), self.began)
        return hands.watch_on(plan, "req-1", self._progress, lambda: next(left, None) is None, record)

    def began(self) -> float:
        """As the ledger has it."""
        self.begun.append(self.clock.steady())
        return self.begun[-1] - self.begun[0]

    def leave(self, plan: Plan) -> Callable[[Trip], Grant]:
        """As the runner gives it."""

        def give(trip: Trip) -> Grant:
            self.trips.append(trip)
            assert plan.way_back
            until = self.clock.now() + timedelta(seconds=30)
            return Grant(request_id=objects.back_id("req-1"), digest=plan.way_back.digest, expires_at=until)

        return give

    def image(self) -> str:
        return str(self.cluster.objects[CHECKOUT]["spec"]["template"]["spec"]["containers"][0]["image"])

    def _progress(self, step: Step) -> None:
        self.steps.append(step.text)
