"""A11: every state of the model is visited breadth-first, and the product's code is replayed against every edge.

The invariants A1-A10 and E1 are asserted in every state that the product comes to, over a real store.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from actions.action import Change
from actions.clock import ManualClock
from actions.errors import TwokeyError, Unreachable
from actions.objects import back_id
from actions.plan import Plan
from actions.registry import Registry
from actions.verbs import VERBS
from approvals import audit
from approvals.actor import Actor
from approvals.gate import Gate
from approvals.policy import Policy
from approvals.request import Request, State
from approvals.runner import LEASE
from tests.approvals.doubles import GUARDED, SCALE, TEAM, TRIP, Folk, Hands, House, Rules, a_house
from tests.hostile.statemachine import FINAL, STARTED, Shape, World, enough, steps

pytestmark = pytest.mark.sqlite  # states are copied as whole files

PEOPLE = {letter: Actor(team_id=TEAM, user_id=f"U0{letter.upper()}") for letter in "abcdef"}
TIMES = (0, 600, 1200, 3 * 3600)  # seconds after nine; the freeze lasts from 9:10 to 9:20
WHY = "everything is down and nobody is there"
SHAPES = {
    "one of sre": Shape(("sre",), (("sre", "bcd"),), "a"),
    "two of sre": Shape(("sre", "sre"), (("sre", "bcd"),), "a"),
    "three of sre": Shape(("sre", "sre", "sre"), (("sre", "bcdf"),), "a"),  # f never comes, and keeps it reachable
    "one of sre and one of owners": Shape(("sre", "owners"), (("sre", "bc"), ("owners", "bd")), "a"),
    "one of sre, with a guard": Shape(("sre",), (("sre", "bc"),), "a", guarded=True),
    "asked by b, who may break the glass": Shape(("sre",), (("sre", "bc"),), "b"),
}


class Crash(BaseException):
    """The process is gone."""


def a_policy(shape: Shape, marker: str) -> Policy:
    """Freezes at ten past nine for ten minutes; b's key may be lent; sre may break the glass."""
    approvals = [{"from": group, "count": shape.seats.count(group)} for group in dict.fromkeys(shape.seats)]
    rule = {"name": marker, "match": {}, "ask": ["everybody"], "approvals": approvals}
    names = ("everybody", *dict(shape.groups))
    return Policy.model_validate(
        {
            "groups": {name: {"usergroup": f"S0{name.upper()}"} for name in names},
            "rules": [{**rule, "approve_within": "1h", "run_within": "1h"}],
            "freezes": [{"name": "ten minutes", "weekly": {"from": "mon 09:10", "until": "mon 09:20"}}],
            "delegation": {"groups": ["sre"], "to": "anyone", "longest": "1d"},
            "break_glass": {"who": ["sre"], "start_within": "15m"},
        }
    )


class Brief(Hands):
    """Their guards watch no longer than a lease lasts, so that a dead runner's run is settled after two leases."""

    def plan(self, action: Change, policy_version: str) -> Plan:
        plan = super().plan(action, policy_version)
        guard = plan.guard and plan.guard.model_copy(update={"window": LEASE.seconds})
        return plan.model_copy(update={"guard": guard})


