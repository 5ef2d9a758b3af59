"""A guarded change to its end: its rollout, its watch, and the way back if that trips, the plan's second effect."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from actions import changelog, endings, guard, objects, quantities
from actions.delivery import Delivery
from actions.errors import GrantRefused, SourceError, StalePlan, TwokeyError
from actions.measurement import USUAL, chart, measure, verdict
from actions.outcome import Evidence, Grant, Outcome, Step, Suggestion, Trip
from actions.plan import Plan
from actions.record import Record
from actions.rollout import Complete, Failed
from actions.toolbox import Progress, Toolbox
from actions.vitals import Vitals
from actions.watch import Pace, Watch, glance, look
from actions.watchman import Moved, Quiet, Tripped, Watchman, held_by, of_limit, window


class Guarded:
    """A run of a guarded plan, once its change has been sent."""

    def __init__(
        self,
        tools: Toolbox,
        pace: Pace,
        plan: Plan,
        progress: Progress,
        stop: Callable[[], bool],
        record: Record,
        watch: Watch,
    ) -> None:
        """`watch` follows the change itself."""
        self._tools, self._pace, self._plan = tools, pace, plan
        self._progress, self._stop, self._record, self._watch = progress, stop, record, watch

    def to_the_end(self, was: Callable[[], Vitals | None] | None) -> Outcome:
        """Follow the rollout, watch for as long as the guard says, and roll back if it trips.

        `was` gives the metrics as they were before the change; None where it began elsewhere, and nobody knows them.
        """
        took = self._watch.follow()
        if isinstance(took, Outcome):
            return took
        watchman = Watchman(self._tools, self._pace, self._plan, self._progress, self._stop, self._record)
        found = watchman.watch()
        if found is None:
            return self._watch.unwatched("nobody watches any longer, its guard included")
        if isinstance(found, Moved):
            return self._watch.failure(f"{found.how}, so its guard rolls nothing back any more")
        if isinstance(found, Quiet):
            outcome = self._watch.verified(was or _unknown, took if was else None, wait=False)
            return self._quiet(outcome, found)
        outcome = self._back(found.trip, found.grant) if found.grant else self._without(found)
        return outcome.model_copy(update={"evidence": (*_chart(self._tools, self._plan), *outcome.evidence)})

    def _without(self, found: Tripped) -> Outcome:
        why = found.why or "nobody could say whether it may be rolled back"
        return self._watch.failure(f"{_sentence(self._plan, found.trip)}, and it was not rolled back: {why}")

    def _quiet(self, outcome: Outcome, found: Quiet) -> Outcome:
        held = held_by(self._plan)
        if not outcome.ok:
            return outcome
        if not found.unseen:
            limit = quantities.spell(held.metric, float(held.limit))
            words = f"guarded: {quantities.NAMES[held.metric]} stayed under {limit} for {window(held)}"
            return outcome.model_copy(update={"summary": f"{outcome.summary} · {words}"})
        summary = f"{outcome.summary} · ⚠ not guarded the whole time: {found.unseen}"
        return outcome.model_copy(update={"summary": summary, "suggestions": _by_hand(self._plan)})

    def _back(self, trip: Trip, grant: Grant) -> Outcome:
        """The second effect, sent like the first: at most once, and only if the target is as the change left it."""
        back = self._plan.way_back
        assert back is not None, "only a guarded plan trips"  # noqa: S101 - for the type checker
        said = _sentence(self._plan, trip)
        if grant.digest != back.digest:
            return self._watch.failure(f"{said}, and it was not rolled back: the leave is for something else")
        self._progress(Step(text=f"{said}: rolling back"))
        try:
            found = Delivery(self._tools, back, grant, self._stop, self._pace.step).deliver()
        except (StalePlan, GrantRefused) as error:
            return self._watch.failure(f"{said}, and it was not rolled back: {error.say}")
        if isinstance(found, Outcome):
            if found.ok is None:
                return found
            return self._watch.failure(f"{said}, and it was not rolled back: {found.summary}")
        patched = back.model_copy(update={"patch": back.patch.for_request(grant.request_id)})
        took = Watch(self._tools, self._pace, patched, self._progress, self._stop, found.before).follow()
        if not isinstance(took, Outcome):
            return endings.rolled_back(self._plan, said, took)
        return took if took.ok is None else endings.failed(f"{said}, and its rollback failed, too: {took.summary}")


def _unknown() -> None:
    """What nobody measured."""


def read_back(tools: Toolbox, plan: Plan, request_id: str) -> Outcome | None:
    """What became of a change that its guard took back, by reading; None while that goes on. Raises SourceError."""
    back = plan.way_back
    assert back is not None, "only a guarded plan is taken back"  # noqa: S101 - for the type checker
    judged = look(tools, back.model_copy(update={"patch": back.patch.for_request(objects.back_id(request_id))}), None)
    if isinstance(judged, Complete):
        return endings.rolled_back(plan, "its guard tripped", None)
    return endings.failed(f"its guard tripped, and then {judged.reason}") if isinstance(judged, Failed) else None


def cut_off(tools: Toolbox, plan: Plan) -> Outcome | None:
    """How a change is doing whose guard was cut off before its time was up, by reading alone. Raises SourceError.

    Nothing is rolled back from here: leave belongs to the run that watched, and that is over.
    """
    outcome, held = glance(tools, plan), held_by(plan)
    if outcome is None or not outcome.ok:
        return outcome
    name = quantities.NAMES[held.metric]
    try:
        measured = guard.measured(tools, held.query)
    except SourceError:
        measured = None
    if measured is not None and measured >= Decimal(held.limit):
        reason = f"its guard was cut off, and {name} is {of_limit(held, measured)} now"
        return endings.failed(reason, steps=_by_hand(plan))
    now = f"{name} is {of_limit(held, measured)} now" if measured is not None else f"{name} cannot be read now"
    summary = f"{outcome.summary} · ⚠ its guard was cut off and watches no longer; {now}"
    return outcome.model_copy(update={"summary": summary, "suggestions": _by_hand(plan)})


def _by_hand(plan: Plan) -> tuple[Suggestion, ...]:
    """What its guard would have run, as a card to decide upon."""
    back = ", ".join(d.after for d in held_by(plan).differences)
    return (endings.logs(plan), Suggestion(label=f"Roll back to {back}…", action=held_by(plan).action))


def _sentence(plan: Plan, trip: Trip) -> str:
    """`its guard tripped: error rate 1.2 % (limit 0.8 %) after 3 min`."""
    held = held_by(plan)
    shown = of_limit(held, Decimal(trip.measured))
    return f"its guard tripped: {quantities.NAMES[held.metric]} {shown} after {quantities.span(trip.after)}"


def _chart(tools: Toolbox, plan: Plan) -> tuple[Evidence, ...]:
    """The metric around the change; nothing where it cannot be read any more, since it only illustrates."""
    if tools.metrics is None:
        return ()
    held, end = held_by(plan), tools.clock.now()
    window = timedelta(seconds=max(3600, 2 * held.window))
    try:
        found = measure(tools.metrics, tools, held.metric, plan.service, plan.environment, window)
        if found is None:
            return ()
        log = changelog.read(tools, plan.service, plan.environment, end - max(window, USUAL))
        return (chart(found, log, found.subject, f"{found.subject}: {verdict(found, log)}"),)
    except TwokeyError:
        return ()
