"""The ledger: every request, every decision and the audit log. The only writer of its tables.

A change of a request is one transaction: the row (only if it still is what was read), the decision and the audit
entry, or none of them (L1). What may happen is decided by the caller's rule *inside* that transaction (A3).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from pydantic import JsonValue
from sqlalchemy import ColumnElement, Connection, Engine, bindparam, case, insert, select, update
from sqlalchemy.exc import IntegrityError

from actions.clock import Clock
from actions.errors import BadInput, TwokeyError
from actions.outcome import EvalRun, Evidence, Step
from actions.registry import Registry
from approvals import audit, logbook, proof, rows, warrant
from approvals.actor import Actor
from approvals.logbook import Logbook
from approvals.moves import Move, MoveRule, Outrun
from approvals.proof import Proofs
from approvals.pulse import Pulse
from approvals.request import Event, Request, State, advance
from approvals.store import glance, reading, writing
from approvals.store.direct import Asked, Direct, Found, together
from approvals.tables import as_text, decisions, evidence, requests
from approvals.watermark import Watermark

# Made once: building a statement costs more than running it.
_ITS_ID = requests.c.id == bindparam("its_id")
_DECISION = tuple(decisions.c.keys())
_SUBMIT = Direct(insert(requests))
_REQUEST = select(requests, *(column.label(f"its_{column.name}") for column in decisions.c))
_REQUEST = _REQUEST.outerjoin(decisions, decisions.c.request_id == requests.c.id)
_ONE = Direct(_REQUEST.where(_ITS_ID).order_by(decisions.c.id))
_READY = select(requests).where(requests.c.state == State.READY).order_by(requests.c.created_at, requests.c.id)
_AS_IT_WAS = _ITS_ID & (requests.c.state == bindparam("its_state")) & (requests.c.rev == bindparam("its_rev"))
_DECIDE = Direct(insert(decisions).values({name: bindparam(name) for name in _DECISION if name != "id"}))
_KEEP = Direct(insert(evidence))
_MINE = _ITS_ID & (requests.c.fence == bindparam("its_fence")) & (requests.c.state == State.RUNNING)
_UNWATCHED = Direct(select(requests.c.unwatched).where(_MINE))
_SAME_RUNS = (requests.c.target == bindparam("target")) & (requests.c.state == State.RUNNING)
_BUSY = Direct(select(requests.c.id).where(_SAME_RUNS).limit(1))
_IDS = 100  # of one statement, which takes only so many values: a quarter's changes are more
_RESTS_ON_THE_LOG = {Event.START, Event.APPROVE, Event.ADOPT, Event.BREAK_GLASS, Event.TRIP, Event.TAKE_OVER}


class NoSuchRequest(BadInput):
    """I know no such request."""


class TargetBusy(TwokeyError):
    """Another change of the same target is still running; this one comes after it."""


@dataclass(frozen=True)
class Recording:
    """A transaction under way, and its time."""

    connection: Connection
    now: datetime

    def add(self, kind: str, data: Mapping[str, JsonValue], actor: Actor | None = None) -> audit.Entry:
        """An audit entry of what is done in this transaction."""
        return logbook.append(self.connection, self.now, kind, None, actor, data)


Heard = Callable[[str, State, Request | None], None]
"""Told of a request that changed, and its state; of a new one all that it is."""

Effect = Callable[[Recording, Request], None]
"""What else follows from a move, in its transaction; it may raise, and then nothing has changed."""


class Ledger:
    """Reads and writes the store. Safe between threads and processes. Every method may raise StoreDown."""

    def __init__(self, engine: Engine, clock: Clock, registry: Registry | None = None) -> None:
        self._engine, self._registry = engine, registry
        self._watermark, self.logbook = Watermark(clock), Logbook(engine)
        self.proofs = Proofs(engine)
        self.on_change: Heard = lambda request_id, state, new: None

    def now(self) -> datetime:
        """The time, never earlier than any process has written (A6)."""
        with writing(self._engine) as connection:
            return self._watermark.read(connection)

    def time(self, connection: Connection) -> datetime:
        """The same, inside a writing transaction of somebody who adds to the log."""
        return self._watermark.read(connection)

    def pulse(self, clock: Clock) -> Pulse:
        """What says of a process in the log that it lives; `clock` is the machine's."""
        return Pulse(self._engine, self._watermark, clock)

    # What is there

    def get(self, request_id: str) -> Request:
        """One request. Raises NoSuchRequest."""
        return _one(glance(self._engine, _ONE, its_id=request_id))

    def waiting(self) -> list[Request]:
        """Those that wait for approvals, oldest first."""
        return self._found(requests.c.state == State.WAITING)

    def waiting_on(self, target: str) -> list[Request]:
        """Those of one target (Target.key) that wait for approvals, oldest first."""
        return self._found(requests.c.state == State.WAITING, requests.c.target == target)

    def ready(self) -> list[Request]:
        """Those that may start, oldest first."""
        with reading(self._engine) as connection:
            return _with_decisions(connection, connection.execute(_READY).mappings().all())

    def overdue(self, now: datetime) -> list[Request]:
        """Those that waited too long for approval or to be started (A6), oldest first."""
        limit = case((requests.c.state == State.WAITING, requests.c.approve_by), else_=requests.c.run_by)
        return self._found(requests.c.state.in_([State.WAITING, State.READY]), limit <= as_text(now))

    def stirring(self, now: datetime) -> list[Request]:
        """Those that wait and whose approvers are to be reminded, or other groups asked too; oldest first."""
        moment = as_text(now)
        remind = requests.c.reminded_at.is_(None) & (requests.c.remind_at <= moment)
        escalate = requests.c.escalated_at.is_(None) & (requests.c.escalate_at <= moment)
        return self._found(requests.c.state == State.WAITING, remind | escalate)

    def unreviewed(self) -> list[Request]:
        """Those for which the glass was broken and that nobody else has looked at yet, oldest first (A10).

        As the table has them; before the glass is broken again, `move` holds them against the log.
        """
        used = [State.READY, State.RUNNING, State.UNKNOWN, State.SUCCEEDED, State.FAILED, State.ROLLED_BACK]
        broken = requests.c.emergency.is_not(None) & requests.c.review.is_(None)
        return self._found(broken, requests.c.state.in_(used))

    def unknown(self) -> list[Request]:
        """Those of which it is not known what became of them, oldest first."""
        return self._found(requests.c.state == State.UNKNOWN)

    def asked_by(self, actor: Actor, limit: int) -> list[Request]:
        """What a person asked for, newest first."""
        return self._found(requests.c.requester_user == actor.user_id, limit=limit, newest=True)

    def recent(self, limit: int, services: Collection[str] | None = None) -> list[Request]:
        """The last ones, newest first; of some services only, where they are given."""
        where = [] if services is None else [requests.c.service.in_(list(services))]
        return self._found(*where, limit=limit, newest=True)

    def changes(self, service: str | None, environment: str | None, since: datetime) -> list[Request]:
        """Those of one service or of all (None), in one environment or in all, newest first.

        Since then means that they were asked for or ended since then.
        """
        recent = (requests.c.created_at >= as_text(since)) | (requests.c.finished_at >= as_text(since))
        where = [] if service is None else [requests.c.service == service]
        where += [] if environment is None else [requests.c.environment == environment]
        return self._found(recent, *where, newest=True)

    def running(self) -> list[Request]:
        """Those that run, oldest first."""
        return self._found(requests.c.state == State.RUNNING)

    def goes_on(self, request_id: str, fence: int) -> bool:
        """Whether a run under this fence still holds its request, and nobody asked to stop."""
        found = glance(self._engine, _UNWATCHED, its_id=request_id, its_fence=fence)
        return bool(found) and not found[0][0]

    def evidence(self, owner: str) -> tuple[Evidence, ...]:
        """What the outcome of a request came with, in its order; nothing while there is none."""
        query = select(evidence.c.piece).where(evidence.c.owner == owner).order_by(evidence.c.position)
        with reading(self._engine) as connection:
            return tuple(rows.to_evidence(piece) for piece in connection.execute(query).scalars())

    # What happens

    def create(self, make: Callable[[datetime], Request], effect: Effect | None = None) -> Request:
        """Record a new request and its whole plan, as `make` has it at this moment, and what else follows from it."""
        with writing(self._engine) as connection:
            now, (newest,) = self._watermark.read_with(connection, logbook.NEWEST)
            request = make(now)
            row = rows.to_row(request)
            said = ("state", "plan", "rule", "requirements", "reason")
            data: dict[str, JsonValue] = {"digest": request.plan.digest, **{name: row[name] for name in said}}
            last = logbook.last(connection, newest)
            _, recorded = logbook.entry(last, now, "request.submitted", request.id, request.requester, data)
            together(connection, _SUBMIT(**row, unwatched=False), recorded)
            if effect:
                effect(Recording(connection, now), request)
        self.on_change(request.id, request.state, request)
        return request

    def move(self, request_id: str, rule: MoveRule, effect: Effect | None = None) -> Request:
        """Let `rule` look at the request inside a transaction of its own, and do what it says; then `effect` as well.

        Raises whatever `rule` raises, and then nothing has changed; NoSuchRequest; Outrun; IllegalMove; Altered where
        the tables and the log differ; TargetBusy where the target is being changed (E3).
        """
        with writing(self._engine) as connection:
            now, (found, newest) = self._watermark.read_with(connection, _ONE(its_id=request_id), logbook.NEWEST)
            before = _one(found)
            move = rule(before, now)
            if move is None:
                return before
            if move.event in _RESTS_ON_THE_LOG:
                warrant.require(connection, before, now)
            if move.event is Event.BREAK_GLASS:
                warrant.require_emergencies(connection)
            if move.event is Event.TRIP:
                warrant.require_declared(connection, before)
            if move.event is Event.TAKE_OVER:
                warrant.require_takeable(connection, before)
            if move.event is Event.START:
                _check_free(connection, before)
            after = _after(before, move)
            data = {**move.data, "state": after.state.value}
            last = logbook.last(connection, newest)
            _, recorded = logbook.entry(last, now, move.kind, request_id, move.actor, data)
            _apply(connection, before, after, move, recorded)
            if effect:
                effect(Recording(connection, now), after)
        self.on_change(request_id, after.state, None)
        return after

    def settle(self, request_id: str, rule: MoveRule) -> Request:
        """The same, for a rule that mostly leaves a request as it is: looks before it begins a transaction."""
        request = self.get(request_id)
        return self.move(request_id, rule) if rule(request, self._watermark.guess()) else request

    def watching(self, request_id: str, fence: int) -> timedelta:
        """Record that the guard of a run watches now, unless somebody did; how long ago it began.

        Raises Outrun where this fence does not hold the run any more, Altered where its entries are not as written.
        """
        with writing(self._engine) as connection:
            now, (found,) = self._watermark.read_with(connection, _ONE(its_id=request_id))
            request = _one(found)
            if request.state is not State.RUNNING or request.fence != fence:
                raise Outrun
            since = warrant.watched_since(connection, request)
            if since is None:
                logbook.append(connection, now, "request.watching", request_id, None, {"fence": fence})
            return now - (since or now)

    def left(self, run: Request) -> bool:
        """Whether the log has it that this run, under this fence, was given leave for its rollback. Raises Altered."""
        with reading(self._engine) as connection:
            return warrant.left_under(connection, run)

    def forsaken(self, now: datetime) -> list[Request]:
        """Guarded runs that nobody keeps alive, oldest first; `now` is the machine's clock, which may be behind."""
        over = requests.c.lease_until <= as_text(now + self._watermark.ahead)
        found = self._found(requests.c.state == State.RUNNING, over)
        return [request for request in found if request.plan.guard]

    def step(self, request_id: str, fence: int, step: Step) -> None:
        """How far a run is that still holds its request. Not audited."""
        mine = (requests.c.id == request_id, requests.c.fence == fence, requests.c.state == State.RUNNING)
        with writing(self._engine) as connection:
            connection.execute(update(requests).where(*mine).values(step=rows.json_of(step), rev=requests.c.rev + 1))
        self.on_change(request_id, State.RUNNING, None)

    def note(
        self,
        kind: str,
        data: Mapping[str, JsonValue] | None = None,
        actor: Actor | None = None,
        request_id: str | None = None,
        run: EvalRun | None = None,
        kept: Sequence[Evidence] = (),
    ) -> None:
        """An audit entry that changes no request: `service.started`, `attempt.refused`, `read.answered`, …

        With the run of an eval it can be found again (`proofs`), and its evidence is `kept` under the run's id.
        """
        with writing(self._engine) as connection:
            said = {**(data or {}), "run": rows.json_of(run)} if run else data or {}
            now, (newest,) = self._watermark.read_with(connection, logbook.NEWEST)
            made, recorded = logbook.entry(logbook.last(connection, newest), now, kind, request_id, actor, said)
            together(connection, recorded)
            if run:
                proof.keep(connection, made.seq, run, kept)

    @contextmanager
    def recording(self) -> Iterator[Recording]:
        """One transaction over another table of this room, with the audit entries of what happens in it."""
        with writing(self._engine) as connection:
            yield Recording(connection, self._watermark.read(connection))

    @contextmanager
    def looking(self) -> Iterator[Connection]:
        """A consistent view of this room's other tables."""
        with reading(self._engine) as connection:
            yield connection

    def glance(self, statement: Direct, **values: Any) -> Found:
        """What one statement finds in them; it needs no more for a consistent view."""
        return glance(self._engine, statement, **values)

    def hold(self, fences: Mapping[str, int], lease: timedelta) -> None:
        """Say that these runs are alive; one that was taken away meanwhile stays lost."""
        with writing(self._engine) as connection:
            until = as_text(self._watermark.read(connection) + lease)
            for request_id, fence in fences.items():
                mine = (requests.c.id == request_id, requests.c.fence == fence, requests.c.state == State.RUNNING)
                connection.execute(update(requests).where(*mine).values(lease_until=until))

    # The log

    def entries(self) -> Iterator[audit.Entry]:
        """The audit log in its order, as far as it is not archived, read as it is walked."""
        return self.logbook.entries()

    def head(self) -> audit.Mark:
        """How long the log is, and its last hash."""
        return self.logbook.head()

    def states(self) -> dict[str, State]:
        """Every request's state, as the table has it; the log must say the same (L5)."""
        return self.states_then()[0]

    def states_then(self) -> tuple[dict[str, State], int]:
        """The same, and how many entries the log had at that moment: what came later says something else of them."""
        with reading(self._engine) as connection:
            found = connection.execute(select(requests.c.id, requests.c.state)).all()
            size = logbook.last(connection)[0]
        return {request_id: State(state) for request_id, state in found}, size

    def _found(self, *where: ColumnElement[bool], limit: int | None = None, newest: bool = False) -> list[Request]:
        order = requests.c.created_at.desc() if newest else requests.c.created_at
        with reading(self._engine) as connection:
            query = select(requests).where(*where).order_by(order, requests.c.id).limit(limit)
            return _with_decisions(connection, connection.execute(query).mappings().all())


