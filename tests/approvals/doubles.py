"""Small doubles for what the gate leans on: a directory of people, and hands that count what they do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue
from sqlalchemy import Connection, Engine, event

from actions.action import Change, Read
from actions.clock import Clock, ManualClock
from actions.errors import ConfigError, GrantRefused, TwokeyError
from actions.evals.standard import NoBar
from actions.objects import back_id
from actions.outcome import Chart, Grant, Outcome, Step, Trip
from actions.plan import REQUEST_TOKEN, Difference, Guard, Patch, Plan, Precondition, Target
from actions.record import Leave, Record
from actions.registry import Registry
from actions.toolbox import Progress
from actions.verbs import VERBS
from actions.verbs.deploy import Deploy
from actions.verbs.scale import Scale
from approvals import policy
from approvals.actor import Actor, DirectoryDown
from approvals.gate import Gate
from approvals.ledger import Ledger
from approvals.policy_model import Policy
from approvals.request import Request
from approvals.store import open_store
from tests.stores import store_url

PLAYGROUND = Path(__file__).parents[2] / "bot" / "playground" / "policy.yaml"
TEAM = "T0TOWN"
ANA, BEN, CARLA, DORA, BOT = (Actor(team_id=TEAM, user_id=f"U0{n}") for n in ("ANA", "BEN", "CARLA", "DORA", "BOT"))
GROUPS = {
    "engineers": frozenset({ANA, BEN, CARLA}),
    "sre": frozenset({BEN, CARLA}),
    "payments-owners": frozenset({CARLA}),
}
SCALE = Scale(service="checkout", environment="prod", replicas=5)
PAYMENTS = Scale(service="payments", environment="prod", replicas=8)
DEV = Scale(service="checkout", environment="dev", replicas=2)
GUARDED = Deploy(service="checkout", environment="prod", version="1.4.2", guard="error_rate x2 within 10m")
TRIP = Trip(measured="0.05", limit="0.008", after=65)
DONE = Outcome(ok=True, summary="done", evidence=(Chart(title="errors", png=b"cGl4ZWxz", alt="no errors"),))


class Folk:
    """A directory whose groups can change, and which can be down."""

    def __init__(self) -> None:
        self.groups = dict(GROUPS)
        self.people = {ANA, BEN, CARLA, DORA}
        self.down = False
        self.asked: list[str] = []

    def members(self, sources: Mapping[str, Mapping[str, object]]) -> dict[str, frozenset[Actor]]:
        if self.down:
            raise DirectoryDown
        assert all(sources.values()), "each group's entry in the policy comes along"
        self.asked += sources
        return {group: self.groups.get(group, frozenset()) for group in sources}

    def is_person(self, actor: Actor) -> bool:
        if self.down:
            raise DirectoryDown
        return actor in self.people


def a_plan(action: Change = SCALE, policy_version: str = "v1", replicas: int = 3) -> Plan:
    """A plan as the executor would make it, over a workload that has so many replicas."""
    return Plan(
        action=action.as_json(),
        risk=action.risk,
        policy_version=policy_version,
        target=Target(
            cluster=None,
            namespace=action.environment,
            kind="Deployment",
            name=action.service,
            uid=f"u-{action.service}",
        ),
        differences=(Difference(field="replicas", before=str(replicas), after="5"),),
        patch=Patch(body={"metadata": {"annotations": {"twokey.dev/request": REQUEST_TOKEN}}, "spec": {"replicas": 5}}),
        preconditions=(Precondition(path="spec.replicas", value=replicas),),
        guard=a_guard(action) if isinstance(action, Deploy) and action.guard else None,
    )


def a_guard(action: Deploy) -> Guard:
    """Back to 1.4.1 at twice the errors."""
    marks: dict[str, JsonValue] = {"annotations": {"twokey.dev/request": REQUEST_TOKEN}}
    return Guard(
        metric="error_rate",
        tripwire=str(action.guard),
        query="errors",
        baseline="0.004",
        limit="0.008",
        window=600,
        action={"verb": "rollback", "service": action.service, "environment": action.environment, "to": "1.4.1"},
        differences=(Difference(field="image", before=action.version, after="1.4.1"),),
        patch=Patch(body={"metadata": marks, "spec": {"back": True}}),
        preconditions=(Precondition(path="metadata.uid", value=f"u-{action.service}"),),
    )


@dataclass
class Hands:
    """An executor that does nothing and counts it. `effects` is what would have reached the cluster."""

    effects: list[str] = field(default_factory=list)
    answered: int = 0
    looked: list[Read] = field(default_factory=list)
    replicas: int = 3
    plan_error: TwokeyError | None = None
    check_error: TwokeyError | None = None
    during_check: Callable[[], None] = lambda: None
    before_effect: Callable[[], None] = lambda: None  # may raise: broken before anything happened
    after_effect: Callable[[], None] = lambda: None  # may raise: broken when it had happened
    watched: list[float] = field(default_factory=list)  # for how long, by those who watch on
    in_watch: Callable[[], None] = lambda: None  # while somebody watches on; may raise
    trip: Trip | None = None  # what a guard measures at once
    before_back: Callable[[], None] = lambda: None  # the same for what a guard runs
    after_back: Callable[[], None] = lambda: None
    outcome: Outcome = DONE
    steps: tuple[Step, ...] = ()
    can_read_back: bool = True
    stopped: bool = False
    evals: tuple[str, ...] = ()  # suites of whatever is deployed
    asks: str = "what it asks"  # the standard of every suite; empty where its file cannot be read
    bar: bool = True  # whether the suites have a threshold
    undo: dict[str, JsonValue] | None = None  # of every plan

    def plan(self, action: Change, policy_version: str) -> Plan:
        if self.plan_error:
            raise self.plan_error
        plan = a_plan(action, policy_version, self.replicas)
        return plan.model_copy(update={"evals": self.evals if action.verb == "deploy" else (), "undo": self.undo})

    def parts(self, action: Read) -> Iterator[Read]:
        yield action

    def answer(self, action: Read, progress: Progress) -> Outcome:
        self.answered += 1
        self.looked.append(action)
        return self.outcome

    def standard(self, service: str, suite: str) -> str:
        if not self.bar:
            raise NoBar
        if not self.asks:
            raise ConfigError(f"evals/{suite}.yaml: cannot be read.")
        return self.asks

    def check(self, plan: Plan) -> None:
        self.during_check()
        if self.check_error:
            raise self.check_error

    def execute(
        self,
        plan: Plan,
        grant: Grant,
        progress: Progress,
        stop: Callable[[], bool],
        record: Record,
    ) -> Outcome:
        if grant.digest != plan.digest:
            raise GrantRefused
        self.before_effect()
        self.effects.append(grant.request_id)
        self.after_effect()
        if plan.way_back:
            record.began()
            if self.trip:
                return self._back(plan.way_back, record.leave, self.trip)
        for step in self.steps:
            progress(step)
        self.stopped = stop()
        return self.outcome

    def watch_on(
        self, plan: Plan, request_id: str, progress: Progress, stop: Callable[[], bool], record: Record
    ) -> Outcome:
        if request_id not in self.effects:
            return Outcome(ok=None, summary="it is not in place")
        self.watched.append(record.began())
        self.in_watch()
        if stop():
            return Outcome(ok=None, summary="nobody watches")
        if self.trip and plan.way_back:
            return self._back(plan.way_back, record.leave, self.trip)
        return self.outcome

    def _back(self, back: Plan, leave: Leave, trip: Trip) -> Outcome:
        """The second effect, as the executor does it: leave, the grant, the patch."""
        try:
            grant = leave(trip)
        except GrantRefused as error:
            return Outcome(ok=False, summary=f"not rolled back: {error.say}")
        assert grant.digest == back.digest
        self.before_back()
        self.effects.append(grant.request_id)
        self.after_back()
        return Outcome(ok=False, rolled_back=True, summary="rolled back")

    def reconcile(self, plan: Plan, request_id: str) -> Outcome | None:
        if not self.can_read_back:
            return None
        if back_id(request_id) in self.effects:
            return Outcome(ok=False, rolled_back=True, summary="it was rolled back")
        landed = request_id in self.effects
        return Outcome(ok=landed, summary="it happened" if landed else "it did not happen")


@dataclass
class Rules:
    """Whatever policy a test says is in force."""

    policy: Policy

    def __call__(self) -> Policy:
        return self.policy


@dataclass
class House:
    """A gate with everything around it. Other gates on the same store are made with `beside`."""

    path: Path
    engine: Engine
    clock: ManualClock
    folk: Folk
    hands: Hands
    ledger: Ledger
    gate: Gate
    rules: Rules

    def adopt(self, policy: Policy) -> None:
        """From now on this policy is in force."""
        self.rules.policy = policy

    def beside(self, clock: Clock | None = None) -> House:
        """Another process: its own engine and gate, the same file, people and cluster."""
        return a_house(self.path, clock=self.clock, folk=self.folk, hands=self.hands, reads=clock)

    @property
    def url(self) -> str:
        """The store's address, for other processes."""
        return store_url(self.path)

    def asked(self, action: Change = SCALE, actor: Actor = ANA) -> Request:
        """A submitted request."""
        return self.gate.submit(action, actor, {"channel": "C0OPS"})

    def approved(self, action: Change = SCALE, by: Actor = BEN) -> Request:
        """A submitted and approved request."""
        request = self.asked(action)
        return self.gate.decide(request.id, request.plan.digest, by, approve=True)

    def close(self) -> None:
        """Let go of the store's connections."""
        self.engine.dispose()

    def fill_store(self) -> None:
        """No page more fits into the store, whichever connection asks."""
        event.listen(self.engine, "begin", _no_room)

    def empty_store(self) -> None:
        """There is room again."""
        event.remove(self.engine, "begin", _no_room)
        event.listen(self.engine, "begin", _room)

    def kinds(self) -> list[str]:
        """The kinds of the audit log's entries, in order."""
        return [str(entry.fields["kind"]) for entry in self.ledger.entries()]


