"""rollback: go back to an older revision of a workload."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from actions.action import Change, Risk, Rule
from actions.verbs.deploy import Version


class Rollback(Change):
    """Go back to the previous revision, to a revision by number, or to a version."""

    verb: ClassVar[str] = "rollback"
    risk: ClassVar[Risk] = Risk.HIGH
    rules: ClassVar[tuple[Rule, ...]] = (Rule("apps", "deployments", ("get", "patch")),)
    help: ClassVar[str] = "Go back to the previous version, a revision, or a version"
    examples: ClassVar[tuple[str, ...]] = (
        "roll back checkout in prod",
        "roll back cart in staging to revision 12",
    )

    to: Annotated[int, Field(ge=1)] | Version | None = None