def _one(found: Found) -> Request:
    """From the rows of `_ONE`: the request beside each of its decisions."""
    if not found:
        raise NoSuchRequest
    width = len(requests.c)
    made = [dict(zip(_DECISION, row[width:], strict=True)) for row in found if row[width] is not None]
    return rows.to_request(dict(zip(requests.c.keys(), found[0][:width], strict=True)), made)


def _with_decisions(connection: Connection, found: Any) -> list[Request]:
    ids = [row["id"] for row in found]
    made: dict[str, list[Any]] = {request_id: [] for request_id in ids}
    for first in range(0, len(ids), _IDS):
        query = select(decisions).where(decisions.c.request_id.in_(ids[first : first + _IDS])).order_by(decisions.c.id)
        for decision in connection.execute(query).mappings():
            made[decision["request_id"]].append(decision)
    return [rows.to_request(row, made[row["id"]]) for row in found]


def _after(before: Request, move: Move) -> Request:
    state = advance(before.state, move.event) if move.event else before.state
    made = (*before.decisions, move.decision) if move.decision else before.decisions
    return before.model_copy(update={**move.changes, "state": state, "decisions": made, "rev": before.rev + 1})


def _apply(connection: Connection, before: Request, after: Request, move: Move, recorded: Asked) -> None:
    """The conditional UPDATE, the decision that led to it, the evidence that came with it, and its entry in the log."""
    changed = {**rows.changed(before, after), **({"unwatched": True} if move.unwatch else {})}
    asked = [_moving(tuple(changed))(its_id=before.id, its_state=before.state, its_rev=before.rev, **changed)]
    if move.decision:
        asked.append(_DECIDE(**rows.decision_row(move.decision)))
    asked += [_KEEP(owner=before.id, position=n, piece=rows.json_of(p)) for n, p in enumerate(move.evidence)]
    try:
        touched = together(connection, *asked, recorded)[0]
    except IntegrityError as error:
        if "decisions" in str(error.orig):  # this person has one that was not there when the request was read
            raise Outrun from None
        raise
    if len(touched) != 1:
        raise Outrun


@cache
def _moving(columns: tuple[str, ...]) -> Direct:
    """The UPDATE of just these columns: a role may change some and not others."""
    changing = update(requests).where(_AS_IT_WAS).values({name: bindparam(name) for name in columns})
    return Direct(changing.returning(requests.c.id))


def _check_free(connection: Connection, request: Request) -> None:
    if _BUSY.first(connection, target=request.plan.target.key):
        raise TargetBusy
