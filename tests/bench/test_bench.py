"""Every measurement runs, in small. How fast anything is, is said by the bench and never asserted."""

from __future__ import annotations

import json

import pytest

from tests.bench.__main__ import TINY, measured
from tests.bench.figures import Json, budget, quantile, spread, target


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Json:
    return measured(tmp_path_factory.mktemp("bench"), TINY)


def test_everything_is_one_json_object_with_the_machine_it_ran_on(found: Json) -> None:
    assert json.loads(json.dumps(found)) == found
    rooms = {"interpret", "model", "audit", "decisions", "start", "cluster", "latency"}
    assert set(found) == {"machine", *rooms, "targets"}
    assert found["machine"]["cores"] >= 1
    assert found["machine"]["python"].startswith("3.")
    assert all(found[room]["what"] for room in rooms)
    assert found["model"]["10_services"]["characters_max"] < 4_500
    assert found["model"]["overhead"]["gateway"]["n"] == TINY.calls
    assert found["model"]["at_once"]["readings_per_s"] > 0


def test_reading_recording_and_starting_give_figures(found: Json) -> None:
    read = found["interpret"]["10_services"]
    assert read["n"] == TINY.rounds * found["interpret"]["sentences"]
    assert 0 < read["p50_us"] <= read["p99_us"] <= read["max_us"]
    for store in ("sqlite", "postgresql"):
        if isinstance(found["audit"][store], str):
            assert "no PostgreSQL" in found["audit"][store]
            continue
        assert found["audit"][store]["append"]["n"] == TINY.appends
        assert found["audit"][store]["appends_per_s"] > 0
        assert found["audit"][store]["verified_n"] == TINY.entries
        assert found["audit"][store]["verified_peak_mib_by_one"] > 0
        assert found["decisions"][store]["decision"]["n"] == TINY.decisions
        assert found["decisions"][store]["decide_to_running"]["n"] == TINY.decisions
        assert found["decisions"][store]["burst"]["decisions_per_s"] > 0
    assert found["start"]["serve_seconds"] > 0
    assert found["start"]["serve_resident_mib"] > 0
    assert found["start"]["demo_seconds_to_page"] > 0


def test_every_event_is_acknowledged_and_gets_its_card_beside_a_bare_app(found: Json) -> None:
    at = found["latency"]["5_per_s"]
    for app, what in (("product", "card"), ("bare", "message")):
        sent = at[app]["sent"]
        assert (at[app]["ack"]["n"], at[app][what]["n"], at[app]["never_shown"]) == (sent, sent, 0)
        assert 0 < at[app][what]["p50_ms"] <= at[app][what]["p99_ms"]
    two = at["two_gateways"]
    assert (two["sent"], two["card"]["n"], two["never_shown"]) == (sent, sent, 0)
    assert at["ratio"]["ack"]["p50"] > 0
    assert at["ratio"]["card_to_message"]["p99"] > 0


def test_what_an_event_costs_says_how_many_are_carried(found: Json) -> None:
    assert found["latency"]["5_per_s"]["product"]["cores"] >= 1
    alone = budget(0.010, 0.005, cores=2)  # the app's one core is full first
    assert (alone["app_cpu_ms_per_event"], alone["sustainable_per_s"]) == (10.0, 100)
    assert budget(0.010, 0.005, cores=2, processes=2)["sustainable_per_s"] == 133  # then all cores are, by both
    shared = budget(0.010, 0.030, cores=2)  # all of them are full first
    assert (shared["playground_cpu_ms_per_event"], shared["sustainable_per_s"]) == (30.0, 50)
    assert budget(0.0, 0.0, cores=2)["sustainable_per_s"] is None  # less than the clock can tell


def test_a_target_stands_beside_every_figure_that_has_one(found: Json) -> None:
    count = 3 + 3 * sum(not isinstance(found["audit"][store], str) for store in ("sqlite", "postgresql"))
    assert [set(one) for one in found["targets"]] == [{"target", "measured", "met"}] * count
    assert target("quick", 1.0, 2)["met"]
    assert not target("quick", 2.0, 2)["met"]
    assert target("many", 2.0, 2, at_least=True)["met"]
    assert not target("many", 1.9, 2, at_least=True)["met"]


def test_quantiles_are_of_the_values_themselves() -> None:
    hundred = [float(number) for number in range(100, 0, -1)]
    assert (quantile(hundred, 0.5), quantile(hundred, 0.99), quantile([7.0], 0.99)) == (50.0, 99.0, 7.0)
    assert spread(hundred, "ms") == {"p50_ms": 50_000.0, "p99_ms": 99_000.0, "max_ms": 100_000.0, "n": 100}
    assert spread([], "us") == {"n": 0}
