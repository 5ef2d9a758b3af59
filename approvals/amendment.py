"""Another policy or catalogue as a request: the plan that people see, and who has to agree (A9). Pure.

Nobody knows who wrote a file, so it counts as nobody's wish until a person asks for it. From then on it is a request
like any other: whoever asks approves nothing (A4), each person speaks once, a deny ends it (A5), so does its time (A6),
and it goes stale where another one came into force meanwhile. Keys that were handed over and broken glasses open
nothing here. With its last approval it comes into force, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from actions import durations
from actions.plan import Caution, Difference, Patch, Plan, Precondition, Target
from actions.terms import Risk
from approvals import comparison
from approvals.charter import Draft
from approvals.shelf import Kind
from approvals.shift import Shift, briefly, one_by_one
from approvals.subjects import listed
from approvals.verdict import NeedsApproval

OUTGROWN = "It would change something else by now than this card says. Once it is withdrawn or over, ask for it again."

VERBS: Mapping[Kind, str] = {"policy": "change_policy", "catalog": "change_catalog"}
"""No verbs of the registry: no sentence, form or model can ask for them (A12)."""

WORDS: Mapping[Kind, str] = {"policy": "policy", "catalog": "catalogue"}
"""What people call them."""

TARGETS: Mapping[Kind, Target] = {
    kind: Target(cluster=None, namespace="twokey", kind="Policy", name=kind, uid="") for kind in VERBS
}


def kind_of(plan: Plan) -> Kind:
    """Which of both a plan that amends would change."""
    return "catalog" if plan.target.name == "catalog" else "policy"


def plan_of(draft: Draft) -> Plan:
    """What this draft would change, as it is shown and approved: by its digest exactly this one, over exactly that."""
    target = TARGETS[draft.kind].model_copy(update={"uid": draft.before})
    return Plan(
        action={
            "verb": VERBS[draft.kind],
            "service": target.name,
            "environment": "everywhere",
            "draft": draft.id,
            "version": draft.version,
        },
        target=target,
        differences=tuple(_differences(draft.shifts)),
        facts=(f"in force: {draft.before[:12]}", f"this one: {draft.version[:12]}"),
        patch=Patch(body={}),
        diff="\n".join(draft.lines),
        warnings=tuple(Caution(code="members", text=text) for text in briefly(draft.shifts)),
        preconditions=(Precondition(path=f"{draft.kind}.version", value=draft.before),),
        risk=Risk.HIGH,
        policy_version=draft.policy.version,
    )


def still_says(plan: Plan, draft: Draft) -> bool:
    """Whether this plan names every verdict that its draft changes by today's policy and catalogue, and no other (A1).

    What is said of each follows from the two of them, but for the moment at which a freeze is felt first.
    """
    named = plan.diff.endswith("\n".join(one_by_one(draft.shifts)))
    return named and sorted(d.field for d in plan.differences) == sorted(d.field for d in _differences(draft.shifts))


def verdict_of(draft: Draft) -> NeedsApproval:
    """Whose agreement the policy in force wants, and by its defaults for how long it waits."""
    defaults = draft.policy.defaults
    return NeedsApproval(
        rule=f"what weakens the {WORDS[draft.kind]}",
        requirements=draft.needs,
        approve_within=durations.parse(defaults.approve_within),
        run_within=durations.parse(defaults.run_within),
        remind_after=durations.parse(defaults.remind_after) if defaults.remind_after else None,
        escalation=comparison.escalation_for(draft.shifts),
    )


def _differences(shifts: Iterable[Shift]) -> list[Difference]:
    """A line for each change, the weaker first; verbs to which the same happens share theirs."""
    verbs: dict[Shift, list[str]] = {}
    for shift in sorted(shifts, key=lambda shift: not shift.weaker):
        verbs.setdefault(shift.of_any_verb, []).append(shift.verb.replace("_", " "))
    return [
        Difference(field=f"{shift.kind} {shift.worded(listed(names))}", before=shift.before, after=shift.after)
        for shift, names in verbs.items()
    ]
