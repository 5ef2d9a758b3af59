"""The gate: every request, question and click comes through here, is judged, recorded, and only then acted upon."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from pydantic import JsonValue

from actions.action import Action, Change, Read
from actions.clock import Clock
from actions.errors import BadInput, TwokeyError
from actions.outcome import Outcome
from actions.plan import Plan
from actions.registry import Registry
from actions.toolbox import Progress
from approvals import amendment, ballot, breakglass, endings, keepsakes, rulings
from approvals.actor import Actor, Directory, DirectoryDown
from approvals.ballot import Ballot, DecisionRefused
from approvals.breakglass import Glass
from approvals.charter import Adoption, Charter, Draft, OtherCatalog
from approvals.handover import Handover
from approvals.ledger import Effect, Ledger, Recording
from approvals.lookup import Lookup
from approvals.moves import Move, Outrun
from approvals.policy_model import Policy
from approvals.powers import Executing
from approvals.request import Delegation, Request, State
from approvals.runner import Runner
from approvals.shelf import Foreign, Forged
from approvals.verdict import Forbidden, NeedsApproval, Subject, Verdict, rule_for
from approvals.view import View, judge, judge_plan
from approvals.warrant import Altered

__all__ = ["DecisionRefused", "Gate", "NotAllowed"]

_REASON_LENGTH = 1000


class NotAllowed(TwokeyError):
    """The policy does not allow that."""


class Gate:
    """Safe between threads. Lookups happen just before each transaction and are evaluated inside it (A3)."""

    def __init__(
        self,
        in_force: Callable[[], Policy],
        directory: Directory,
        ledger: Ledger,
        executor: Executing,
        registry: Registry,
        clock: Clock,
        charter: Charter | None = None,
    ) -> None:
        """`charter` is what another policy is asked for from; without it nobody can (A9)."""
        self._ledger, self._executor, self._clock, self._charter = ledger, executor, clock, charter
        self._lookup = Lookup(in_force, directory, registry, ledger.proofs, executor.standard)
        self._handover = Handover(ledger, self._lookup)
        self._lookup.delegations = self._handover.active
        self._lookup.amendment = self._about_policy
        leaving = self._lookup.by(charter.for_what_runs) if charter else self._lookup
        self._runner = Runner(ledger, executor, self._lookup, leaving, clock)

    @property
    def policy(self) -> Policy:
        """The policy that holds now. What was planned under another one goes stale instead of running (A1, A9)."""
        return self._lookup.policy

    def judge(self, action: Action, actor: Actor) -> Verdict:
        """What would be said to this now; records nothing. Raises DirectoryDown."""
        return self._verdict(action, actor, self._clock.now())

    def submit(
        self, action: Change, actor: Actor, origin: dict[str, JsonValue], effect: Effect | None = None
    ) -> Request:
        """Plan it, judge it, record it: it comes back waiting, ready or refused, and `effect` is done with it.

        Raises BadInput, SourceError or DirectoryDown where there is no plan or no judgement; the attempt is recorded.
        """
        try:
            policy = self.policy  # of both: were it another one by now, what is recorded would be stale (A1)
            plan = self._executor.plan(action, policy.version)
            view = self._lookup.asking(policy, plan, actor, self._clock.now())
        except Exception as error:
            self._attempt("submit", error, actor, action=action.as_json())
            raise
        request_id = secrets.token_hex(8)
        request = self._ledger.create(lambda now: _proposed(request_id, plan, actor, origin, view, now), effect)
        if request.state is State.REFUSED:
            self._attempt("submit", NotAllowed(request.reason), actor, request_id)
        return request

    def propose(self, draft_id: str, actor: Actor, origin: dict[str, JsonValue]) -> Request:
        """Ask for a policy that is held back, as a request that the policy in force judges (A9). It comes back waiting.

        Raises DecisionRefused.
        """
        with self._recorded("propose policy", actor):
            draft = self.held(draft_id)
            plan, request_id = amendment.plan_of(draft), secrets.token_hex(8)
            view = self._lookup.view(plan, (actor,), self._clock.now())

            def make(now: datetime) -> Request:  # inside the transaction, so that of two who ask one does
                if any(other.plan.action == plan.action for other in self._ledger.waiting_on(plan.target.key)):
                    raise DecisionRefused("Somebody asked for it already, and its card still waits.")
                request = _proposed(request_id, plan, actor, origin, view, now)
                if request.state is State.REFUSED:
                    raise DecisionRefused(request.reason)
                return request

            return self._ledger.create(make)

    def held(self, draft_id: str) -> Draft:
        """A policy or catalogue that is held back, by what it would change now. Raises DecisionRefused."""
        draft = self._charter.draft(draft_id) if self._charter else None
        if draft is None:
            raise DecisionRefused("No such policy or catalogue is held back now. Say `policy` to see what is.")
        return draft

    def ask(
        self, action: Read, actor: Actor, progress: Progress, origin: Mapping[str, JsonValue] | None = None
    ) -> Outcome:
        """Answer a question that the policy allows. Raises NotAllowed, DirectoryDown, BadInput or SourceError.

        A run of an eval is recorded with what it says and with its origin, since a deploy may rest on it; its
        evidence is kept in the ledger under the run's id.
        """
        try:
            self._require_allowed(action, actor)
        except Exception as error:
            self._attempt("ask", error, actor, action=action.as_json())
            raise
        try:
            outcome = self._executor.answer(action, progress)
        except Exception as error:
            self._answered(action, actor, ok=False, failure=type(error).__name__)
            raise
        if outcome.run is None:
            self._answered(action, actor, ok=outcome.ok)
        else:
            data: dict[str, JsonValue] = {"action": action.as_json(), "ok": outcome.ok, "origin": dict(origin or {})}
            kept, _ = keepsakes.split(outcome)
            self._ledger.note("read.answered", data, actor, run=outcome.run, kept=kept)
        return outcome

    def unproven(self, plan: Plan) -> tuple[str, ...]:
        """Which evals keep this plan's version back, in words; none where it passed them as often as is asked."""
        return self._lookup.unproven(self.policy, plan)

    def turned_away(self, actor: Actor, reason: str, say: str) -> None:
        """Record an attempt to act that did not even become an action: an unknown service, something unsafe (L1)."""
        self._ledger.note("attempt.refused", {"what": "read", "why": say, "error": reason}, actor)

    def decide(self, request_id: str, digest: str, actor: Actor, approve: bool, reason: str = "") -> Request:
        """Turn a key, for exactly this digest. Raises DecisionRefused with a private explanation; NoSuchRequest."""
        cast = Ballot(digest, actor, approve, _clean(reason))
        with self._recorded("approve" if approve else "deny", actor, request_id):
            request = self._ledger.get(request_id)
            concerned = (actor, request.requester, *(d.approver for d in request.decisions))
            view = self._lookup.view(request.plan, concerned, self._clock.now())
            ready = self._ready(request.plan)
            after = self._ledger.move(
                request_id,
                lambda now, at: ballot.on_ballot(now, at, self._lookup.within(view, at), cast),
                lambda record, new: self._adopt(record, new, ready),
            )
            if not any(decision.approver == actor for decision in after.decisions):
                raise DecisionRefused(after.reason)
        return after

    def withdraw(self, request_id: str, actor: Actor, instead: str = "") -> Request:
        """Take back one's own request; `instead` is the id of the one that takes its place. Raises DecisionRefused."""
        with self._recorded("withdraw", actor, request_id):
            after = self._ledger.move(request_id, lambda now, at: ballot.on_withdrawal(now, at, actor, instead))
            if after.state is not State.WITHDRAWN:
                raise DecisionRefused(after.reason)
        return after

    def break_glass(self, request_id: str, digest: str, actor: Actor, reason: str) -> Request:
        """Run one's own waiting request without its approvals (A10). Raises DecisionRefused; NoSuchRequest."""
        glass = Glass(digest, actor, _clean(reason))
        with self._recorded("break glass", actor, request_id):
            request = self._ledger.get(request_id)
            view = self._lookup.view(request.plan, (actor, request.requester), self._clock.now())
            after = self._ledger.move(
                request_id, lambda now, at: breakglass.on_break(now, at, view, glass, self._ledger.unreviewed())
            )
            if after.emergency is None:
                raise DecisionRefused(after.reason)
        return after

    def review(self, request_id: str, actor: Actor, note: str) -> Request:
        """Say what one found about a request for which the glass was broken. Raises DecisionRefused; NoSuchRequest."""
        with self._recorded("review", actor, request_id):
            request = self._ledger.get(request_id)
            view = self._lookup.view(request.plan, (actor,), self._clock.now())
            return self._ledger.move(
                request_id, lambda now, at: breakglass.on_review(now, at, view, actor, _clean(note))
            )

    def hand_over(self, giver: Actor, taker: Actor, until: datetime) -> Delegation:
        """Let somebody else turn one's key until then, in requests of others. Raises DecisionRefused."""
        with self._recorded("delegate", giver):
            return self._handover.give(giver, taker, until)

    def take_back(self, giver: Actor) -> bool:
        """End what was handed over, at once; whether there was anything."""
        return self._handover.end(giver)

    def run(self, request_id: str) -> Request:
        """Execute a ready request: judged again, target read again, recorded as running before the effect (L1, E1).

        Gives it back in its new state; ready still, where another change of the target runs first (E3). Raises
        DirectoryDown or Unreachable where it is not known whether it may run: it stays ready, and may be run again
        until it expires.
        """
        policy = self.policy
        return self._runner.run(request_id, lambda now, at: rulings.before_reading(now, at, policy))

    def forsaken(self) -> list[Request]:
        """Guarded runs that nobody keeps alive, oldest first; for `watch_on`."""
        return self._ledger.forsaken(self._clock.now())

    def watch_on(self, request_id: str) -> Request:
        """Take such a run over and watch until its guard's time is up; its rollback runs at most once (E1, E2).

        Gives it back in its new state, as it is where somebody does keep it alive.
        """
        return self._runner.take_over(request_id)

    def stop(self, request_id: str, actor: Actor) -> None:
        """Stop watching a running request; what was changed stays changed. Raises DecisionRefused."""

        def rule(request: Request, _now: datetime) -> Move | None:
            if request.state is not State.RUNNING:
                raise DecisionRefused("It is not running, so there is nothing to stop watching.")
            concerned = {request.requester.user_id, *(d.approver.user_id for d in request.decisions)}
            if actor.user_id not in concerned:
                raise DecisionRefused("Only those who asked for it or approved it can stop watching it.")
            return Move("request.unwatched", None, actor, unwatch=True)

        with self._recorded("stop", actor, request_id):
            self._ledger.move(request_id, rule)

    def hold(self) -> None:
        """Keep what runs here from counting as dead: every few seconds, whatever else takes its time."""
        self._runner.hold()

    def tick(self) -> None:
        """`keep_time`, and look after what runs and what is unknown. For a process that runs requests.

        It takes as long as the clusters take to answer for each request of which it is not known what became of it.
        """
        self.keep_time()
        self._runner.tick()

    def see_out(self, over: Callable[[], bool]) -> None:
        """Keep what still runs here from counting as dead, until it has ended or everything is over. Starts nothing."""
        self._runner.see_out(over)

    def keep_time(self) -> None:
        """Expire, escalate and remind where it is due. Call it every few seconds."""
        now = self._ledger.now()
        for request in self._ledger.overdue(now):
            self._ledger.move(request.id, endings.due)
        for request in self._ledger.stirring(now):
            self._ledger.move(request.id, rulings.on_waiting)
        for target in amendment.TARGETS.values():
            for request in self._ledger.waiting_on(target.key):
                self._ledger.move(request.id, self._outgrown)

    def approvers(self, request: Request) -> tuple[Actor, ...]:
        """Who could still bring it closer to running; nobody named where anyone can. Raises DirectoryDown."""
        if request.state is not State.WAITING:
            return ()
        found = self._lookup.among(request, self._clock.now())
        people = {actor for members in found.groups.values() for actor in members}
        people |= {delegation.taker for delegation in found.delegations}
        able = (actor for actor in people if ballot.could_approve(request, actor, found))
        return tuple(sorted(able, key=lambda actor: (actor.team_id, actor.user_id)))

    def _about_policy(self, plan: Plan) -> Verdict:
        """What the policy in force says to another one, or to another catalogue.

        Raises DecisionRefused where its card does not say it all.
        """
        draft = self._charter.draft(str(plan.action["draft"])) if self._charter else None
        if draft is None:
            return Forbidden("", endings.CHANGED_CHARTER)
        if not amendment.still_says(plan, draft):
            raise DecisionRefused(amendment.OUTGROWN)
        return amendment.verdict_of(draft)

    def _outgrown(self, request: Request, now: datetime) -> Move | None:
        """What ends a request for a policy or catalogue when yet another one came into force."""
        stands = self._charter and self._charter.version(amendment.kind_of(request.plan)) == request.plan.target.uid
        return rulings.outgrown(request, now, self.policy, over=not stands)

    def _ready(self, plan: Plan) -> Adoption | None:
        """What comes into force with the last approval of a plan, where that changes a policy or catalogue."""
        return self._charter.adoption(str(plan.action["draft"])) if self._charter and plan.amends else None

    def _adopt(self, record: Recording, after: Request, ready: Adoption | None) -> None:
        """With its last approval a policy comes into force, or neither happens."""
        if after.state is State.ADOPTED:
            if self._charter is None or ready is None:
                raise Forged
            agreed = tuple(decision.approver for decision in after.decisions if decision.approve)
            self._charter.adopt(record, ready, str(after.plan.action["version"]), agreed)

    def _require_allowed(self, action: Read, actor: Actor) -> None:
        """Every place that it looks at; what one rule says of the first of them, it says of all."""
        policy, now, judged = self.policy, self._clock.now(), set[str | None]()
        for part in self._executor.parts(action):
            rule = rule_for(policy, Subject.of(part))
            name = rule.name if rule else None
            if name not in judged:
                judged.add(name)
                _require_free(self._verdict(part, actor, now))

    def _verdict(self, action: Action, actor: Actor, now: datetime) -> Verdict:
        view = self._lookup.bare(Subject.of(action), actor, asks_only=isinstance(action, Read))
        return judge(view, action.as_json(), actor, now)

    def _answered(self, action: Read, actor: Actor, ok: bool | None, failure: str | None = None) -> None:
        data: dict[str, JsonValue] = {"action": action.as_json(), "ok": ok}
        if failure:
            data["failure"] = failure
        self._ledger.note("read.answered", data, actor)

    @contextmanager
    def _recorded(self, what: str, actor: Actor, request_id: str | None = None) -> Iterator[None]:
        """Whoever is turned away leaves an entry, and gets the explanation as a DecisionRefused."""
        try:
            yield
        except (DecisionRefused, BadInput) as error:
            self._attempt(what, error, actor, request_id)
            raise
        except (DirectoryDown, Outrun, Altered, Forged, Foreign, OtherCatalog) as error:
            self._attempt(what, error, actor, request_id)
            raise DecisionRefused(error.say) from error

    def _attempt(
        self,
        what: str,
        error: Exception,
        actor: Actor,
        request_id: str | None = None,
        action: dict[str, JsonValue] | None = None,
    ) -> None:
        why = error.say if isinstance(error, TwokeyError) else "It broke off."  # others may speak of secrets (L6)
        data: dict[str, JsonValue] = {"what": what, "why": why, "error": type(error).__name__}
        if action is not None:
            data["action"] = action
        self._ledger.note("attempt.refused", data, actor, request_id)


def _require_free(verdict: Verdict) -> None:
    if isinstance(verdict, Forbidden):
        raise NotAllowed(verdict.say)
    if isinstance(verdict, NeedsApproval):
        raise NotAllowed(f'Rule "{verdict.rule}" wants approvals for a read, which has nothing to approve.')


def _proposed(
    request_id: str, plan: Plan, actor: Actor, origin: dict[str, JsonValue], view: View, now: datetime
) -> Request:
    verdict = judge_plan(view, plan, actor, now)
    request = Request(
        id=request_id,
        plan=plan,
        requester=actor,
        origin=origin,
        state=State.PROPOSED,
        rule=verdict.rule,
        created_at=now,
    )
    return request.model_copy(update=rulings.on_verdict(verdict, now))


def _clean(text: str) -> str:
    """A reason as any store can hold it: no lone surrogates, no NUL, no novel."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "").strip()[:_REASON_LENGTH]
