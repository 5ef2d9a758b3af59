"""history: what changed on a service, and who did it."""

from __future__ import annotations

from typing import ClassVar

from actions.action import Name, Read, Rule


class History(Read):
    """What changed lately, and who asked and approved."""

    verb: ClassVar[str] = "history"
    rules: ClassVar[tuple[Rule, ...]] = (Rule("apps", "replicasets", ("list",)),)
    help: ClassVar[str] = "What changed lately, and who asked and approved"
    examples: ClassVar[tuple[str, ...]] = (
        "history of checkout in prod",
        "what was deployed to cart in staging?",
    )

    service: Name
    environment: Name
