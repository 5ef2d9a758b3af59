"""scale: change how many replicas a service has."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, StringConstraints, model_validator

from actions.action import Change, Risk, Rule

Factor = Annotated[str, StringConstraints(pattern=r"^(?:[+-][1-9]\d{0,4}|x\d{1,3}(?:\.\d{1,3})?|[1-9]\d{0,2}%)$")]


class Scale(Change):
    """Set the replicas, or change them relative to what is there."""

    verb: ClassVar[str] = "scale"
    risk: ClassVar[Risk] = Risk.LOW
    rules: ClassVar[tuple[Rule, ...]] = (Rule("apps", "deployments/scale", ("get", "patch")),)
    help: ClassVar[str] = "Change how many replicas a service has"
    examples: ClassVar[tuple[str, ...]] = ("scale checkout to 5 in prod", "double cart in staging")

    replicas: Annotated[int, Field(ge=0, le=10_000)] | None = None
    change: Factor | None = None  # "+2", "-1", "x1.5" (times), "50%" (down to half)

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.replicas is None) == (self.change is None):
            raise ValueError("say either a number of replicas or a change, and not both")
        return self
