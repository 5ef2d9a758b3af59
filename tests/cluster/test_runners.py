"""E1, L1: two runners on one store and one real control plane bring one revision an approval, and one outcome.

TWOKEY_TEST_APPROVALS says how many approvals (500 were run), TWOKEY_TEST_STORE on which store.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from actions.action import Change
from actions.clock import SystemClock
from actions.registry import Registry
from actions.verbs import VERBS
from actions.verbs.deploy import Deploy
from actions.verbs.restart import Restart
from actions.verbs.rollback import Rollback
from approvals import audit, policy
from approvals.gate import Gate
from approvals.ledger import Ledger
from approvals.request import Request, State
from approvals.store import open_store
from tests.approvals.doubles import ANA, BEN, PLAYGROUND, Folk, Rules
from tests.cluster.shop import Shop
from tests.stores import store_url
from tests.waiting import until

APPROVALS = int(os.environ.get("TWOKEY_TEST_APPROVALS", "20"))
RESTART = Restart(service="checkout", environment="prod")


@contextmanager
def a_runner(shop: Shop, store: Path) -> Iterator[tuple[Gate, Ledger]]:
    """As in a process of its own: its own connections to the store and to the cluster, its own executor."""
    engine = open_store(store_url(store), patience=60.0)
    clock, registry = SystemClock(), Registry(VERBS)
    ledger = Ledger(engine, clock, registry)
    yield Gate(Rules(policy.load(PLAYGROUND)), Folk(), ledger, shop.hands().executor, registry, clock), ledger
    engine.dispose()


def revision(shop: Shop) -> int:
    return int(shop.read("deployments/checkout")["metadata"]["annotations"]["deployment.kubernetes.io/revision"])


def test_an_undo_of_a_rollout_that_hangs_is_approved_by_itself_and_does_not_wait(shop: Shop, tmp_path: Path) -> None:
    """E1, E3: the card of a running deploy offers it; the deploy is no longer watched, and read back as what it is."""
    with a_runner(shop, tmp_path / "store") as (one, ledger), a_runner(shop, tmp_path / "store") as (other, _):
        stuck = approved(one, Deploy(service="checkout", environment="prod", version="2.0-slow"))
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(one.run, stuck.id)
            until(lambda: run.done() or ledger.get(stuck.id).step is not None, "the rollout watched")
            undo = Registry(VERBS).parse(stuck.plan.undo or {})
            assert isinstance(undo, Rollback)
            back = approved(other, undo)
            until(lambda: other.run(back.id).state is not State.READY, "the target free")
            assert run.result(60).state is State.UNKNOWN
        assert ledger.get(back.id).state is State.SUCCEEDED, ledger.get(back.id).outcome
        assert shop.image("deployments/checkout", "checkout") == "registry.example/checkout:1.0"
        one.tick()
        ended = ledger.get(stuck.id)
        assert (ended.state, ended.outcome and ended.outcome.ok) == (State.FAILED, False)


def approved(gate: Gate, action: Change) -> Request:
    """Asked for by ana, and approved by ben."""
    request = gate.submit(action, ANA, {"channel": "C0OPS"})
    return gate.decide(request.id, request.plan.digest, BEN, approve=True)


def test_two_runners_bring_one_revision_an_approval(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both take up every approved request at once."""
    shop.patch("deployments/checkout/scale", {"spec": {"replicas": 1}}, "merge")
    shop.settle("deployments/checkout")
    first, began, took = revision(shop), time.monotonic(), []
    with a_runner(shop, tmp_path / "store") as (one, ledger), a_runner(shop, tmp_path / "store") as (other, _):
        with ThreadPoolExecutor(2) as pool:
            for number in range(1, APPROVALS + 1):
                request = approved(one, RESTART)
                started = time.monotonic()
                for run in [pool.submit(each.run, request.id) for each in (one, other)]:
                    run.result()
                took.append(time.monotonic() - started)
                after = ledger.get(request.id)
                assert after.state is State.SUCCEEDED, after
                assert revision(shop) == first + number
                for each in (one, other):
                    each.tick()
        kinds = Counter(str(entry.fields["kind"]) for entry in ledger.entries())
        assert isinstance(audit.verify(ledger.entries()), audit.Verified)
    assert kinds["request.running"] == kinds["request.succeeded"] == APPROVALS
    assert not kinds["outcome.late"] + kinds["request.unknown"]
    with capsys.disabled():
        median, wall = sorted(took)[len(took) // 2], time.monotonic() - began
        sys.stdout.write(f"\nE1: {APPROVALS} approvals, two runners, {APPROVALS} revisions, one each: ")
        sys.stdout.write(f"{wall:.0f} s in all, a run {median:.2f} s (median), {max(took):.2f} s at most\n")
