"""L1, E1, E2: whatever kills or stops a process and wherever, at most one effect, a whole log, and all goes on.

Each case is named by the store, the part, the system call and its number, so a failure is made again by its name.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from actions.action import Change
from actions.objects import back_id
from approvals import audit
from approvals.request import Request, State
from approvals.runner import LEASE
from approvals.store import StoreDown
from tests import postgres
from tests.approvals.doubles import BEN, GUARDED, SCALE, House
from tests.hostile import strace
from tests.hostile.outside import Cluster, World
from tests.hostile.strace import Victim, injection
from tests.stores import template

pytestmark = pytest.mark.skipif(not strace.INSTALLED, reason="no strace: apt-get install strace")

ROOT = Path(__file__).parents[2]
LEAST = 10  # writing calls of one part; fewer would mean that nothing happens
STORES = [
    "sqlite",
    pytest.param(
        "postgres",
        marks=pytest.mark.skipif(postgres.binaries() is None, reason="no PostgreSQL: apt-get install postgresql"),
    ),
]


class Scene:
    """A world, the process to which things happen in it, and one that lives through everything."""

    def __init__(self, folder: Path, url: str) -> None:
        self.world = World(folder, url)
        self.witness: House = self.world.house()
        self.impatient = self.world.house(patience=0.05)
        command = [sys.executable, "-m", "tests.hostile.victim", str(folder), url]
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.victim = Victim(folder, process)
        self.seen: set[str] = set()

    def approved(self, action: Change = SCALE) -> Request:
        """A request that is ready."""
        return self.witness.approved(action)

    def orphan(self) -> Request:
        """A guarded run whose runner died when its change was in place."""
        died = self.world.house()

        def die() -> None:
            raise KeyboardInterrupt

        assert isinstance(died.hands, Cluster)
        died.hands.in_place = die
        request = self.approved(GUARDED)
        with pytest.raises(KeyboardInterrupt):
            died.gate.run(request.id)
        died.close()
        self.world.advance(LEASE.total_seconds())
        return request

    def resume(self) -> list[Request]:
        """The others go on: what waits is decided, what is ready runs, what is lost is read back. The new requests."""
        gate, ledger = self.witness.gate, self.witness.ledger
        for request in ledger.waiting():
            gate.decide(request.id, request.plan.digest, BEN, approve=True)
        self.world.advance(LEASE.total_seconds())
        for request in gate.forsaken():
            gate.watch_on(request.id)
        gate.tick()
        for request in ledger.ready():
            gate.run(request.id)
        gate.tick()
        assert [name for name, state in ledger.states().items() if not state.final] == []
        fresh = [request for request in ledger.recent(100) if request.id not in self.seen]
        self.seen.update(request.id for request in fresh)
        return fresh

    def check(self) -> None:
        """The laws that hold after anything."""
        ledger, landed = self.witness.ledger, self.world.cluster.landed()
        entries = [entry.fields for entry in ledger.entries()]
        assert len(set(landed)) == len(landed), "an effect twice"
        assert isinstance(audit.verify(ledger.entries()), audit.Verified)
        assert audit.disagreement(audit.replay(entries), ledger.states()) is None
        intended, tripped, late = (
            {entry["request"] for entry in entries if entry["kind"] == kind}
            for kind in ("request.running", "request.guard_tripped", "outcome.late")
        )
        assert set(landed) <= intended | {back_id(name) for name in tripped}, "an effect without its intent"
        for request in ledger.recent(1000):
            said = request.state in {State.SUCCEEDED, State.ROLLED_BACK}
            assert said == (request.id in landed) or request.id in late, request
            back = request.state is State.ROLLED_BACK
            assert back == (back_id(request.id) in landed) or request.id in late, request

    def close(self) -> None:
        """Everybody goes home."""
        self.witness.close()
        self.impatient.close()
        assert self.victim.process.stdin
        assert self.victim.process.stdout
        self.victim.process.stdin.close()
        self.victim.process.wait(strace.PATIENCE)
        self.victim.process.stdout.close()


@pytest.fixture
def scene(store: str, tmp_path: Path) -> Iterator[Scene]:
    """On a fresh store."""
    server = postgres.server() if store == "postgres" else None
    name = server.create(template()) if server else ""
    made = Scene(tmp_path, server.url(name) if server else f"sqlite:///{tmp_path / 'twokey.db'}")
    yield made
    made.close()
    if server:
        server.drop(name)


@pytest.mark.parametrize("store", STORES)
def test_a_gateway_killed_at_any_writing_call_leaves_a_request_that_goes_on_or_none(scene: Scene, store: str) -> None:
    """E2, L1: from the sentence to the approval; what was not recorded was not asked."""

    def strike(kind: str, number: int) -> bool:
        ended = strace.struck(scene.victim, "gateway", *injection("signal=KILL", number, kind))
        fresh = scene.resume()
        assert len(fresh) <= 1, f"{store} gateway {kind} {number}"
        assert all(request.state is State.SUCCEEDED for request in fresh), f"{store} gateway {kind} {number}"
        assert ended in {0, -9}, f"{store} gateway {kind} {number}"
        return ended == -9

    assert strace.at_every_call(strike) > LEAST
    scene.check()


def runner_killed(scene: Scene, name: str, action: Change, kind: str, number: int) -> bool:
    """Whether it died of this call while it ran a request for the action; what was left goes on either way."""
    order = f"runner {scene.approved(action).id}"
    ended = strace.struck(scene.victim, order, *injection("signal=KILL", number, kind))
    scene.resume()
    assert ended in {0, -9}, f"{name} {kind} {number}"
    return ended == -9


@pytest.mark.parametrize("store", STORES)
def test_a_runner_killed_at_any_writing_call_has_one_effect_or_none(scene: Scene, store: str) -> None:
    """E1, E2, L1: from the start to the outcome, the patch itself among the calls."""
    assert strace.at_every_call(partial(runner_killed, scene, f"{store} runner", SCALE)) > LEAST
    scene.check()
    assert "request.unknown" in scene.witness.kinds(), "killed while it ran"


@pytest.mark.parametrize("store", STORES)
def test_a_runner_killed_at_any_writing_call_of_a_guarded_run_rolls_back_once_or_never(
    scene: Scene, store: str
) -> None:
    """E1, E2, L1: both effects and both intents among the calls; who reads it back sends nothing."""
    assert strace.at_every_call(partial(runner_killed, scene, f"{store} guarded", GUARDED)) > LEAST
    scene.check()
    states = set(scene.witness.ledger.states().values())
    assert states >= {State.ROLLED_BACK, State.SUCCEEDED}, "killed before its rollback, and after"


@pytest.mark.parametrize("store", STORES)
def test_whoever_takes_a_watch_over_is_killed_at_any_writing_call_and_it_rolls_back_once_or_never(
    scene: Scene, store: str
) -> None:
    """E1, E2, L1: the take-over, the beginning, the leave, the rollback and its outcome; a third one goes on."""

    def strike(kind: str, number: int) -> bool:
        request = scene.orphan()
        ended = strace.struck(scene.victim, f"watcher {request.id}", *injection("signal=KILL", number, kind))
        assert ended in {0, -9}, f"{store} watcher {kind} {number}"
        scene.resume()
        return ended == -9

    assert strace.at_every_call(strike) > LEAST
    scene.check()
    states = list(scene.witness.ledger.states().values())
    assert states.count(State.ROLLED_BACK) > states.count(State.SUCCEEDED) > 0, "killed between leave and rollback"
    taken = [e.fields["request"] for e in scene.witness.ledger.entries() if e.fields["kind"] == "request.taken_over"]
    assert len(taken) > len(set(taken)), "taken over once more from one who had"


@pytest.mark.parametrize("store", ["sqlite"])
def test_whoever_takes_a_watch_over_and_is_stopped_past_its_lease_rolls_nothing_back_late(
    scene: Scene, store: str
) -> None:
    """E2: a third one has taken it over by then, or settled it."""

    def strike(kind: str, number: int) -> bool:
        request = scene.orphan()
        with strace.stopped(scene.victim, f"watcher {request.id}", kind, number) as there:
            scene.world.advance(LEASE.total_seconds())
            with contextlib.suppress(StoreDown):
                scene.impatient.gate.watch_on(request.id)
        assert scene.victim.end() in {0, 3}, f"{store} watcher {kind} {number}"
        scene.resume()
        return there

    assert strace.at_every_call(strike) > LEAST
    scene.check()


@pytest.mark.parametrize("store", ["sqlite"])
def test_a_runner_stopped_past_its_lease_in_a_guarded_run_rolls_nothing_back_late(scene: Scene, store: str) -> None:
    """E2: when it wakes up another one has settled its run, and it gets no leave any more."""

    def strike(kind: str, number: int) -> bool:
        with strace.stopped(scene.victim, f"runner {scene.approved(GUARDED).id}", kind, number) as there:
            scene.world.advance(LEASE.total_seconds())
            with contextlib.suppress(StoreDown):
                scene.impatient.gate.tick()
        assert scene.victim.end() in {0, 3}, f"{store} guarded {kind} {number}"
        scene.resume()
        return there

    assert strace.at_every_call(strike) > LEAST
    scene.check()


@pytest.mark.parametrize("store", STORES)
def test_a_runner_stopped_past_its_lease_at_any_writing_call_overwrites_nothing(scene: Scene, store: str) -> None:
    """E2: it wakes up when another one has settled its run by reading."""

    def strike(kind: str, number: int) -> bool:
        with strace.stopped(scene.victim, f"runner {scene.approved().id}", kind, number) as there:
            scene.world.advance(LEASE.total_seconds())
            with contextlib.suppress(StoreDown):  # it may be stopped with the store's lock in its hands
                scene.impatient.gate.tick()
        assert scene.victim.end() in {0, 3}, f"{store} runner {kind} {number}"
        scene.resume()
        return there

    assert strace.at_every_call(strike) > LEAST
    scene.check()


@pytest.mark.parametrize("store", ["sqlite"])
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
@pytest.mark.parametrize("part", ["gateway", "runner"])
def test_a_disk_that_is_full_or_broken_at_any_call_on_the_store_loses_and_doubles_nothing(
    scene: Scene, store: str, part: str, error: str
) -> None:
    """L1, E1: the store says that it is down, and what was acknowledged is there."""
    file = scene.world.url.removeprefix("sqlite:///")
    only = ("-P", file, "-P", f"{file}-wal", "-P", f"{file}-shm")
    ends: set[int] = set()

    def strike(kind: str, number: int) -> bool:
        order = part if part == "gateway" else f"{part} {scene.approved().id}"
        ended = strace.struck(scene.victim, order, *only, *injection(f"error={error}", number, kind))
        assert ended in {0, 3}, f"{part} {error} {kind} {number}"
        ends.add(ended)
        scene.resume()
        return "INJECTED" in scene.victim.log.read_text()

    assert strace.at_every_call(strike) > LEAST
    scene.check()
    assert 3 in ends, "it was told"


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("hour", [-3600, 3600])
def test_a_clock_that_jumps_by_an_hour_in_the_middle_of_a_run_doubles_nothing(
    scene: Scene, store: str, hour: int
) -> None:
    """A6, E1: nothing is extended, and nothing happens twice."""
    waiting = scene.witness.asked()
    kind = "fdatasync" if store == "sqlite" else "sendto"
    for number in (1, 2, 3, 4):
        with strace.stopped(scene.victim, f"runner {scene.approved().id}", kind, number):
            scene.world.advance(hour)
        assert scene.victim.end() == 0
        scene.witness.gate.keep_time()
        assert (scene.witness.ledger.get(waiting.id).state is State.EXPIRED) is (hour > 0)
    scene.resume()
    scene.check()
