"""rollback: go back to an older revision of a workload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from actions import cautions, disclosure, image, limits, objects, preview, progressive, readiness, restoring
from actions.action import Change
from actions.clients.protocols import Revision
from actions.errors import BadInput
from actions.keepers import draft as keepers
from actions.keepers import rules
from actions.plan import Difference, Draft, Patch
from actions.terms import EACH, Risk, Rule
from actions.toolbox import Toolbox
from actions.verbs.deploy import Version

_SHOWN = 5  # revisions that a refusal lists


# How a revision configures its containers. Powers are not among it: a revision with another ServiceAccount, security
# context, hostPath, Secret or registry is refused by the cluster, which cannot look up that it was once there.
_CONFIGURED = (
    *("image", "command", "args", "workingDir", "env", "envFrom", "ports", "resources", "volumeMounts", "lifecycle"),
    *("livenessProbe", "readinessProbe", "startupProbe", "imagePullPolicy"),
)


class Rollback(Change):
    """Go back to the previous revision, to a revision by number, or to a version."""

    verb: ClassVar[str] = "rollback"
    phrase: ClassVar[str] = "Roll back"
    risk: ClassVar[Risk] = Risk.HIGH
    rules: ClassVar[tuple[Rule, ...]] = (
        *preview.template_rules(
            (*preview.TEMPLATE, "metadata", "annotations"),
            (*preview.TEMPLATE, "metadata", "labels"),
            *((*preview.PODS, kind, EACH, key) for kind in ("containers", "initContainers") for key in _CONFIGURED),
            (*preview.PODS, "volumes", EACH, "configMap"),
            (*preview.PODS, "terminationGracePeriodSeconds"),
        ),
        *rules.CHANGING,
        *progressive.ABORTING,
    )
    help: ClassVar[str] = "Go back to the previous version, a revision, or a version"
    examples: ClassVar[tuple[str, ...]] = (
        "roll back checkout in prod",
        "roll back cart in staging to revision 12",
    )

    to: Annotated[int, Field(ge=1)] | Version | None = None

    def draft(self, tools: Toolbox) -> Draft:
        """The pod template of the older revision takes the present one's place.

        Where a GitOps tool keeps the version, the older one is put there (`actions.keepers`); without a version, a
        Rollout that is under way is aborted (`actions.progressive`).
        A restart alone makes no revision of its own here: the previous revision is the newest one that differs in
        more than when it was restarted, and the marks of old restarts do not come back.
        Raises BadInput that lists what there is where there is no such revision; else as `Change.draft`.
        """
        if kept := tools.catalog.kept(self.service, self.environment):
            return keepers.rollback(tools, self, kept, self.to)
        now = preview.present(tools, self)
        revisions = tools.cluster.revisions(now.ref)
        if self.to is None and (given_up := progressive.abortion(tools, self, now, revisions)):
            return given_up
        chosen = self._choose(revisions, now)
        wanted = restoring.without_restarts(chosen.template)
        target = objects.version_of(wanted, now.container)
        back: str | int = image.split(objects.image_of(now.template, now.container))[1]
        if target == now.version:  # the same version under another configuration
            back = next((r.number for r in revisions if _same(r.template, now.template)), back)
        patch = Patch(
            type="merge",
            body={"metadata": {"annotations": preview.marks(f"roll back to revision {chosen.number} ({target})")}},
            restores=restoring.of(now.live, chosen),
        )
        return preview.of_template(
            tools,
            self,
            now,
            restoring.whole(patch, now.live, [chosen]),
            differences=(
                Difference(field="image", before=now.version, after=target),
                Difference(field="revision", before=_present_number(revisions, now), after=str(chosen.number)),
                *_variables(now.template, wanted),
            ),
            warnings=(
                *cautions.of_template(now.live),
                *limits.of_rollout(tools, now.ref, now.live, wanted),
                *readiness.cautions(tools, self.service, target),
            ),
            undo=preview.back_to(self, back),
        ).model_copy(update={"patch": patch})

    def _choose(self, revisions: Sequence[Revision], now: preview.Present) -> Revision:
        where = f"{self.service} in {self.environment}"
        older = [r for r in revisions if not _same(r.template, now.template)]
        if isinstance(self.to, int):
            chosen = next((r for r in revisions if r.number == self.to), None)
            if chosen and chosen not in older:
                raise BadInput(f"{where} already runs what revision {self.to} is ({now.version}).")
        elif self.to is not None:
            chosen = next((r for r in older if _runs(r, now.container, self.to)), None)
            if chosen is None and _runs_now(now, self.to):
                raise BadInput(f"{where} already runs {self.to}.")
        else:
            chosen = older[0] if older else None
        if chosen is None:
            raise BadInput(f"{where} has no {self._sought()} to go back to. {_listed(older, now.container)}")
        return chosen

    def _sought(self) -> str:
        if self.to is None:
            return "older revision"
        return f"revision {self.to}" if isinstance(self.to, int) else f"revision with version {self.to}"


def _variables(now: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[Difference, ...]:
    """That the environment changes, without any value (L6)."""
    names = disclosure.variables(now, wanted)
    return (Difference(field="env", before="as it is", after=names),) if names else ()


def _listed(revisions: Sequence[Revision], container: str) -> str:
    if not revisions:
        return "The cluster remembers none but the present one."
    shown = ", ".join(f"{r.number} ({objects.version_of(r.template, container)})" for r in revisions[:_SHOWN])
    return f"There is: {shown}."


def _runs(revision: Revision, container: str, wanted: str) -> bool:
    found = revision.image(container)
    return found is not None and _is_version(found, wanted)


def _runs_now(now: preview.Present, wanted: str) -> bool:
    return _is_version(objects.image_of(now.template, now.container), wanted)


def _is_version(full: str, wanted: str) -> bool:
    return image.split(full)[1] == wanted or full.endswith(f"@{wanted}")


def _present_number(revisions: Sequence[Revision], now: preview.Present) -> str:
    return next((str(r.number) for r in revisions if r.template == now.template), "present")


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return restoring.without_restarts(one) == restoring.without_restarts(other)
