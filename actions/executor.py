"""The one place that plans, answers and executes actions. It holds the powers and decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from actions import delivery, endings, guarding, landing, objects
from actions.action import Change, Read
from actions.clients import patience
from actions.clock import ManualClock
from actions.delivery import Delivery
from actions.errors import BadInput, GrantRefused, SourceError, StalePlan
from actions.evals import standard
from actions.guard import same
from actions.guarding import Guarded
from actions.keepers import progress
from actions.landing import Trace
from actions.outcome import Grant, Outcome
from actions.plan import Plan
from actions.record import UNRECORDED, Record
from actions.registry import Registry
from actions.toolbox import Progress, Toolbox
from actions.vitals import Vitals, vitals
from actions.watch import Pace, Watch, glance

SETTLED_AFTER = timedelta(seconds=60)
"""After this long no patch can still be under way: the API server's own default `--request-timeout`."""

_FOLLOWS = ("target", "patch", "preconditions", "evals", "risk")
"""What of a plan follows from its action and the cluster, and decides what runs and who has to agree."""


class Executor:
    """Plans and answers for anybody; changes the cluster only for a grant that matches the plan."""

    def __init__(self, registry: Registry, tools: Toolbox, pace: Pace | None = None) -> None:
        self._registry, self._tools, self._pace = registry, tools, pace or Pace()
        self._missed: dict[str, datetime] = {}  # requests of which nothing shows, and since when we look

    def plan(self, action: Change, policy_version: str) -> Plan:
        """What this action would change, read live and tried on the server. Changes nothing.

        Raises BadInput where the action makes no sense for its target, SourceError where the cluster refuses it, or
        is too slow: all its answers together have to come within `Pace.plan`.
        """
        with patience.within(self._pace.plan):
            draft = action.draft(self._tools)
        fields = {name: getattr(draft, name) for name in type(draft).model_fields}
        return Plan(**fields, action=action.as_json(), risk=action.risk, policy_version=policy_version)

    def parts(self, action: Read) -> Iterator[Read]:
        """The looks at one place that it stands for."""
        return action.parts(self._tools.catalog)

    def answer(self, action: Read, progress: Progress) -> Outcome:
        """Look, and say what was found. Raises BadInput or SourceError."""
        return action.answer(self._tools, progress)

    def standard(self, service: str, suite: str) -> str:
        """The digest of what a service's suite asks now.

        Raises ConfigError where its file cannot be read here, NoBar where any baseline would do.
        """
        return standard.binding(self._tools.catalog, service, suite)

    def check(self, plan: Plan) -> None:
        """Read the target again, and work out anew what the plan's action does.

        Whoever recorded the plan need not be who runs it: the policy judges the action, so that and nothing else may
        be what the patch does, and where. Raises StalePlan that says what moved, BadInput where the action is none
        that could be planned now, SourceError where that cannot be told.
        """
        delivery.require_unmoved(self._tools, plan, delivery.read(self._tools, plan))
        action = self._registry.parse(plan.action)
        if not isinstance(action, Change):
            raise BadInput(f"{action.verb} changes nothing, so there is nothing to run.")
        again = self.plan(action, plan.policy_version)
        if any(getattr(plan, name) != getattr(again, name) for name in _FOLLOWS) or not same(plan.guard, again.guard):
            raise StalePlan(f"{action.title} would do something else now than this plan says. Ask again to see what.")

    def execute(
        self, plan: Plan, grant: Grant, progress: Progress, stop: Callable[[], bool], record: Record = UNRECORDED
    ) -> Outcome:
        """Carry out one plan once, watch it to its end and verify it (E1).

        If its guard trips, leave is asked for the rollback that the plan declares, which is then done once, too.
        `ok` is None where the effect is not known, or where `stop()` turned true and nobody watches any longer;
        `reconcile` settles both later. What the cluster refuses is an outcome, too.
        Raises GrantRefused where the grant is for something else or has expired, and StalePlan where what the plan
        rests on no longer holds; in both cases nothing was changed.
        """
        plan = self._granted(plan, grant)
        was = self._vitals_now(plan)
        found = Delivery(self._tools, plan, grant, stop, self._pace.step).deliver()
        if isinstance(found, Outcome):
            return found
        patched = plan.model_copy(update={"patch": plan.patch.for_request(grant.request_id)})
        watch = Watch(self._tools, self._pace, patched, progress, stop, found.before)
        if plan.guard is None:
            return watch.to_the_end(was.result)
        return Guarded(self._tools, self._pace, patched, progress, stop, record, watch).to_the_end(was.result)

    def watch_on(
        self, plan: Plan, request_id: str, progress: Progress, stop: Callable[[], bool], record: Record
    ) -> Outcome:
        """Go on watching for a run of a guarded plan that began elsewhere and has ended there (E2).

        It sends nothing but the rollback that its plan declares, if its guard trips and leave is given. `ok` is None
        where its change is not in place: `reconcile` settles that.
        """
        if not self._arrives(plan, request_id, stop):
            return Outcome(ok=None, summary="Its runner stopped in the middle; reading back what became of it.")
        patched = plan.model_copy(update={"patch": plan.patch.for_request(request_id)})
        watch = Watch(self._tools, self._pace, patched, progress, stop, None)
        return Guarded(self._tools, self._pace, patched, progress, stop, record, watch).to_the_end(None)

    def reconcile(self, plan: Plan, request_id: str) -> Outcome | None:
        """What became of a request, by reading alone; None while that cannot be told.

        That it was not applied is said only once no patch can still be under way, `SETTLED_AFTER` after the first look:
        another process may have sent it, and when is not known here. The caller must know that its run has ended.
        """
        try:
            live = delivery.read(self._tools, plan)
            if not objects.is_target(live, plan.target):
                return endings.failed("it was deleted and created again meanwhile")
            revisions = self._tools.cluster.revisions(objects.ref(plan.target))
            back = plan.way_back
            if back and landing.trace(back, live, revisions, objects.back_id(request_id)) is Trace.LANDED:
                return guarding.read_back(self._tools, plan, request_id)
            trace = landing.trace(plan, live, revisions, request_id)
            if trace is Trace.LANDED:
                return self._landed(plan, request_id)
        except StalePlan as gone:
            return endings.failed(gone.say)
        except SourceError:
            return None
        if trace is Trace.UNCLEAR or self._may_still_arrive(request_id):
            return None
        present = landing.present(plan, live, progress.version(self._tools.catalog, plan, live))
        return endings.not_applied(plan, f"there is no trace of it, and it is {present} now.")

    def _arrives(self, plan: Plan, request_id: str, stop: Callable[[], bool]) -> bool:
        """Whether a change that another process may have sent is in place, or is before it cannot be any more."""
        while not stop():
            try:
                live = delivery.read(self._tools, plan)
                revisions = self._tools.cluster.revisions(objects.ref(plan.target))
            except StalePlan:
                return False
            except SourceError:
                pass
            else:
                if landing.trace(plan, live, revisions, request_id) is Trace.LANDED:
                    self._missed.pop(request_id, None)  # what its guard sends may be missed, too, for as long again
                    return True
            if not self._may_still_arrive(request_id):
                return False
            self._tools.clock.sleep(self._pace.step)
        return False

    def _landed(self, plan: Plan, request_id: str) -> Outcome | None:
        patched = plan.model_copy(update={"patch": plan.patch.for_request(request_id)})
        if plan.guard is None:
            return glance(self._tools, patched)
        if self._may_still_arrive(request_id):
            return None  # what its guard sent may be under way still
        return guarding.cut_off(self._tools, patched)

    def _vitals_now(self, plan: Plan) -> Future[Vitals | None]:
        """As of this moment, read aside: metrics that answer slowly or not at all hold up no change."""
        tools = replace(self._tools, clock=ManualClock(self._tools.clock.now()))
        pool = ThreadPoolExecutor(1, "vitals-before")
        try:
            return pool.submit(vitals, tools, plan.service, plan.environment)
        finally:
            pool.shutdown(wait=False)

    def _may_still_arrive(self, request_id: str) -> bool:
        now = self._tools.clock.now()
        since = min(now, self._missed.get(request_id, now))  # a clock that jumps back shortens nothing (A6)
        self._missed[request_id] = since
        return now - since < SETTLED_AFTER

    def _granted(self, plan: Plan, grant: Grant) -> Plan:
        """A copy of the plan that nobody else holds, whose digest is made anew and is the granted one (A1)."""
        own = Plan.model_validate(plan.model_dump(mode="json"))
        if own.digest != grant.digest:
            raise GrantRefused
        self._registry.parse(own.action)
        if self._tools.clock.now() >= grant.expires_at:
            raise GrantRefused("The time to run this is up, so nothing was run. Ask again.")
        return own
