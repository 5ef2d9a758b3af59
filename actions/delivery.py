"""Brings one patch to the cluster at most once, whatever the network does (E1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from actions import endings, landing, objects, restoring, wire
from actions.errors import Conflict, GrantRefused, NotFound, SourceError, StalePlan, Unreachable
from actions.keepers import progress
from actions.landing import Trace
from actions.outcome import Grant, Outcome
from actions.plan import Plan
from actions.toolbox import Toolbox

_TRIES = 6


@dataclass(frozen=True)
class Applied:
    """The patch is in place. `before` is the workload as it was; None where the patch had been in place already."""

    before: Mapping[str, Any] | None


def read(tools: Toolbox, plan: Plan) -> Mapping[str, Any]:
    """The target as it is now. Raises StalePlan where it is gone, else SourceError."""
    try:
        return tools.cluster.workload(objects.ref(plan.target))
    except NotFound:
        raise StalePlan(f"{plan.target.kind} {plan.target.name} is gone since the preview was shown.") from None


def require_unmoved(tools: Toolbox, plan: Plan, live: Mapping[str, Any]) -> None:
    """Raises StalePlan that says what moved since the preview was shown."""
    if moved := landing.moved(plan, live, progress.version(tools.catalog, plan, live), tools.clock.now()):
        said = "; ".join(moved)
        raise StalePlan(f"{said[0].upper()}{said[1:]}. Ask again to see what it would do now.")


class Delivery:
    """One patch on its way.

    Each PATCH carries uid and resourceVersion of the read just before it, so of any number of them the API server
    can accept one alone. A lost answer is followed by a read; only where that shows no effect, and nobody wrote the
    spec meanwhile, is the patch sent again. Should the lost one arrive after all, the server refuses one of the two
    as a conflict.
    """

    def __init__(self, tools: Toolbox, plan: Plan, grant: Grant, stop: Callable[[], bool], pause: float) -> None:
        self._tools, self._plan, self._grant, self._stop, self._pause = tools, plan, grant, stop, pause
        self._in_flight = False  # whether an answer was lost, so that its request may still take effect
        self._generation: object = None  # of the spec that the lost one met
        self._trouble = ""

    def deliver(self) -> Applied | Outcome:
        """The patch in place, or an outcome: it was refused, or nothing tells (`ok` None).

        Raises StalePlan where what the plan rests on no longer holds, and GrantRefused where its time is up;
        in both cases nothing was changed and nothing will be.
        """
        try:
            for attempt in range(_TRIES):
                self._tools.clock.sleep(self._pause * attempt)
                found = self._attempt()
                if found is not None:
                    return found
        except (StalePlan, GrantRefused) as error:
            if not self._in_flight:
                raise
            self._trouble = error.say
        return (endings.unknown if self._in_flight else endings.not_applied)(self._plan, self._trouble)

    def _attempt(self) -> Applied | Outcome | None:
        """None where another attempt may help."""
        request_id, cluster, ref = self._grant.request_id, self._tools.cluster, objects.ref(self._plan.target)
        try:
            live = read(self._tools, self._plan)
            revisions = cluster.revisions(ref) if self._in_flight or self._plan.patch.restores else []
        except SourceError as error:
            return self._refused(error)
        # 1. Twice is once.
        if landing.trace(self._plan, live, revisions, request_id) is Trace.LANDED:
            return Applied(None)
        # 2. The approval covers what was shown, for as long as it was given.
        require_unmoved(self._tools, self._plan, live)
        generation = objects.at(live, "metadata.generation")
        if self._in_flight and (generation is None or generation != self._generation):  # autoscalers may count none
            raise StalePlan("The answer was lost, and the target was written since: it may have been taken back.")
        if self._tools.clock.now() >= self._grant.expires_at:
            raise GrantRefused("The time to run this is up, so nothing was run. Ask again.")
        if self._stop():
            raise GrantRefused("It was stopped before anything was changed.")
        # 3. Nothing slips in between this read and the patch.
        patch = wire.bound(restoring.whole(self._plan.patch, live, revisions).for_request(request_id), live)
        try:
            cluster.patch(ref, patch, verb=self._plan.verb, request_id=request_id)
        except SourceError as error:
            if isinstance(error, Unreachable):
                self._in_flight, self._generation = True, generation
            return self._refused(error)
        return Applied(live)

    def _refused(self, error: SourceError) -> Outcome | None:
        self._trouble = error.say
        if isinstance(error, Unreachable | Conflict):
            return None
        return (endings.unknown if self._in_flight else endings.not_applied)(self._plan, error.say)
