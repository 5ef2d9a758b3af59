"""scale: change how many replicas a service has."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, ClassVar, Self

from pydantic import Field, StringConstraints, model_validator

from actions import cautions, objects, preview
from actions.action import Change
from actions.errors import BadInput
from actions.plan import Draft
from actions.terms import Risk, Rule
from actions.toolbox import Toolbox

Factor = Annotated[str, StringConstraints(pattern=r"^(?:[+-][1-9]\d{0,4}|x\d{1,3}(?:\.\d{1,3})?|[1-9]\d{0,2}%)$")]


class Scale(Change):
    """Set the replicas, or change them relative to what is there."""

    verb: ClassVar[str] = "scale"
    risk: ClassVar[Risk] = Risk.LOW
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("apps", "deployments", ("get",)),
        Rule("apps", "deployments/scale", ("patch",)),
        Rule("apps", "statefulsets", ("get",)),
        Rule("apps", "statefulsets/scale", ("patch",)),
        *preview.WATCH_RULES,
        Rule("autoscaling", "horizontalpodautoscalers", ("list",)),
    )
    help: ClassVar[str] = "Change how many replicas a service has"
    examples: ClassVar[tuple[str, ...]] = ("scale checkout to 5 in prod", "double cart in staging")

    replicas: Annotated[int, Field(ge=0, le=10_000)] | None = None
    change: Factor | None = None  # "+2", "-1", "x1.5" (times), "50%" (down to half)

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.replicas is None) == (self.change is None):
            raise ValueError("say either a number of replicas or a change, and not both")
        return self

    def draft(self, tools: Toolbox) -> Draft:
        """The new number through `/scale`, at most the catalogue's `max_replicas`.

        A product of a factor is rounded half up and is at least 1; only `replicas: 0` stops a service.
        Raises BadInput for a DaemonSet, for no change, and for a number out of bounds; else as `Change.draft`.
        """
        now = preview.present(tools, self)
        where = f"{self.service} in {self.environment}"
        if now.ref.kind == "DaemonSet":
            raise BadInput(f"{where} is a DaemonSet: it runs once on every node and cannot be scaled.")
        before = objects.replicas(now.live)
        wanted = self._wanted(before, where)
        ceiling = tools.catalog.services[self.service].max_replicas
        if wanted > ceiling:
            raise BadInput(
                f"{self.service} may have at most {ceiling} replicas, and this would make {wanted}. "
                f"Ask for {ceiling} or fewer, or raise max_replicas in the catalogue."
            )
        if wanted == before:
            raise BadInput(f"{where} already has {_count(before)}.")
        autoscaler = tools.cluster.autoscaler(now.ref)
        production = tools.catalog.is_production(self.environment)
        return preview.of_scale(
            tools,
            self,
            now,
            wanted,
            warnings=(*cautions.of_change(now.live), *cautions.of_scale(wanted, autoscaler, production)),
            undo=Scale(service=self.service, environment=self.environment, replicas=before).as_json(),
        )

    def _wanted(self, before: int, where: str) -> int:
        if self.change is None:
            return int(self.replicas or 0)
        if self.change[0] in "+-":
            wanted = before + int(self.change)
            if wanted < 1:
                raise BadInput(f"{where} has {_count(before)}, so that would leave none. To stop it, scale it to 0.")
            return wanted
        if before == 0:
            raise BadInput(f"{where} has no replicas now, so say how many it shall have.")
        factor = Decimal(self.change[:-1]) / 100 if self.change.endswith("%") else Decimal(self.change[1:])
        if factor == 0:
            raise BadInput(f"That would leave {where} without a replica. To stop it, scale it to 0.")
        return max(1, int((before * factor).quantize(Decimal(1), ROUND_HALF_UP)))


def _count(replicas: int) -> str:
    return f"{replicas} replica" + ("" if replicas == 1 else "s")
