"""A slow, broken or flapping API server: one clear sentence in time, and at most one effect an approval (E1)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from actions.errors import Unreachable
from tests.cluster.shop import PACE, Hands, Shop
from tests.cluster.wire import Fate, Wire, wire_to
from tests.ports import held_port
from tests.waiting import until

SOON = 1.0  # seconds that a test gives a plan, or a look, of which no answer is to come in time
PATIENT = 4.0  # seconds for an answer where others do come in time, however busy the machine is
LATEST = 30.0  # seconds within which a person was told, however busy it is; a socket's own timeout says nothing
BATCH = 40  # requests between two times that an API server goes away; a plan takes fewer


@pytest.fixture
def wire(shop: Shop) -> Iterator[Wire]:
    with wire_to(shop.plane) as found:
        yield found


def hands(shop: Shop, wire: Wire, plan: float = PACE.plan) -> Hands:
    """By way of the wire alone, and soon tired of it."""
    return shop.hands(server=wire.url, pace=replace(PACE, plan=plan, step=0.05, blind=SOON), patience=PATIENT)


def generation(shop: Shop) -> int:
    return int(shop.read("deployments/checkout")["metadata"]["generation"])


@pytest.mark.parametrize(
    ("fate", "sentence"),
    [
        ("late", r"^The cluster is too slow: it did not answer about .* in time\.$"),
        ("dripping", r"^The cluster is too slow: it did not answer about Deployment checkout in .* in time\.$"),
        ("trickling", r"^The cluster is too slow: it did not answer about Deployment checkout in .* in time\.$"),
        ("broken", r"^The cluster answered 500 about Deployment checkout in .*: the server is broken\.$"),
        ("lost", r"^The cluster did not answer about Deployment checkout in .*\.$"),
    ],
)
def test_a_plan_is_given_up_in_time_with_one_sentence(shop: Shop, wire: Wire, fate: Fate, sentence: str) -> None:
    """One deadline for all answers: each of the late ones would be in time by itself."""
    planner = hands(shop, wire, plan=SOON if fate in ("late", "dripping") else PACE.plan)
    wire.fate, wire.delay = (lambda method, path: fate), SOON / 3
    began = time.monotonic()
    with pytest.raises(Unreachable, match=sentence):
        planner.plan("deploy", version="2.0")
    assert time.monotonic() - began < LATEST
    assert wire.patches() == 0


@pytest.mark.parametrize("fate", ["late", "dripping", "trickling"])
def test_a_patch_whose_answer_is_too_slow_is_read_back_and_happens_once(shop: Shop, wire: Wire, fate: Fate) -> None:
    """E1."""
    calm = shop.hands(server=wire.url, pace=replace(PACE, step=0.05), patience=PATIENT)
    plan, before, slow = shop.hands().plan("deploy", version="2.0"), generation(shop), iter([fate])
    wire.delay = 2 * PATIENT
    wire.fate = lambda method, path: next(slow, "") if method == "PATCH" and "dryRun" not in path else ""
    assert calm.execute(plan).ok
    assert generation(shop) == before + 1
    assert wire.patches() == 1


def test_an_api_server_that_answers_no_patch_is_left_alone_after_a_few_tries(shop: Shop, wire: Wire) -> None:
    """E1: nobody can tell, so that is what is said; it is read back later."""
    quick = hands(shop, wire)
    plan, before = shop.hands().plan("deploy", version="2.0"), generation(shop)
    wire.fate = lambda method, path: "broken" if method == "PATCH" else ""
    outcome = quick.execute(plan, "request-1")
    assert (outcome.ok, generation(shop)) == (None, before)
    assert outcome.summary.startswith("I cannot tell whether it happened: The cluster answered 500 about")


@pytest.mark.parametrize("fate", ["late", "dripping", "trickling", "broken", "lost"])
def test_a_watch_that_sees_nothing_any_more_ends_in_time_and_the_truth_is_read_later(
    shop: Shop, wire: Wire, fate: Fate
) -> None:
    quick = hands(shop, wire)
    plan, before, watched = shop.hands().plan("deploy", version="2.0"), generation(shop), threading.Event()
    wire.delay = 2 * PATIENT
    wire.fate = lambda method, path: fate if wire.patches() else ""
    began = time.monotonic()
    outcome = quick.execute(plan, "request-1", lambda step: watched.set())
    assert time.monotonic() - began < LATEST
    assert outcome.ok is None
    assert outcome.summary.count(".") <= 3, "a few short sentences"
    wire.fate = lambda method, path: ""
    shop.settle("deployments/checkout")
    found = quick.executor.reconcile(plan, "request-1")
    assert found is not None
    assert found.ok
    assert generation(shop) == before + 1


@contextmanager
def flapping(wire: Wire, shop: Shop) -> Iterator[str]:
    """The address of an API server that refuses connections, serves a batch, refuses … until the block ends."""
    over = threading.Event()

    def flap(port: int) -> None:
        while not over.wait(0.2):
            with wire_to(shop.plane, port) as up:
                while len(up.passed) < BATCH and not over.wait(0.01):
                    pass
            wire.taken += up.taken

    with held_port() as port:
        thread = threading.Thread(target=flap, args=(port,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            over.set()
            thread.join()


def test_an_api_server_that_flaps_brings_plans_or_sentences_and_one_effect(shop: Shop, wire: Wire) -> None:
    """E1: connections are refused and cut all the time."""
    with flapping(wire, shop) as address:
        shaken = shop.hands(server=address, pace=replace(PACE, step=0.1))
        plans, sentences = [], set()

        def planned() -> bool:
            try:
                plans.append(shaken.plan("deploy", version="2.0"))
            except Unreachable as error:
                sentences.add(error.say)
            return bool(plans)

        until(planned, "a plan")
        before = generation(shop)
        outcome = shaken.execute(plans[0], "request-1")
    assert all(said.startswith("The cluster did not answer about") for said in sentences), sentences
    after = generation(shop)
    assert after - before == wire.patches() == (0 if outcome.ok is False else 1) or (outcome.ok, after - before) == (
        None,
        0,
    )
