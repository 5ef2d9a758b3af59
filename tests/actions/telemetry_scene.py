"""A toolbox over the town's own Prometheus and Loki, asked over HTTP, with a cluster that only answers reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from actions import yamlfile
from actions.catalog import Catalog
from actions.clients.loki import LokiLogs
from actions.clients.prometheus import PrometheusMetrics
from actions.clients.protocols import (
    Autoscaler,
    Budget,
    ChangeRecord,
    Event,
    LogLine,
    Pod,
    Quota,
    Revision,
    WorkloadRef,
)
from actions.errors import SourceError
from actions.outcome import Step
from actions.plan import Patch
from actions.toolbox import Toolbox
from bot.playground.host import Host
from bot.playground.town import telemetry
from tests.town.timelines import FakeTimeline

CATALOG = """
environments: {prod: {}, staging: {}}
services:
  payments:
    max_replicas: 12
    runbooks:
      - {title: Payments latency, url: "https://runbooks.example/payments", symptoms: [slow, latency, timeout]}
      - {title: Payments refunds, url: "https://runbooks.example/refunds", symptoms: [refund]}
  checkout: {}
"""


def catalog(text: str = CATALOG) -> Catalog:
    return yamlfile.parse(text, Catalog, "catalog.yaml")


@dataclass
class ReadingCluster:
    """Answers the reads of Cluster with what a test put into it; `broken` is raised instead, where set."""

    replicas: int = 6
    template: Mapping[str, Any] = field(default_factory=dict)
    revision_list: list[Revision] = field(default_factory=list)
    pod_list: list[Pod] = field(default_factory=list)
    event_list: list[Event] = field(default_factory=list)
    lines: list[LogLine] = field(default_factory=list)
    scaler: Autoscaler | None = None
    broken: SourceError | None = None

    def workload(self, ref: WorkloadRef) -> dict[str, Any]:
        self._answer()
        return {"metadata": {"name": ref.name}, "spec": {"replicas": self.replicas, "template": self.template}}

    def patch(
        self, ref: WorkloadRef, patch: Patch, *, verb: str, request_id: str | None, dry_run: bool = False
    ) -> dict[str, Any]:
        raise AssertionError("a read sent a patch")

    def revisions(self, ref: WorkloadRef) -> list[Revision]:
        self._answer()
        return self.revision_list

    def pods(self, ref: WorkloadRef) -> list[Pod]:
        self._answer()
        return self.pod_list

    def events(self, ref: WorkloadRef, since: datetime) -> list[Event]:
        self._answer()
        return [event for event in self.event_list if event.at >= since]

    def autoscaler(self, ref: WorkloadRef) -> Autoscaler | None:
        self._answer()
        return self.scaler

    def quotas(self, ref: WorkloadRef) -> list[Quota]:
        raise AssertionError("only a change asks for quotas")

    def budgets(self, ref: WorkloadRef, labels: Mapping[str, str]) -> list[Budget]:
        raise AssertionError("only a change asks for disruption budgets")

    def logs(self, ref: WorkloadRef, since: datetime, limit: int) -> list[LogLine]:
        self._answer()
        return [line for line in self.lines if line.at >= since][-limit:]

    def _answer(self) -> None:
        if self.broken is not None:
            raise self.broken


@dataclass
class Remembered:
    """The ledger's memory, as given."""

    records: Sequence[ChangeRecord] = ()

    def recent(self, service: str | None, environment: str | None, since: datetime) -> Sequence[ChangeRecord]:
        return [r for r in self.records if r.at >= since]


def revision(number: int, version: str, created_at: datetime, name: str = "payments") -> Revision:
    template = {"spec": {"containers": [{"name": name, "image": f"registry.example/{name}:{version}"}]}}
    return Revision(number, f"{name}-{number}", created_at, template, {}, 6)


def deploys(now: datetime) -> list[Revision]:
    """3.11.0 forty minutes ago, 3.10.4 the day before."""
    return [
        revision(2, "3.11.0", now - timedelta(minutes=40)),
        revision(1, "3.10.4", now - timedelta(hours=30)),
    ]


def ignore(_: Step) -> None:
    """Progress that nobody watches."""


@contextmanager
def scene(world: FakeTimeline, cluster: ReadingCluster, changes: Sequence[ChangeRecord] = ()) -> Iterator[Toolbox]:
    """The toolbox, while the town's telemetry answers on a port of its own."""
    app = web.Application()
    app.add_routes(telemetry.routes(world))
    with Host(app) as url:
        yield Toolbox(
            catalog=catalog(),
            cluster=cluster,
            clock=world.clock,
            metrics=PrometheusMetrics(f"{url}/prometheus"),
            logs=LokiLogs(url),
            changes=Remembered(changes),
        )
