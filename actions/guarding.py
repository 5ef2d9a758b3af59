"""Watches the metric of a guard after a rollout, and takes the change back if it trips: the plan's second effect.

The guard never guesses: where the metric cannot be read it goes on looking until its time is up, and says what it did
not see. Before anything is rolled back it asks for leave, which records the trip and is given once (E1, L1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from actions import changelog, delivery, endings, guard, landing, objects, quantities
from actions.delivery import Delivery
from actions.errors import GrantRefused, SourceError, StalePlan, TwokeyError
from actions.keepers import progress
from actions.measurement import USUAL, chart, measure, verdict
from actions.outcome import Evidence, Grant, Outcome, Step, Suggestion, Trip
from actions.plan import Guard, Plan
from actions.record import Record
from actions.rollout import Complete, Failed
from actions.toolbox import Progress, Toolbox
from actions.vitals import Vitals
from actions.watch import Pace, Watch, glance, look

LOOKS = 2
"""So many looks in a row have to be at the limit: a single one may stand in the middle of something."""
_PARTS = 20  # of the time, as the progress shows it
_UNSEEN = 0.1  # the share of the time without an answer that is worth saying


@dataclass(frozen=True)
class Quiet:
    """The time is up, and it did not trip; `unseen` says what could not be looked at."""

    unseen: str


@dataclass(frozen=True)
class Tripped:
    """The limit was reached. Without a grant nothing is rolled back, and `why` says why not."""

    trip: Trip
    grant: Grant | None
    why: str = ""


@dataclass(frozen=True)
class Moved:
    """Somebody else changed the target, so it is theirs now."""

    how: str


class Watchman:
    """The eyes of one guard, whose change is in place and complete."""

    def __init__(
        self, tools: Toolbox, pace: Pace, plan: Plan, progress: Progress, stop: Callable[[], bool], record: Record
    ) -> None:
        self._tools, self._pace, self._plan, self._guard = tools, pace, plan, _guard(plan)
        self._progress, self._stop, self._record = progress, stop, record
        self._began, self._recorded = tools.clock.steady(), False  # of time that no setting of the clock changes (A6)
        self._last: Decimal | None = None
        self._reached, self._blind, self._trouble, self._alone = 0, 0.0, "", False
        self._told: Step | None = None

    def watch(self) -> Quiet | Tripped | Moved | None:
        """Look until the time is up, it trips, or the target is somebody else's; None where somebody stopped it."""
        while not self._stop():
            if how := self._moved():
                return Moved(how)
            self._begin()
            self._look()
            late = self._elapsed >= self._guard.window
            if self._reached >= LOOKS:
                found = self._tripped()
                if found.grant or found.why or late:
                    return found
            if late:
                return Quiet(self._unseen())
            self._tell()
            self._tools.clock.sleep(self._pace.sample)
        return None

    @property
    def _elapsed(self) -> float:
        return self._tools.clock.steady() - self._began

    def _begin(self) -> None:
        """The time runs from the first look of all, whoever had it."""
        if self._recorded:
            return
        try:
            seen = self._record.began()
        except TwokeyError:
            return
        self._recorded = True
        self._began = min(self._began, self._tools.clock.steady() - seen.elapsed)
        self._blind += seen.unseen
        self._alone = seen.unseen > 0

    def _moved(self) -> str:
        """What somebody else did to the target; empty where it is as the change left it, or cannot be read."""
        try:
            live = delivery.read(self._tools, self._plan)
        except StalePlan as gone:
            return gone.say.rstrip(".")
        except SourceError:
            return ""
        back = self._plan.way_back
        version = progress.version(self._tools.catalog, self._plan, live)
        return "; ".join(landing.moved(back, live, version, self._tools.clock.now())) if back else ""

    def _look(self) -> None:
        try:
            self._last = guard.measured(self._tools, self._guard.query)
            self._trouble = "" if self._last is not None else "Prometheus has no data for it"
        except SourceError as error:
            self._last, self._trouble = None, error.say.rstrip(".")
        if self._last is None:
            self._blind += self._pace.sample
            self._reached = 0
        else:
            self._reached = self._reached + 1 if self._last >= Decimal(self._guard.limit) else 0

    def _tripped(self) -> Tripped:
        measured = self._last if self._last is not None else Decimal(0)
        trip = Trip(measured=f"{measured:f}", limit=self._guard.limit, after=round(self._elapsed))
        try:
            return Tripped(trip, self._record.leave(trip))
        except GrantRefused as error:
            return Tripped(trip, None, error.say)
        except TwokeyError as error:  # nobody can say now whether it may: the next look asks again
            self._trouble = error.say.rstrip(".")
            return Tripped(trip, None)

    def _unseen(self) -> str:
        if self._blind < self._guard.window * _UNSEEN and self._last is not None:
            return ""
        reason = self._trouble or ("its runner was gone" if self._alone else "")
        why = f" ({reason})" if reason else ""
        name, blind = quantities.NAMES[self._guard.metric], min(self._blind, self._guard.window)
        return f"the {name} could not be read for {quantities.span(blind)} of {_window(self._guard)}{why}"

    def _tell(self) -> None:
        left = quantities.span(max(0.0, self._guard.window - self._elapsed))
        name = quantities.NAMES[self._guard.metric]
        text = f"watching {name}: {_of_limit(self._guard, self._last)}, {left} left"
        if self._last is None:
            text = f"watching {name}: not to be read now ({self._trouble}), {left} left"
        step = Step(text=text, done=int(_PARTS * self._elapsed / self._guard.window), total=_PARTS)
        if step != self._told:
            self._told = step
            self._progress(step)


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
        held = _guard(self._plan)
        if not outcome.ok:
            return outcome
        if not found.unseen:
            limit = quantities.spell(held.metric, float(held.limit))
            words = f"guarded: {quantities.NAMES[held.metric]} stayed under {limit} for {_window(held)}"
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
    outcome, held = glance(tools, plan), _guard(plan)
    if outcome is None or not outcome.ok:
        return outcome
    name = quantities.NAMES[held.metric]
    try:
        measured = guard.measured(tools, held.query)
    except SourceError:
        measured = None
    if measured is not None and measured >= Decimal(held.limit):
        reason = f"its guard was cut off, and {name} is {_of_limit(held, measured)} now"
        return endings.failed(reason, steps=_by_hand(plan))
    now = f"{name} is {_of_limit(held, measured)} now" if measured is not None else f"{name} cannot be read now"
    summary = f"{outcome.summary} · ⚠ its guard was cut off and watches no longer; {now}"
    return outcome.model_copy(update={"summary": summary, "suggestions": _by_hand(plan)})


