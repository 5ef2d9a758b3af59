"""triage: gather what may explain a symptom."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import StringConstraints

from actions.action import Name, Read, Rule


class Triage(Read):
    """Metrics, errors, events and recent changes side by side."""

    verb: ClassVar[str] = "triage"
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("apps", "deployments", ("get",)),
        Rule("", "pods", ("list",)),
        Rule("", "events", ("list",)),
    )
    help: ClassVar[str] = "Metrics, errors, events and recent changes side by side"
    examples: ClassVar[tuple[str, ...]] = (
        "payments is slow in prod, what changed?",
        "why is checkout failing in prod?",
    )

    service: Name
    environment: Name
    symptom: Annotated[str, StringConstraints(max_length=300)] | None = None
