"""run_eval: compare two versions of a model service on a suite."""

from __future__ import annotations

from typing import ClassVar

from actions.action import Name, Read, Rule
from actions.verbs.deploy import Version


class RunEval(Read):
    """Compare a model version with another on an eval suite."""

    verb: ClassVar[str] = "run_eval"
    rules: ClassVar[tuple[Rule, ...]] = ()
    help: ClassVar[str] = "Compare a model version with another on an eval suite"
    examples: ClassVar[tuple[str, ...]] = ("run support-quality on 2.1 against 2.0",)

    suite: Name
    candidate: Version
    baseline: Version | None = None
