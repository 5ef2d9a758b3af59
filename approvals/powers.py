"""What the gate needs of the executor, so that nothing here depends on how it does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from actions.action import Change, Read
from actions.outcome import Grant, Outcome
from actions.plan import Plan
from actions.record import Record
from actions.toolbox import Progress


class Executing(Protocol):
    """`actions.executor.Executor`, as the gate sees it."""

    def plan(self, action: Change, policy_version: str) -> Plan:
        """Read the target and preview the change. Raises BadInput or SourceError."""
        ...

    def parts(self, action: Read) -> Iterator[Read]:
        """The looks at one place that it stands for, each of which has to be allowed."""
        ...

    def answer(self, action: Read, progress: Progress) -> Outcome:
        """Look, and say what was found. Raises BadInput or SourceError."""
        ...

    def standard(self, service: str, suite: str) -> str:
        """The digest of what a service's suite asks now. Raises ConfigError where no run can be held to that."""
        ...

    def check(self, plan: Plan) -> None:
        """Raises StalePlan where the target is not as it was shown; SourceError where that cannot be told."""
        ...

    def execute(
        self,
        plan: Plan,
        grant: Grant,
        progress: Progress,
        stop: Callable[[], bool],
        record: Record,
    ) -> Outcome:
        """Do it once; and once what its guard declares, for which leave is asked first.

        Raises GrantRefused or StalePlan before any effect; SourceError where the cluster refused.
        """
        ...

    def watch_on(
        self, plan: Plan, request_id: str, progress: Progress, stop: Callable[[], bool], record: Record
    ) -> Outcome:
        """Watch on for a guarded run whose runner is gone; what its guard declares is done at most once, with leave."""
        ...

    def reconcile(self, plan: Plan, request_id: str) -> Outcome | None:
        """By reading only: what became of it. None where that still cannot be told."""
        ...
