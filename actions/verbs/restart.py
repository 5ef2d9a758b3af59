"""restart: replace every pod of a service, one after the other."""

from __future__ import annotations

from typing import ClassVar

from actions import cautions, limits, objects, preview
from actions.action import Change
from actions.errors import BadInput
from actions.plan import REQUEST_TOKEN, Difference, Draft, Patch
from actions.terms import Risk, Rule
from actions.toolbox import Toolbox


class Restart(Change):
    """Replace every pod without changing what runs."""

    verb: ClassVar[str] = "restart"
    risk: ClassVar[Risk] = Risk.LOW
    rules: ClassVar[tuple[Rule, ...]] = preview.template_rules(
        (*preview.TEMPLATE, "metadata", "annotations", objects.RESTART_ANNOTATION)
    )
    help: ClassVar[str] = "Replace every pod of a service, one after the other"
    examples: ClassVar[tuple[str, ...]] = ("restart search in prod", "bounce cart in staging")

    def draft(self, tools: Toolbox) -> Draft:
        """An annotation of the pod template takes the request's id, so the same request restarts only once.

        Raises BadInput where nothing runs that could be restarted; else as `Change.draft`.
        """
        now = preview.present(tools, self)
        running = objects.running(now.live)
        if running == 0:
            raise BadInput(f"{self.service} in {self.environment} has no replicas, so there is nothing to restart.")
        return preview.of_template(
            tools,
            self,
            now,
            Patch(
                type="strategic",
                body={
                    "metadata": {"annotations": preview.marks("restart")},
                    "spec": {"template": {"metadata": {"annotations": {objects.RESTART_ANNOTATION: REQUEST_TOKEN}}}},
                },
            ),
            differences=(Difference(field="pods", before=f"{running} running", after=f"{running} new, in turns"),),
            warnings=(
                *cautions.of_template(now.live),
                *limits.of_rollout(tools, now.ref, now.live, now.template),
            ),
            undo=None,
        )