def _by_hand(plan: Plan) -> tuple[Suggestion, ...]:
    """What its guard would have run, as a card to decide upon."""
    back = ", ".join(d.after for d in _guard(plan).differences)
    return (endings.logs(plan), Suggestion(label=f"Roll back to {back}…", action=_guard(plan).action))


def _guard(plan: Plan) -> Guard:
    assert plan.guard is not None, "only a guarded plan is watched"  # noqa: S101 - for the type checker
    return plan.guard


def _sentence(plan: Plan, trip: Trip) -> str:
    """`its guard tripped: error rate 1.2 % (limit 0.8 %) after 3 min`."""
    held = _guard(plan)
    shown = _of_limit(held, Decimal(trip.measured))
    return f"its guard tripped: {quantities.NAMES[held.metric]} {shown} after {quantities.span(trip.after)}"


def _of_limit(held: Guard, measured: Decimal | None) -> str:
    limit = quantities.spell(held.metric, float(held.limit))
    return f"{'?' if measured is None else quantities.spell(held.metric, float(measured))} (limit {limit})"


def _window(held: Guard) -> str:
    return quantities.span(held.window)


def _chart(tools: Toolbox, plan: Plan) -> tuple[Evidence, ...]:
    """The metric around the change; nothing where it cannot be read any more, since it only illustrates."""
    if tools.metrics is None:
        return ()
    held, end = _guard(plan), tools.clock.now()
    window = timedelta(seconds=max(3600, 2 * held.window))
    try:
        found = measure(tools.metrics, tools, held.metric, plan.service, plan.environment, window)
        if found is None:
            return ()
        log = changelog.read(tools, plan.service, plan.environment, end - max(window, USUAL))
        return (chart(found, log, found.subject, f"{found.subject}: {verdict(found, log)}"),)
    except TwokeyError:
        return ()
