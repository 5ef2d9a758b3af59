"""scale: change how many replicas a service has."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, ClassVar, Self

from pydantic import Field, StringConstraints, model_validator

from actions import autoscaling, cautions, limits, objects, preview
from actions.action import Change
from actions.clients.protocols import Autoscaler
from actions.errors import BadInput
from actions.keepers import reverting
from actions.keepers import rules as keepers
from actions.outcome import Suggestion
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
        Rule("apps", "deployments/scale", ("patch",), (("spec", "replicas"),)),
        Rule("apps", "statefulsets", ("get",)),
        Rule("apps", "statefulsets/scale", ("patch",), (("spec", "replicas"),)),
        Rule("argoproj.io", "rollouts", ("get",)),
        Rule("argoproj.io", "rollouts/scale", ("patch",), (("spec", "replicas"),)),
        *preview.WATCH_RULES,
        *autoscaling.RULES,
        *limits.RULES,
        *keepers.READING,
    )
    help: ClassVar[str] = "Change how many replicas a service has"
    examples: ClassVar[tuple[str, ...]] = ("scale checkout to 5 in prod", "double cart in staging")

    replicas: Annotated[int, Field(ge=0, le=10_000)] | None = None
    change: Factor | None = None  # "+2", "-1", "x1.5" (times), "50%" (down to half)
    autoscaler: autoscaling.Bound | None = None  # this bound of the autoscaler becomes `replicas`, not the replicas

    pressed: ClassVar[frozenset[str]] = frozenset({"autoscaler"})

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.replicas is None) == (self.change is None):
            raise ValueError("say either a number of replicas or a change, and not both")
        if self.autoscaler and self.replicas is None:
            raise ValueError("a bound of an autoscaler is a number of replicas, not a change")
        return self

    @property
    def title(self) -> str:
        if self.autoscaler is None:
            return super().title
        return f"Set the autoscaler's {self.autoscaler} of {self.service} in {self.environment}"

    def draft(self, tools: Toolbox) -> Draft:
        """The new number through `/scale`, at most the catalogue's `max_replicas`.

        A product of a factor is rounded half up and is at least 1; only `replicas: 0` stops a service.
        With `autoscaler` that bound of it instead; see `actions.autoscaling`.
        Raises BadInput for a DaemonSet, for no change, and for a number out of bounds; else as `Change.draft`.
        """
        if self.autoscaler:
            return self._bounded(tools, self.autoscaler)
        now = preview.present(tools, self)
        where = f"{self.service} in {self.environment}"
        if now.ref.kind == "DaemonSet":
            raise BadInput(f"{where} is a DaemonSet: it runs once on every node and cannot be scaled.")
        before = objects.replicas(now.live)
        wanted = self._wanted(before, where)
        self._require_below_ceiling(tools, wanted)
        if wanted == before:
            raise BadInput(f"{where} already has {_count(before)}.")
        autoscaler = tools.cluster.autoscaler(now.ref)
        production = tools.catalog.is_production(self.environment)
        return preview.of_scale(
            tools,
            self,
            now,
            wanted,
            warnings=(
                *reverting.of_replicas(tools, self.service, self.environment, cautions.of_change(now.live)),
                *limits.of_scale(tools, now.ref, now.live, wanted),
                *cautions.of_scale(wanted, autoscaler, production, self._instead(wanted, autoscaler)),
            ),
            undo=Scale(service=self.service, environment=self.environment, replicas=before).as_json(),
        )

    def _require_below_ceiling(self, tools: Toolbox, wanted: int) -> None:
        ceiling = tools.catalog.services[self.service].max_replicas
        if wanted > ceiling:
            raise BadInput(
                f"{self.service} may have at most {ceiling} replicas, and this would make {wanted}. "
                f"Ask for {ceiling} or fewer, or raise max_replicas in the catalogue."
            )

    def _bounded(self, tools: Toolbox, bound: autoscaling.Bound) -> Draft:
        wanted = int(self.replicas or 0)
        self._require_below_ceiling(tools, wanted)
        return autoscaling.draft(tools, self, bound, wanted)

    def _instead(self, wanted: int, autoscaler: Autoscaler | None) -> Suggestion | None:
        """The bound that makes this number last; None where no bound does: at 0 an autoscaler stops by itself."""
        if autoscaler is None or wanted in (0, autoscaler.minimum):
            return None
        bound = "maximum" if wanted > autoscaler.maximum else "minimum"
        action = {**self.as_json(), "replicas": wanted, "change": None, "autoscaler": bound}
        return Suggestion(label=f"Set its {bound} to {wanted} instead", action=action)

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
