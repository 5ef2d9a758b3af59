"""Watches the metric of a guard for as long as its plan says, also over time in which nobody looked.

What could not be looked at when it happened (a runner was gone, Prometheus did not answer) is judged as soon as it can
be, by what the metrics kept of it; what they kept nothing of is said. Before anything is rolled back leave is asked,
which records the trip and is given once (E1, L1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from actions import delivery, guard, landing, quantities
from actions.errors import GrantRefused, SourceError, StalePlan, TwokeyError
from actions.keepers import progress
from actions.outcome import Grant, Step, Trip
from actions.plan import Guard, Plan
from actions.record import Record
from actions.toolbox import Progress, Toolbox
from actions.watch import Pace

LOOKS = 2
"""So many looks in a row have to be at the limit: a single one may stand in the middle of something."""
_HOLE = 1.5  # times the pause between two looks: more than that between two values was not seen
_PARTS = 20  # of the time, as the progress shows it
_UNSEEN = 0.1  # the share of the time without a value that is worth saying
_NOTHING = "Prometheus has no data for it"


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
        self._tools, self._pace, self._plan, self._guard = tools, pace, plan, held_by(plan)
        self._progress, self._stop, self._record = progress, stop, record
        # All of time that passes, which no setting of the clock changes (A6).
        self._began, self._recorded = tools.clock.steady(), False
        self._arrived = self._began
        self._judged = self._began  # up to there every value is known, or counted as unseen
        self._step = max(1.0, pace.sample)  # seconds between two values; Prometheus takes no less everywhere
        self._last: Decimal | None = None
        self._reached, self._blind, self._trouble = 0, 0.0, ""
        self._trip: Trip | None = None  # stands: what was approved is that it was reached, not that it lasts
        self._told: Step | None = None

    def watch(self) -> Quiet | Tripped | Moved | None:
        """Look until the time is up, it trips, or the target is somebody else's; None where somebody stopped it."""
        while not self._stop():
            if how := self._moved():
                return Moved(how)
            self._begin()
            self._look()
            if self._trip:
                found = self._tripped(self._trip)
                if found.grant or found.why or self._over:
                    return found
            elif self._over:
                return Quiet(self._unseen())
            self._tell()
            self._tools.clock.sleep(self._pace.sample)
        return None

    @property
    def _elapsed(self) -> float:
        return self._tools.clock.steady() - self._began

    @property
    def _behind(self) -> float:
        """Seconds up to now, or to the end of its time, of which no value is known yet."""
        gap = self._began + min(self._elapsed, self._guard.window) - self._judged
        return gap if gap > _HOLE * self._step else 0.0

    @property
    def _over(self) -> bool:
        """Whether its time is up; what is still not known then may be answered a little later."""
        end = self._began + self._guard.window
        pending = self._behind > 0 or self._trip is not None
        return self._tools.clock.steady() >= (max(end, self._arrived) + self._pace.blind if pending else end)

    def _begin(self) -> None:
        """The time runs from the first look of all. Whoever comes later judges all of it: others may have seen less."""
        if self._recorded:
            return
        try:
            elapsed = self._record.began()
        except TwokeyError:
            return
        self._recorded = True
        began = self._tools.clock.steady() - elapsed
        if began < self._began:
            self._began, self._judged = began, began - self._step
            self._reached, self._blind = 0, 0.0  # what was seen so far is judged again, in its place

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
            found = list(self._values())
        except SourceError as error:
            self._last, self._trouble = None, error.say.rstrip(".")
            return
        for at, value in found:
            self._judge(at, value)
        if self._behind or not found:
            self._last, self._trouble = None, _NOTHING

    def _values(self) -> Iterator[tuple[float, Decimal]]:
        """The value now; where more is not known, or the time is up, what the metrics kept since the last one."""
        now, wall, first = self._tools.clock.steady(), self._tools.clock.now(), self._judged + self._step
        last = min(now, self._began + self._guard.window)
        if last == now and not self._behind:
            value = guard.measured(self._tools, self._guard.query)
            return iter(() if value is None else [(now, value)])
        if first > last:
            return iter(())
        start, end = (wall - timedelta(seconds=now - moment) for moment in (first, last))
        kept = guard.kept(self._tools, self._guard.query, start, end, self._step)
        return ((now - (wall - at).total_seconds(), value) for at, value in kept)

    def _judge(self, at: float, value: Decimal) -> None:
        if at - self._judged > _HOLE * self._step:
            self._blind += at - self._judged
            self._reached, self._trouble = 0, _NOTHING
        self._judged, self._last = at, value
        self._reached = self._reached + 1 if value >= Decimal(self._guard.limit) else 0
        if self._reached >= LOOKS and self._trip is None:
            self._trip = Trip(measured=f"{value:f}", limit=self._guard.limit, after=round(at - self._began))

    def _tripped(self, trip: Trip) -> Tripped:
        try:
            return Tripped(trip, self._record.leave(trip))
        except GrantRefused as error:
            return Tripped(trip, None, error.say)
        except TwokeyError as error:  # nobody can say now whether it may: the next look asks again
            self._trouble = error.say.rstrip(".")
            return Tripped(trip, None)

    def _unseen(self) -> str:
        blind = min(self._blind + self._behind, self._guard.window)
        if blind < self._guard.window * _UNSEEN:
            return ""
        why = f" ({self._trouble})" if self._trouble else ""
        name = quantities.NAMES[self._guard.metric]
        return f"the {name} could not be read for {quantities.span(blind)} of {window(self._guard)}{why}"

    def _tell(self) -> None:
        left = quantities.span(max(0.0, self._guard.window - self._elapsed))
        name = quantities.NAMES[self._guard.metric]
        text = f"watching {name}: {of_limit(self._guard, self._last)}, {left} left"
        if self._last is None:
            text = f"watching {name}: not to be read now ({self._trouble}), {left} left"
        done = min(_PARTS, int(_PARTS * self._elapsed / self._guard.window))
        step = Step(text=text, done=done, total=_PARTS)
        if step != self._told:
            self._told = step
            self._progress(step)


def held_by(plan: Plan) -> Guard:
    """The guard of a plan that has one."""
    assert plan.guard is not None, "only a guarded plan is watched"  # noqa: S101 - for the type checker
    return plan.guard


def of_limit(held: Guard, measured: Decimal | None) -> str:
    """`1.2 % (limit 0.8 %)`."""
    limit = quantities.spell(held.metric, float(held.limit))
    return f"{'?' if measured is None else quantities.spell(held.metric, float(measured))} (limit {limit})"


def window(held: Guard) -> str:
    """`10 min`."""
    return quantities.span(held.window)
