"""status: how a service is doing now."""

from __future__ import annotations

from typing import ClassVar

from actions.action import Name, Read, Rule


class Status(Read):
    """How a service is doing: pods, version, errors, latency."""

    verb: ClassVar[str] = "status"
    rules: ClassVar[tuple[Rule, ...]] = (Rule("apps", "deployments", ("get",)), Rule("", "pods", ("list",)))
    help: ClassVar[str] = "How a service is doing: pods, version, errors, latency"
    examples: ClassVar[tuple[str, ...]] = ("status of checkout in prod", "how is payments doing in prod?")

    service: Name
    environment: Name
