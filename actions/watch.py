"""Watches a change that is in place until it is complete, has failed, or nobody wants to know any longer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from actions import autoscaling, endings, fallback, landing, objects, restoring, rollout, verification
from actions.clients.protocols import Revision
from actions.errors import NotFound, SourceError, StalePlan
from actions.keepers import progress
from actions.keepers.kinds import KEEPERS
from actions.outcome import Outcome, Quote, Step
from actions.plan import Patch, Plan
from actions.redaction import redacted
from actions.rollout import Complete, Failed, Judgement, Progressing
from actions.toolbox import Progress, Toolbox
from actions.vitals import Vitals, vitals

_ROUNDED = timedelta(seconds=1)  # the API writes times without fractions
_EVENTS = 5  # the newest warnings that a failure quotes


@dataclass(frozen=True)
class Pace:
    """How long a run takes its time, in seconds."""

    plan: float = 20.0  # for all that is asked of a cluster while planning
    step: float = 1.0  # between two looks at a rollout, and the first pause before a patch is tried again
    rollout: float = 600.0  # until a rollout counts as failed
    blind: float = 60.0  # without any answer from the cluster, until watching is given up
    verification: float = 30.0  # how long the metrics are looked at afterwards; a rate looks back a minute
    sample: float = 5.0  # between two looks at the metrics


def look(tools: Toolbox, plan: Plan, before: Mapping[str, Any] | None) -> Judgement:
    """How a change that is in place is doing. Raises SourceError.

    `before` is the workload as it was before the change, where that is known.
    """
    ref = objects.ref(plan.target)
    try:
        live = tools.cluster.workload(ref)
    except NotFound:
        return Failed("it was deleted meanwhile")
    if not objects.is_target(live, plan.target):
        return Failed("it was deleted and created again meanwhile")
    revisions = tools.cluster.revisions(ref)
    if not _in_place(plan, live, revisions):
        present = landing.present(plan, live, progress.version(tools.catalog, plan, live))
        return Failed(f"somebody changed it again before it was complete ({present} now)")
    if ref.kind in KEEPERS:
        return progress.look(tools, plan, live, before)
    if ref.kind == objects.AUTOSCALER:
        ref = tools.catalog.ref(plan.service, plan.environment)
        owner, live, revisions = live, tools.cluster.workload(ref), tools.cluster.revisions(ref)
        if waiting := autoscaling.unsettled(owner, live):
            return waiting
    pods = tools.cluster.pods(ref)
    if plan.patch.subresource == "status" and "abort" in str(plan.patch.body):
        return rollout.given_up(live, pods)
    return rollout.judge(live, rollout.newest(pods, revisions), before)


def glance(tools: Toolbox, plan: Plan) -> Outcome | None:
    """How a change that was applied at some time is doing now; None while it is under way. Raises SourceError."""
    judged = look(tools, plan, None)
    if isinstance(judged, Progressing):
        return None
    if isinstance(judged, Failed):
        steps, notes = fallback.next_steps(tools, plan, judged.reason, None)
        return endings.failed(judged.reason, details=notes, steps=steps)
    verified = verification.compare(None, vitals(tools, plan.service, plan.environment))
    return endings.held(plan, endings.done(plan, None, verified.text), judged.held)


class Watch:
    """The eyes of one run."""

    def __init__(
        self,
        tools: Toolbox,
        pace: Pace,
        plan: Plan,
        progress: Progress,
        stop: Callable[[], bool],
        before: Mapping[str, Any] | None,
    ) -> None:
        """`before` is the workload as it was before the change; None where it had been changed already."""
        self._tools, self._pace, self._plan = tools, pace, plan
        self._progress, self._stop, self.before = progress, stop, before
        # Its limits are of time that passes; whoever sets the clock back in the middle makes nobody wait for longer.
        self._began_at, self._started = tools.clock.now(), tools.clock.steady()
        self._seen = self._started
        self._last: Step | None = None
        self._held = ""  # where it goes no further by itself

    def to_the_end(self, was: Callable[[], Vitals | None]) -> Outcome:
        """Follow the rollout, then compare the metrics with what they were (`was` is called at the end alone)."""
        took = self.follow()
        return took if isinstance(took, Outcome) else self.verified(was, took)

    def follow(self) -> float | Outcome:
        """How many seconds it took to be complete; the outcome where it failed, or nobody watches any longer."""
        while not self._stop():
            try:
                judged = look(self._tools, self._plan, self.before)
            except SourceError as error:
                if self._elapsed(self._seen) >= self._pace.blind:
                    return self.unwatched(f"since then the cluster cannot be read: {error.say.rstrip('.')}")
            else:
                self._seen = self._tools.clock.steady()
                if isinstance(judged, Complete):
                    self._held = judged.held
                    return self._elapsed(self._started)
                if isinstance(judged, Failed):
                    return self.failure(judged.reason)
                self._tell(judged.step)
                if self._elapsed(self._started) >= self._pace.rollout:
                    return self._overtime(judged)
            self._tools.clock.sleep(self._pace.step)
        return self.unwatched("nobody watches any longer")

    def verified(self, was: Callable[[], Vitals | None], took: float | None, wait: bool = True) -> Outcome:
        """Whether it is as well as it was. It waits for new samples first, unless the caller has done so.

        Without `took` nobody watched how long it took.
        """
        if landing.stops_all(self._plan):
            return endings.done(self._plan, took, "nothing runs any more")
        if self._tools.metrics is None:
            done = endings.done(self._plan, took, "not verified: no metrics are configured")
            return endings.held(self._plan, done, self._held)
        if wait:
            self._settle()
        verified = verification.compare(was(), vitals(self._tools, self._plan.service, self._plan.environment))
        if broken := self._broken_since():
            return self.failure(broken)
        if verified.worse:
            after = "" if took is None else f" after {endings.span(took)}"
            return self.failure(f"in place{after}, but the service got worse: {verified.text}")
        known = verified.worse is not None
        done = endings.done(self._plan, took, f"{'verified' if known else 'not verified'}: {verified.text}")
        return endings.held(self._plan, done, self._held)

    def _settle(self) -> None:
        """The last of a few samples counts: the first ones still hold requests from before."""
        began = self._tools.clock.steady()
        self._tell(Step(text=f"in place · looking at the metrics for {self._pace.verification:.0f} s"))
        while self._elapsed(began) < self._pace.verification and not self._stop():
            self._tools.clock.sleep(self._pace.sample)

    def _broken_since(self) -> str:
        """What became of it while the metrics were looked at; empty where it still stands, or cannot be read."""
        try:
            judged = look(self._tools, self._plan, self.before)
        except SourceError:
            return ""
        return judged.reason if isinstance(judged, Failed) else ""

    def _overtime(self, judged: Progressing) -> Outcome:
        """It takes longer than anybody watches; only where it rests by a plan of its own, that is no failure."""
        if judged.by_itself:
            return self.unwatched("it pauses for longer than I watch, as its steps say")
        why = f"; {judged.why}" if judged.why else ""
        return self.failure(f"not complete after {endings.span(self._pace.rollout)}: {judged.step.text}{why}")

    def failure(self, reason: str) -> Outcome:
        """It does not work, or must not stay: why, what the cluster warns of, and what helps now."""
        try:
            ref = self._tools.catalog.ref(self._plan.service, self._plan.environment)
            events = self._tools.cluster.events(ref, self._began_at - _ROUNDED)
        except SourceError:
            events = []  # they only illustrate the reason
        lines = [redacted(f"{e.about} {e.reason}: {e.message}") for e in events if e.kind == "Warning"][:_EVENTS]
        quotes = (Quote(title="Warnings from the cluster", lines=tuple(lines)),) if lines else ()
        steps, notes = fallback.next_steps(self._tools, self._plan, reason, self.before)
        return endings.failed(reason, quotes, notes, steps)

    def unwatched(self, reason: str) -> Outcome:
        """It is in place, and how it goes on is not seen from here."""
        return endings.unwatched(self._plan, self._last.text if self._last else "", reason)

    def _tell(self, step: Step) -> None:
        if step != self._last:
            self._last = step
            self._progress(step)

    def _elapsed(self, since: float) -> float:
        return self._tools.clock.steady() - since


def _in_place(plan: Plan, live: Mapping[str, Any], revisions: Sequence[Revision]) -> bool:
    if plan.patch.restores is None:
        return landing.in_place(live, plan.patch)
    try:
        wanted = restoring.template(plan.patch.restores, live, revisions)
    except StalePlan:
        return False  # what is in place is among the revisions
    return landing.in_place(live, Patch(type="merge", body={"spec": {"template": wanted}}))
