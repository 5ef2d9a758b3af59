"""deploy: give a service's container another image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import StringConstraints

from actions import cautions, guard, image, limits, objects, pinning, preview, progressive, readiness, tripwire
from actions.action import Change
from actions.errors import BadInput, SourceError
from actions.keepers import draft as keepers
from actions.keepers import rules
from actions.plan import Caution, Difference, Draft, Guard, Patch
from actions.terms import OURS, Risk, Rule
from actions.toolbox import Toolbox

# A tag or a digest, as the OCI distribution specification defines them (section "Pulling manifests").
Version = Annotated[str, StringConstraints(pattern=r"^(?:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}|sha256:[0-9a-f]{64})$")]

_SHOWN = 24  # characters of a version in a title; a card's difference has the whole of it


_KEPT = "A GitOps tool keeps its version, and there a guard cannot go back by itself."
_ON_ITS_WAY = "It is paused with this version, and a guard watches from a deploy's beginning alone."


class Deploy(Change):
    """Run another version of a service."""

    verb: ClassVar[str] = "deploy"
    risk: ClassVar[Risk] = Risk.HIGH
    rules: ClassVar[tuple[Rule, ...]] = (
        *preview.template_rules((*preview.PODS, "containers", OURS, "image")),
        *rules.CHANGING,
        *progressive.PROMOTING,
    )
    help: ClassVar[str] = "Run another version of a service"
    examples: ClassVar[tuple[str, ...]] = ("deploy checkout 1.4.2 to prod", "ship cart v2.1 to staging")

    later: ClassVar[frozenset[str]] = frozenset({"guard"})

    version: Version
    guard: tripwire.Line | None = None  # roll back by itself if this trips; None is the catalogue's own for this place

    @property
    def title(self) -> str:
        version = self.version if len(self.version) <= _SHOWN else f"{self.version[: _SHOWN - 1]}…"
        return f"Deploy {self.service} {version} in {self.environment}"

    def draft(self, tools: Toolbox) -> Draft:
        """The catalogue's container gets this tag or digest, from the catalogue's repository or else the live one.

        Where a GitOps tool keeps the version, it is changed there (`actions.keepers`); a Rollout that is paused with
        this version goes on (`actions.progressive`).
        Raises BadInput where there is no such container, it runs this version already, or its guard makes no sense;
        else as `Change.draft`.
        """
        if kept := tools.catalog.kept(self.service, self.environment):
            return self._unguarded(keepers.deploy(tools, self, kept, self.version), tools, _KEPT)
        now = preview.present(tools, self)
        old = objects.image_of(now.template, now.container)
        repository = tools.catalog.services[self.service].image or image.split(old)[0]
        new = image.join(repository, self.version)
        if new == old:
            if going_on := progressive.promotion(tools, self, now):
                return self._unguarded(going_on, tools, _ON_ITS_WAY)
            raise BadInput(f"{self.service} in {self.environment} already runs {now.version}.")
        same_place = image.split(old)[0] == repository
        shown = (image.version(old), image.version(new)) if same_place else (old, new)
        return preview.of_template(
            tools,
            self,
            now,
            Patch(
                type="strategic",
                body={
                    "metadata": {"annotations": preview.marks(f"deploy {self.version}")},
                    "spec": {"template": {"spec": {"containers": [{"name": now.container, "image": new}]}}},
                },
            ),
            differences=(Difference(field="image", before=shown[0], after=shown[1]),),
            warnings=(
                *cautions.of_template(now.live),
                *limits.of_rollout(tools, now.ref, now.live, now.template),
                *pinning.of_version(tools, self, repository, self.version),
                *readiness.cautions(tools, self.service, self.version),
            ),
            undo=preview.back_to(self, image.split(old)[1]),
            guarded=lambda after: self._guarded(tools, now, after),
        ).model_copy(update={"evals": readiness.suites(tools, self.service)})

    def _unguarded(self, draft: Draft, tools: Toolbox, why: str) -> Draft:
        """A tool that keeps the version goes back in its own time, or forth again, and a Rollout that goes on from a
        pause began under a plan of its own: no guard can promise anything there."""
        if self.guard not in (None, tripwire.NONE):
            raise BadInput(f"{why} Deploy {self.service} without a guard, and watch it.")
        if self.guard is None and self.environment in tools.catalog.services[self.service].guards:
            return draft.model_copy(update={"warnings": (*draft.warnings, guard.unwatchable(why))})
        return draft

    def _guarded(
        self, tools: Toolbox, now: preview.Present, after: Mapping[str, Any]
    ) -> tuple[Guard | None, tuple[Caution, ...]]:
        """What was asked for, else what the catalogue says; that one gives way where it cannot watch, and says so."""
        usual = tools.catalog.services[self.service].guards.get(self.environment)
        wanted = self.guard or usual
        if wanted is None or wanted == tripwire.NONE:
            return None, ()
        try:
            return guard.of_deploy(tools, self, now, after, tripwire.parse(wanted)), ()
        except (BadInput, SourceError) as error:
            if self.guard is not None:
                raise
            return None, (guard.unwatchable(error.say),)
