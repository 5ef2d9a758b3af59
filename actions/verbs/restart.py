"""restart: replace every pod of a service, one after the other."""

from __future__ import annotations

from typing import ClassVar

from actions.action import Change, Risk, Rule


class Restart(Change):
    """Replace every pod without changing what runs."""

    verb: ClassVar[str] = "restart"
    risk: ClassVar[Risk] = Risk.LOW
    rules: ClassVar[tuple[Rule, ...]] = (Rule("apps", "deployments", ("get", "patch")),)
    help: ClassVar[str] = "Replace every pod of a service, one after the other"
    examples: ClassVar[tuple[str, ...]] = ("restart search in prod", "bounce cart in staging")