OPENED: list[Engine] = []
"""The stores that the running test opened; all are closed at its end."""


def a_house(
    path: Path,
    rules: Policy | None = None,
    clock: ManualClock | None = None,
    folk: Folk | None = None,
    hands: Hands | None = None,
    reads: Clock | None = None,
    url: str | None = None,
    patience: float = 5.0,
) -> House:
    """The playground's policy over the store that goes by this path, or is at this address."""
    clock, folk, hands = clock or ManualClock(), folk or Folk(), hands or Hands()
    engine = open_store(url or store_url(path), patience)
    OPENED.append(engine)
    ledger = Ledger(engine, reads or clock, Registry(VERBS))
    in_force = Rules(rules or policy.load(PLAYGROUND))
    gate = Gate(in_force, folk, ledger, hands, Registry(VERBS), reads or clock)
    return House(path, engine, clock, folk, hands, ledger, gate, in_force)


def _no_room(connection: Connection) -> None:
    connection.exec_driver_sql("PRAGMA max_page_count=1")  # SQLite then takes as many as there are


def _room(connection: Connection) -> None:
    connection.exec_driver_sql("PRAGMA max_page_count=1073741823")


def in_threads(*jobs: Callable[[], object]) -> list[object]:
    """Run all at once; what each returned or raised, in their order."""
    results: list[object] = [None] * len(jobs)
    start = threading.Barrier(len(jobs))

    def work(index: int) -> None:
        start.wait(60)
        try:
            results[index] = jobs[index]()
        except TwokeyError as error:
            results[index] = error

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results
