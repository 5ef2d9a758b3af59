"""What status and history say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from actions.action import Read
from actions.clients.protocols import ChangeRecord
from actions.clock import ManualClock
from actions.executor import Executor
from actions.outcome import Outcome, Table
from actions.registry import Registry
from actions.toolbox import Toolbox
from tests.actions.conftest import CHECKOUT
from tests.actions.doubles import ClusterDouble


class Remembered:
    """A ledger that remembers these."""

    def __init__(self, *records: ChangeRecord) -> None:
        self._records = records

    def recent(self, service: str | None, environment: str | None, since: datetime) -> Sequence[ChangeRecord]:
        return self._records


Ask = Callable[..., Outcome]


@pytest.fixture
def ask(registry: Registry, toolbox: Toolbox) -> Ask:
    def ask(verb: str, *records: ChangeRecord) -> Outcome:
        action = registry.parse({"verb": verb, "service": "checkout", "environment": "prod"})
        assert isinstance(action, Read)
        tools = replace(toolbox, changes=Remembered(*records)) if records else toolbox
        return Executor(registry, tools).answer(action, lambda step: None)

    return ask


def record(clock: ManualClock, request_id: str, state: str = "succeeded", **action: Any) -> ChangeRecord:
    told: Mapping[str, Any] = {"verb": "deploy", "version": "1.4.2", **action}
    return ChangeRecord(request_id, clock.now(), told, state, "ben", ("carla",), "done")


def deployed_by(cluster: ClusterDouble, request_id: str, version: str) -> None:
    cluster.objects[CHECKOUT]["metadata"]["annotations"]["twokey.dev/request"] = request_id
    cluster.deploy(CHECKOUT, version)


def test_status_says_who_brought_the_version_and_when(ask: Ask, cluster: ClusterDouble, clock: ManualClock) -> None:
    deployed_by(cluster, "req-1", "1.4.2")
    told = record(clock, "req-1")
    clock.advance(86_400)
    summary = ask("status", told).summary
    assert summary == (
        "checkout in prod: healthy. 3 of 3 ready · image 1.4.2 since Mon 09:00 UTC (ben, approved by carla)"
    )


def test_status_dates_the_version_and_not_the_last_restart(
    ask: Ask, cluster: ClusterDouble, clock: ManualClock
) -> None:
    clock.advance(3600)
    cluster.edit(CHECKOUT, lambda live: live["spec"]["template"]["metadata"].update(annotations={"restarted": "now"}))
    for _ in range(3):
        cluster.workload(CHECKOUT)
    assert ask("status").summary == "checkout in prod: healthy. 3 of 3 ready · image 1.4.1 since 09:00 UTC"


def test_status_claims_no_date_for_a_version_that_came_back(
    ask: Ask, cluster: ClusterDouble, clock: ManualClock
) -> None:
    """The cluster keeps when a ReplicaSet was first made, and not when it was rolled back to."""
    first = cluster.history[CHECKOUT][0]
    clock.advance(60)
    cluster.deploy(CHECKOUT, "1.4.2")
    clock.advance(60)
    cluster.deploy(CHECKOUT, "1.4.1")
    revisions = cluster.history[CHECKOUT]
    revisions[-1] = replace(revisions[-1], created_at=first.created_at)
    assert ask("status").summary.endswith("image 1.4.1")


def test_status_names_trouble(ask: Ask, cluster: ClusterDouble) -> None:
    cluster.trouble["2.0"] = "OOMKilled"
    cluster.deploy(CHECKOUT, "2.0")
    outcome = ask("status")
    assert outcome.summary.startswith("checkout in prod: in trouble: 3 of 3 pods crash: OOMKilled. 0 of 3 ready")
    assert outcome.details == ("3 pods restarted (OOMKilled)",)


def test_status_of_what_is_stopped_or_changing(ask: Ask, cluster: ClusterDouble) -> None:
    cluster.add(CHECKOUT, replicas=0)
    assert ask("status").summary.startswith("checkout in prod: stopped: it is scaled to 0. 0 of 0 ready")
    cluster.add(CHECKOUT, paused=True)
    cluster.frozen = True
    cluster.objects[CHECKOUT]["spec"]["replicas"] = 5
    outcome = ask("status")
    assert outcome.summary.startswith("checkout in prod: changing. 3 of 5 ready")
    assert outcome.details == ("it is paused: nothing rolls out until somebody resumes it",)


def test_history_merges_the_ledger_and_the_cluster_by_the_request_id(
    ask: Ask, cluster: ClusterDouble, clock: ManualClock
) -> None:
    clock.advance(60)
    deployed_by(cluster, "req-1", "1.4.2")
    told = record(clock, "req-1")
    clock.advance(60)
    scaled = record(clock, "req-2", "failed", verb="scale", change="+2", replicas=None)
    outcome = ask("history", scaled, told)
    (table,) = outcome.evidence
    assert isinstance(table, Table)
    assert table.rows == (
        ("09:02 UTC", "scale +2", "ben, approved by carla", "failed", ""),
        ("09:01 UTC", "deploy 1.4.2", "ben, approved by carla", "succeeded", "2"),
        ("09:00 UTC", "version 1.4.1", "outside of Twokey", "", "1"),
    )
    assert outcome.summary == ("checkout in prod: 3 changes, the last one scale +2, 09:02 UTC (ben, approved by carla)")
    assert [s.label for s in outcome.suggestions] == ["Roll back…"]


def test_history_of_nothing_says_so(ask: Ask, cluster: ClusterDouble) -> None:
    cluster.history[CHECKOUT] = []
    assert ask("history").summary == "checkout in prod: I know of no changes in the last 30 d."


def test_history_names_requests_that_this_ledger_does_not_know(ask: Ask, cluster: ClusterDouble) -> None:
    deployed_by(cluster, "req-9", "1.4.2")
    (table,) = ask("history").evidence
    assert isinstance(table, Table)
    assert [row[2] for row in table.rows] == ["request req-9", "outside of Twokey"]


def test_history_shows_the_newest_thirty(ask: Ask, clock: ManualClock) -> None:
    records = [replace(record(clock, f"req-{n}"), at=clock.now() + timedelta(seconds=n)) for n in range(50)]
    (table,) = ask("history", *records).evidence
    assert isinstance(table, Table)
    assert len(table.rows) == 30


def look_back(registry: Registry, toolbox: Toolbox, records: Sequence[ChangeRecord], **more: Any) -> Outcome:
    """The answer to a question about the past."""
    action = registry.parse({"verb": "history", "service": "checkout", "zone": "Europe/Athens", **more})
    assert isinstance(action, Read)
    return Executor(registry, replace(toolbox, changes=Remembered(*records))).answer(action, lambda step: None)


def past(clock: ManualClock) -> list[ChangeRecord]:
    """Ana and ben have been at work; it is Monday, 11:00 in Athens."""

    def made(number: int, ago: float, by: str, approved: tuple[str, ...], **action: Any) -> ChangeRecord:
        told = {"verb": "deploy", "version": f"1.4.{number}", "service": "checkout", "environment": "prod", **action}
        at = clock.now() - timedelta(hours=ago)
        return ChangeRecord(f"r{number}", at, told, "succeeded", by, approved, "done")

    return [
        made(4, 1, "ana", ("ben",)),
        made(3, 2, "ben", ("carla",), verb="restart", version=None, environment="staging"),
        made(2, 30, "Ana Petrou", ("carla",), environment="staging"),
        made(1, 24 * 9, "ben", ("ana",)),
    ]


@pytest.mark.parametrize(
    ("asked", "summary", "rows"),
    [
        ({"period": "this week", "did": "deploy", "who": "ana", "part": "asked"}, "1 deploy by ana this week", 1),
        ({"period": "today", "who": "carla"}, "1 change that carla asked for or approved today", 1),
        ({"who": "ana", "part": "asked"}, "2 changes by ana in the last 30 d, the last one deploy 1.4.4 in prod", 2),
        ({"who": "ANA", "part": "agreed"}, "1 change that ANA approved", 1),
        ({"period": "yesterday", "part": "agreed"}, "1 change that somebody approved yesterday", 1),
        ({"period": "last week", "did": "restart"}, "I know of no restarts last week.", 0),
        ({"period": "3d", "did": "restart"}, "1 restart in the last 3 d, the last one restart in staging", 1),
        ({"part": "agreed", "environment": None, "service": None}, "every service: 4 changes that somebody", 4),
    ],
)
def test_a_look_back_counts_what_was_asked_for_and_says_the_period(
    registry: Registry,
    toolbox: Toolbox,
    clock: ManualClock,
    cluster: ClusterDouble,
    asked: dict[str, Any],
    summary: str,
    rows: int,
) -> None:
    """A first name is enough; days are the asker's: in Athens Monday is two hours older than in UTC."""
    cluster.history[CHECKOUT] = []
    outcome = look_back(registry, toolbox, past(clock), **asked)
    assert summary in outcome.summary
    tables = [piece for piece in outcome.evidence if isinstance(piece, Table)]
    assert sum(len(table.rows) for table in tables) == rows
    assert all("where" in table.columns for table in tables)


def test_a_deploy_outside_of_twokey_is_among_the_deploys_of_a_week_and_in_no_persons(
    registry: Registry, toolbox: Toolbox, clock: ManualClock, cluster: ClusterDouble
) -> None:
    for more, said in (({}, 1), ({"who": "ana"}, 0), ({"did": "restart"}, 0)):
        outcome = look_back(registry, toolbox, (), environment="prod", period="this week", **more)
        assert ("outside of Twokey" in str(outcome.evidence)) is bool(said)


def test_a_look_back_stands_for_a_look_at_every_place_of_the_catalogue(registry: Registry, toolbox: Toolbox) -> None:
    """A8: so that the policy can say no to each of them."""
    everything = registry.parse({"verb": "history"})
    assert isinstance(everything, Read)
    catalog = toolbox.catalog
    wanted = {(s, e) for s in catalog.services for e in catalog.environments_of(s)}
    found = {(part.as_json()["service"], part.as_json()["environment"]) for part in everything.parts(catalog)}
    assert found == wanted
