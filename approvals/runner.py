"""Takes approved requests through their execution: at most one effect each, whatever breaks (E1)."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from actions import objects
from actions.clock import Clock
from actions.errors import BadInput, GrantRefused, NotFound, SourceError, StalePlan, TwokeyError, Unreachable
from actions.outcome import Grant, Outcome, Step, Trip
from actions.record import Record
from approvals import rulings
from approvals.ledger import Ledger, TargetBusy
from approvals.lookup import Lookup
from approvals.moves import Move, Outrun
from approvals.powers import Executing
from approvals.request import Request, State
from approvals.store import AnswerLost, StoreDown
from approvals.warrant import Altered

LEASE = timedelta(seconds=30)
"""How long a runner that says nothing counts as alive. Also how long its grant is good for."""

BREATH = 1.0
"""Seconds between two words that the runs of a process live which goes over to another catalogue."""

DEADLINE = timedelta(minutes=20)
"""How long a run may take at all: a rollout counts as failed after ten minutes, and is then looked at for one more.

With a guard, for as long as that watches and as its rollback may take on top.
"""

_log = logging.getLogger(__name__)


class _Run(NamedTuple):
    """A run of this process: under which fence, and until when it must be over."""

    fence: int
    deadline: datetime


class Runner:
    """One process's hands. `clock` is the one that the executor reads.

    `leaving` is what leave for a rollback is judged by: a plan is bound, so whatever catalogue is in force by then.
    """

    def __init__(self, ledger: Ledger, executor: Executing, lookup: Lookup, leaving: Lookup, clock: Clock) -> None:
        self._ledger, self._executor, self._lookup, self._clock = ledger, executor, lookup, clock
        self._leaving = leaving
        self.name = secrets.token_hex(8)
        self._active: dict[str, _Run | None] = {}  # None: looked at, not started
        self._ahead: dict[str, str] = {}  # the run of the same target for which a request waits
        self._unheard: set[tuple[str, int]] = set()  # runs whose leave may be recorded, and was not given
        self._lock = threading.Lock()

    def run(self, request_id: str, policy_now: Callable[[Request, datetime], Move | None]) -> Request:
        """Execute a ready request, or say by its state why not. One that is not ready is given back as it is.

        One that waits for its target asks neither cluster nor directory again before that is free: whoever is asked
        every second by each that waits answers nobody any more (Slack: 20 questions a minute about groups).
        """
        with self._lock:
            if request_id in self._active:
                return self._ledger.get(request_id)
            self._active[request_id] = None
        try:
            if self._waits(request_id):
                return self._ledger.get(request_id)
            request = self._ledger.settle(request_id, policy_now)
            if request.state is not State.READY:
                return request
            ended = self._check(request)
            if ended is not None:
                return ended
            return self._start(request)
        finally:
            with self._lock:
                self._active.pop(request_id, None)

    def take_over(self, request_id: str) -> Request:
        """Watch on for a guarded run that nobody keeps alive; one that somebody does is given back as it is (E2).

        Where it may not be taken over (its guard tripped already, say) it is settled by reading instead.
        """
        with self._lock:
            if request_id in self._active:
                return self._ledger.get(request_id)
            self._active[request_id] = None
        try:
            return self._watch_on(self._ledger.get(request_id))
        finally:
            with self._lock:
                self._active.pop(request_id, None)

    def hold(self) -> None:
        """Say that the runs of this process live. It waits for nothing but the store."""
        self._hold(self._ledger.now())

    def tick(self) -> None:
        """Say that the runs of this process live; find those of dead ones; read back what is unknown."""
        running = self._ledger.running()  # before the look at our own: of ours, each is among them, or over
        now = self._ledger.now()
        at_work = self._hold(now)
        for request in running:
            mine = request.runner == self.name
            if mine and request.id in at_work:
                continue
            spared = _spared(request, now, hangs=mine and request.id in self._active)
            if not spared and rulings.on_lapse(request, now, self.name):
                self._ledger.move(request.id, lambda current, at: rulings.on_lapse(current, at, self.name))
        for request in self._ledger.unknown():
            self._reconcile(request)

    def see_out(self, over: Callable[[], bool]) -> None:
        """Say that the runs of this process live until the last has ended, or it is `over`; start and judge nothing."""
        while not over():
            try:
                if not self._hold(self._ledger.now()):
                    return
            except TwokeyError as error:
                _log.warning("runs under way are not held: %s", error.say)
            time.sleep(BREATH)

    def _hold(self, now: datetime) -> set[str]:
        """Say that our own runs live, but those that take too long; which they are."""
        with self._lock:
            own = dict(self._active)
        at_work = {name for name, run in own.items() if run is None or now < run.deadline}
        fences = {name: run.fence for name, run in own.items() if run and name in at_work}
        if fences:
            self._ledger.hold(fences, LEASE)
        return at_work

    def _waits(self, request_id: str) -> bool:
        ahead = self._ahead.get(request_id)
        if ahead is not None and self._ledger.get(ahead).state is State.RUNNING:
            return True
        self._ahead.pop(request_id, None)
        return False

    def _check(self, request: Request) -> Request | None:
        """Read the target again. None: it is as it was shown. Raises Unreachable, and then it may be tried again."""
        try:
            self._executor.check(request.plan)
        except (StalePlan, NotFound) as error:
            return self._end(request, rulings.outdate, error.say)
        except Unreachable:
            raise
        except (SourceError, BadInput) as error:
            return self._end(request, rulings.refuse, error.say)
        return None

    def _end(self, request: Request, rule: Callable[[Request, datetime, str], Move], reason: str) -> Request:
        try:
            return self._ledger.move(request.id, lambda current, now: rule(current, now, reason))
        except Outrun:
            return self._ledger.get(request.id)

    def _start(self, request: Request) -> Request:
        concerned = (request.requester, *(d.approver for d in request.decisions))
        view = self._lookup.view(request.plan, concerned, self._clock.now())
        at: list[datetime] = []

        def rule(current: Request, now: datetime) -> Move:
            at.append(now)
            return rulings.on_start(current, now, self._lookup.within(view, now), self.name, now + LEASE)

        began = self._clock.now()
        try:
            claimed = self._ledger.move(request.id, rule)
        except Outrun:
            return self._ledger.get(request.id)
        except TargetBusy:
            self._make_way(request)
            return self._ledger.get(request.id)
        except Altered as error:
            return self._end(request, rulings.refuse, error.say)
        if claimed.state is not State.RUNNING:
            return claimed
        # From here on "running" is on disk: whatever happens now, nobody starts it a second time.
        with self._lock:
            self._active[claimed.id] = _Run(claimed.fence, at[-1] + _longest(claimed))
        # The executor's clock may have jumped back behind the ledger's time, which must not stretch the grant (A6);
        # nor must a pause of this process, so it counts from before the request was claimed.
        expires = began + (min(LEASE, claimed.run_by - at[-1]) if claimed.run_by else LEASE)
        outcome = self._execute(claimed, Grant(request_id=claimed.id, digest=claimed.plan.digest, expires_at=expires))
        return self._record(claimed, outcome)

    def _watch_on(self, forsaken: Request) -> Request:
        at: list[datetime] = []

        def rule(current: Request, now: datetime) -> Move | None:
            at[:] = [now] if (move := rulings.on_take_over(current, now, self.name, now + LEASE)) else []
            return move

        try:
            run = self._ledger.move(forsaken.id, rule)
        except Outrun:
            return self._ledger.get(forsaken.id)
        except (GrantRefused, Altered):
            return self._ledger.move(forsaken.id, lambda now, at: rulings.on_lapse(now, at, self.name))
        if not at:
            return run
        with self._lock:
            self._active[run.id] = _Run(run.fence, at[-1] + _longest(run))
        return self._record(run, self._carried_on(run))

    def _carried_on(self, run: Request) -> Outcome:
        """What comes of watching on, and of judging the time in which nobody did."""
        record = Record(lambda trip: self._leave(run, trip), lambda: self._began(run))
        try:
            return self._executor.watch_on(run.plan, run.id, self._progress(run), lambda: self._must_stop(run), record)
        except TwokeyError as error:
            return Outcome(ok=None, summary=f"Nobody watches any longer. {error.say}")
        except Exception:
            _log.exception("watch of %s broke off", run.id)
            return Outcome(ok=None, summary="The watch broke off; reading back what became of it.")

    def _began(self, run: Request) -> float:
        return self._ledger.watching(run.id, run.fence).total_seconds()

    def _make_way(self, undo: Request) -> None:
        """A run that this approved request takes back is watched no longer, so that the undo has not to wait for it."""
        for run in self._ledger.running():
            if rulings.on_undo(run, undo) and self._ledger.goes_on(run.id, run.fence):
                self._ledger.move(run.id, lambda current, now: rulings.on_undo(current, undo))
            if run.plan.target.key == undo.plan.target.key:  # only now: what waits does not come here again
                self._ahead[undo.id] = run.id

    def _execute(self, request: Request, grant: Grant) -> Outcome:
        def stop() -> bool:
            return self._must_stop(request)

        record = Record(lambda trip: self._leave(request, trip), lambda: self._began(request))
        try:
            return self._executor.execute(request.plan, grant, self._progress(request), stop, record)
        except (StalePlan, GrantRefused) as error:
            # The executor looks before it patches. Running cannot become stale any more: it failed, without effect.
            return Outcome(ok=False, summary=f"Nothing was changed. {error.say}")
        except Unreachable as error:
            return Outcome(ok=None, summary=f"It is not known whether the change happened. {error.say}")
        except TwokeyError as error:
            return Outcome(ok=False, summary=f"The cluster refused the change. {error.say}")
        except Exception:
            _log.exception("run of %s broke off", request.id)
            return Outcome(ok=None, summary="The run broke off, and it is not known whether the change happened.")

    def _leave(self, run: Request, trip: Trip) -> Grant:
        """Leave for the rollback that the run's plan declares, recorded before it is given; once, and for this run.

        Where the store took it and its answer was lost, it is given to the same run when that asks again: nobody else
        can have recorded it under its fence, and nobody was given it.
        Raises GrantRefused where it may not be; another TwokeyError where that cannot be told now.
        """
        back = run.plan.way_back
        if back is None:
            raise GrantRefused
        began = self._clock.now()
        concerned = (run.requester, *(d.approver for d in run.decisions))
        view, asked = self._leaving.view(run.plan, concerned, began), (run.id, run.fence)

        def rule(current: Request, now: datetime) -> Move | None:
            move = rulings.on_trip(current, now, self._leaving.within(view, now), run.fence, trip)
            return None if asked in self._unheard and self._ledger.left(current) else move

        try:
            self._ledger.move(run.id, rule)
        except AnswerLost:
            self._unheard.add(asked)
            raise
        except Altered as error:
            raise GrantRefused(error.say) from error
        self._unheard.discard(asked)
        return Grant(request_id=objects.back_id(run.id), digest=back.digest, expires_at=began + LEASE)

    def _record(self, run: Request, outcome: Outcome) -> Request:
        kept = self._ledger.move(run.id, lambda now, at: rulings.on_run(now, at, outcome, run.fence))
        if kept.fence != run.fence or kept.outcome is None or kept.outcome.summary != outcome.summary:
            self._ledger.note("outcome.late", {"ok": outcome.ok, "summary": outcome.summary}, request_id=run.id)
        return kept

    def _reconcile(self, request: Request) -> None:
        try:
            outcome = self._executor.reconcile(request.plan, request.id)
        except TwokeyError as error:
            _log.warning("request %s stays unknown: %s", request.id, error.say)
            return
        except Exception:  # an answer that nobody foresaw; the others are read back all the same
            _log.exception("request %s stays unknown", request.id)
            return
        if outcome is not None and outcome.ok is not None:
            found = outcome
            self._ledger.move(request.id, lambda now, at: rulings.on_outcome(now, at, found, "reading"))

    def _progress(self, run: Request) -> Callable[[Step], None]:
        def say(step: Step) -> None:
            try:
                self._ledger.step(run.id, run.fence, step)
            except StoreDown:  # what is shown lags behind; the run itself must not break off for it
                _log.warning("a step of %s could not be stored", run.id)

        return say

    def _must_stop(self, run: Request) -> bool:
        """Somebody asked, or the hold was taken away. Asked before the patch and between the looks that follow."""
        try:
            return not self._ledger.goes_on(run.id, run.fence)
        except StoreDown:  # the grant's end, and the API server's own preconditions, hold without the store
            return False


def _spared(run: Request, now: datetime, hangs: bool) -> bool:
    """Whether a run is left as it is for as long as its guard watches, so that a runner may take that over.

    Also one that starts a while after the last one was gone: the metrics keep what nobody looked at. One that `hangs`
    in this process, which cannot take it over itself, is left to those that live by now, for a moment.
    """
    guard = run.plan.guard
    if guard is None or run.lease_until is None:
        return False
    window = timedelta(0) if hangs else timedelta(seconds=guard.window)
    return now < run.lease_until + max(LEASE, window)


def _longest(run: Request) -> timedelta:
    guard = run.plan.guard
    return DEADLINE if guard is None else 2 * DEADLINE + timedelta(seconds=guard.window)
