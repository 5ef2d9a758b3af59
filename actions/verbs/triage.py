"""triage: gather what may explain a symptom."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import StringConstraints

from actions import facts, judgement, reads
from actions.action import Read
from actions.outcome import Outcome
from actions.terms import Name, Rule
from actions.toolbox import Progress, Toolbox


class Triage(Read):
    """Metrics, errors, events and recent changes side by side."""

    verb: ClassVar[str] = "triage"
    rules: ClassVar[tuple[Rule, ...]] = (
        *reads.WORKLOADS,
        *reads.REVISIONS,
        reads.PODS,
        reads.LOGS,
        reads.EVENTS,
        Rule("autoscaling", "horizontalpodautoscalers", ("list",)),
    )
    help: ClassVar[str] = "Metrics, errors, events and recent changes side by side"
    examples: ClassVar[tuple[str, ...]] = (
        "payments is slow in prod, what changed?",
        "why is checkout failing in prod?",
    )

    service: Name
    environment: Name
    symptom: Annotated[str, StringConstraints(max_length=300)] | None = None

    def answer(self, tools: Toolbox, progress: Progress) -> Outcome:
        """Gathers the facts side by side, then judges them. Raises SourceError where no source answers at all."""
        return judgement.judge(facts.gather(tools, self.service, self.environment, self.symptom or "", progress))
