"""What several processes share besides the store: a cluster that is one file, and a clock that a file moves."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from actions.errors import GrantRefused
from actions.objects import back_id
from actions.outcome import Grant, Outcome, Step
from actions.plan import Plan
from actions.record import Record
from actions.toolbox import Progress
from tests.approvals.doubles import TRIP, Hands, House, a_house

PATIENCE = 60.0  # seconds that a writer waits for another: a busy machine is no fault of the store
START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


class Moved:
    """A clock whose time stands in a file, in seconds; nobody waits by it."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def now(self) -> datetime:
        return START + timedelta(seconds=float(self._file.read_text()))

    def steady(self) -> float:
        """Seconds since some moment; here the same as everybody's time."""
        return float(self._file.read_text())

    def sleep(self, seconds: float) -> None:
        """Time passes by the file alone."""


class Cluster(Hands):
    """An effect is one line in a file, written by one system call. Nothing here remembers having done it."""

    def __init__(self, file: Path) -> None:
        super().__init__(steps=(Step(text="1 of 1", done=1, total=1),))
        self._file = file
        self.in_place: Callable[[], None] = lambda: None  # when the change has landed; may raise

    def execute(
        self, plan: Plan, grant: Grant, progress: Progress, stop: Callable[[], bool], record: Record
    ) -> Outcome:
        """As the executor does it: the grant, the question whether to go on, the patch, a look at the rollout.

        The guard of a plan that has one trips at once.
        """
        self._write(plan, grant, stop)
        self.in_place()
        for step in self.steps:
            progress(step)
        if plan.way_back:
            return self._guarded(plan.way_back, stop, record)
        return Outcome(ok=None if stop() else True, summary="done")

    def watch_on(
        self, plan: Plan, request_id: str, progress: Progress, stop: Callable[[], bool], record: Record
    ) -> Outcome:
        """The same from where the change is in place."""
        if request_id not in self.landed() or plan.way_back is None:
            return Outcome(ok=None, summary="it is not in place")
        return self._guarded(plan.way_back, stop, record)

    def _guarded(self, back: Plan, stop: Callable[[], bool], record: Record) -> Outcome:
        record.began()
        try:
            self._write(back, record.leave(TRIP), stop)
        except GrantRefused as error:
            return Outcome(ok=None, summary=f"not rolled back: {error.say}")
        return Outcome(ok=False, rolled_back=True, summary="rolled back")

    def _write(self, plan: Plan, grant: Grant, stop: Callable[[], bool]) -> None:
        if grant.digest != plan.digest:
            raise GrantRefused
        if stop():
            raise GrantRefused("It was stopped before anything was changed.")
        file = os.open(self._file, os.O_WRONLY | os.O_APPEND)
        os.write(file, f"{grant.request_id}\n".encode())
        os.close(file)

    def reconcile(self, plan: Plan, request_id: str) -> Outcome | None:
        if back_id(request_id) in self.landed():
            return Outcome(ok=False, rolled_back=True, summary="it was rolled back")
        landed = request_id in self.landed()
        return Outcome(ok=landed, summary="it happened" if landed else "it did not happen")

    def landed(self) -> list[str]:
        """The ids of the requests that reached the cluster, as often as they did."""
        return self._file.read_text().split()


class World:
    """One folder: the cluster, the clock, and the address of a store."""

    def __init__(self, folder: Path, url: str) -> None:
        self.url, self._clock = url, folder / "clock"
        self.cluster = Cluster(folder / "cluster")
        (folder / "cluster").touch()
        if not self._clock.exists():
            self._clock.write_text("0")
        self.folder = folder

    def house(self, patience: float = PATIENCE) -> House:
        """A process's gate in this world."""
        hands = Cluster(self.folder / "cluster")
        return a_house(self.folder / "unused", url=self.url, hands=hands, reads=self.clock, patience=patience)

    def own_time(self) -> House:
        """A process's gate whose clock is its own and is driven by hand."""
        return a_house(self.folder / "unused", url=self.url, hands=Cluster(self.folder / "cluster"), patience=PATIENCE)

    @property
    def clock(self) -> Moved:
        """As everybody reads it."""
        return Moved(self._clock)

    def advance(self, seconds: float) -> None:
        """For everybody at once; back, if negative."""
        fresh = self._clock.with_suffix(".new")
        fresh.write_text(str(float(self._clock.read_text()) + seconds))
        fresh.rename(self._clock)