@dataclass
class Product:
    """The real gate and ledger, put back into any state that was seen before."""

    shape: Shape
    house: House
    other: Gate  # the same, once another policy holds
    raw: sqlite3.Connection
    request: Request
    seen: dict[World, tuple[sqlite3.Connection, tuple[str, ...]]] = field(default_factory=dict)

    def keep(self, world: World) -> None:
        copy = sqlite3.connect(":memory:")
        self.raw.backup(copy)
        self.seen[world] = (copy, tuple(self.house.hands.effects))

    def go_back_to(self, world: World) -> None:
        copy, effects = self.seen[world]
        copy.backup(self.raw)
        self.house.hands.effects[:] = effects
        self.house.hands.before_effect = self.house.hands.after_effect = lambda: None
        self._set(world)

    def do(self, deed: str, before: World, after: World) -> None:
        """Let it happen to the product; what it refuses, it refuses without a trace but the attempt's."""
        gate = self.other if before.new_policy else self.house.gate
        what, _, who = deed.partition(" ")
        self._prepare(what, deed)
        try:
            if what in {"approve", "deny"}:
                gate.decide(self.request.id, self.request.plan.digest, PEOPLE[who], what == "approve")
            elif deed == "withdraw":
                gate.withdraw(self.request.id, PEOPLE[self.shape.requester])
            elif deed == "break glass":
                gate.break_glass(self.request.id, self.request.plan.digest, PEOPLE[self.shape.requester], WHY)
            elif deed.removeprefix("trip ") in {"run", "crash before", "crash after", "answer lost"}:
                gate.run(self.request.id)
            elif deed.startswith("watch on "):
                gate.watch_on(self.request.id)
            elif deed == "tick":
                gate.tick()
            elif deed == "lend":
                gate.hand_over(PEOPLE["b"], PEOPLE["e"], self.house.clock.now() + timedelta(hours=12))
            elif deed == "take back":
                gate.take_back(PEOPLE["b"])
        except (TwokeyError, Crash):
            pass
        self._set(after)

    def _prepare(self, what: str, deed: str) -> None:
        def crash() -> None:
            raise Crash

        def lost() -> None:
            raise Unreachable

        hands = self.house.hands
        hands.before_effect = crash if deed == "crash before" else lambda: None
        hands.after_effect = {"crash after": crash, "answer lost": lost}.get(deed, lambda: None)
        hands.trip = (
            TRIP if deed.startswith("trip ") or deed in {"watch on crash after", "watch on answer lost"} else None
        )
        hands.in_watch = crash if deed == "watch on crash before" else lambda: None
        hands.before_back = crash if deed == "trip crash before" else lambda: None
        way = deed.removeprefix("trip ").removeprefix("watch on ") if hands.trip else ""
        hands.after_back = {"crash after": crash, "answer lost": lost}.get(way, lambda: None)
        if what in {"tick", "watch"} and self.house.ledger.running():
            self.house.clock.advance(31)  # a dead runner's lease runs out
            if what == "tick" and self.shape.guarded:
                self.house.clock.advance(31)  # and nobody took its watch over

    def _set(self, world: World) -> None:
        """What lies outside of the store: the time, and who is in which group."""
        clock = self.house.clock
        clock.advance((START + timedelta(seconds=TIMES[world.time]) - clock.now()).total_seconds())
        groups = {name: frozenset(PEOPLE[letter] for letter in members) for name, members in self.shape.groups}
        if world.b_left:
            groups["sre"] -= {PEOPLE["b"]}
        self.house.folk.groups = {**groups, "everybody": frozenset(PEOPLE.values())}

    def check(self, before: World, deed: str, world: World) -> None:
        """The product is where the model is, and the promises hold there."""
        now = self.house.ledger.get(self.request.id)
        where = f"{before} --{deed}--> {world}, and the product is {now.state}: {now.reason}"
        assert now.state.value == world.phase, where
        clicked = {(d.approver.user_id, d.key.user_id) for d in now.decisions if d.approve}
        assert clicked == {(PEOPLE[w].user_id, PEOPLE[k].user_id) for w, k in world.approved}, f"A5: {where}"
        effects = [effect for effect in self.house.hands.effects if effect == self.request.id]
        backs = [effect for effect in self.house.hands.effects if effect == back_id(self.request.id)]
        assert len(effects) == world.effects <= 1, f"E1: {where}"
        assert len(backs) == world.backs <= len(effects), f"E1: {where}"
        if effects and not before.effects:
            assert world.glass is not None or enough(self.shape, before), f"A3, A4, A10: {where}"
            assert not before.new_policy, f"A1: {where}"
            assert before.time in {0, 2}, f"A3, A6: {where}"
        assert now.state.value in STARTED or not effects, f"L1: {where}"
        assert now.plan.digest == self.request.plan.digest, f"A1: {where}"
        if before == world:
            return
        entries = list(self.house.ledger.entries())
        assert audit.replay(e.fields for e in entries) == self.house.ledger.states(), f"L5: {where}"


def _unsafe(connection: sqlite3.Connection, _record: object) -> None:
    """Crashes here are exceptions, never the machine's: nothing has to reach the disk."""
    connection.execute("PRAGMA synchronous=OFF")


START = ManualClock().now()


@pytest.fixture(params=SHAPES, ids=lambda name: name.replace(" ", "-"))
def product(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Product]:
    shape, folk = SHAPES[request.param], Folk()
    folk.people = set(PEOPLE.values())
    folk.groups = {name: frozenset(PEOPLE[letter] for letter in members) for name, members in shape.groups}
    folk.groups["everybody"] = frozenset(PEOPLE.values())
    house = a_house(tmp_path / "twokey.db", rules=a_policy(shape, "first"), folk=folk, hands=Brief())
    other = Gate(Rules(a_policy(shape, "second")), folk, house.ledger, house.hands, Registry(VERBS), house.clock)
    event.listen(house.engine, "connect", _unsafe)
    house.engine.dispose()
    raw = sqlite3.connect(tmp_path / "twokey.db")
    _unsafe(raw, None)
    made = Product(shape, house, other, raw, house.asked(GUARDED if shape.guarded else SCALE, PEOPLE[shape.requester]))
    yield made
    for copy, _ in made.seen.values():
        copy.close()
    raw.close()
    house.close()


def test_every_edge_of_the_model_is_an_edge_of_the_product(
    product: Product, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    """A11: breadth-first, so that what goes wrong is shown on a shortest way to it."""
    start, edges = World(), 0
    product.keep(start)
    due, worlds, places = deque([start]), {start}, {start}
    while due:
        before = due.popleft()
        moved = True
        for deed, after in steps(product.shape, before):
            if moved:  # where nothing happened it still is where it was
                product.go_back_to(before)
            product.do(deed, before, after)
            product.check(before, deed, after)
            again = before.phase == "running" and deed.startswith("watch on")  # a second death looks like the first
            moved = after != before or again
            edges += 1
            worlds.add(after)
            if after.place not in places:
                places.add(after.place)
                product.keep(after)
                due.append(after)
    states = {world.phase for world in worlds}
    assert states >= FINAL - ({"rolled_back"} if not product.shape.guarded else set()) | {
        "waiting",
        "ready",
        "running",
        "unknown",
    }
    assert states <= {state.value for state in State}
    with capsys.disabled():
        print(f"\nexplored {request.node.callspec.id}: {len(worlds)} states, {edges} edges")  # noqa: T201 - A11 asks for it
