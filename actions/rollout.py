"""How far a rollout is: a pure judgement over one reading of a workload and its newest pods."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from actions.clients.protocols import Pod, Revision
from actions.outcome import Step
from actions.redaction import without_values

_NEVER_STARTS = frozenset({"ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError"})
NEVER_STARTED = "cannot start"
_EXITS = {"Error": "{} with an error", "Completed": "{} though nothing asked for it"}  # a container's reasons, in words
"""Stands in a reason where no container ever ran, so that there are no logs."""
_CRASHES = 2  # restarts of one pod after which waiting longer is pointless


@dataclass(frozen=True)
class Progressing:
    """It goes on; `step` says how far it is, `why` what it waits for where that is known.

    `by_itself`: it rests by a plan of its own, and will go on however long that takes.
    """

    step: Step
    why: str = ""
    by_itself: bool = False


@dataclass(frozen=True)
class Complete:
    """Every replica runs the present template and is available, and no older pod is left."""

    ready: int
    held: str = ""  # where it goes no further by itself: "paused at step 1 of 4"


@dataclass(frozen=True)
class Failed:
    """It will not get there by waiting."""

    reason: str


Judgement = Progressing | Complete | Failed


@dataclass(frozen=True)
class _Counts:
    desired: int
    updated: int
    total: int
    available: int


def judge(workload: Mapping[str, Any], pods: Collection[Pod], before: Mapping[str, Any] | None = None) -> Judgement:
    """Whether this workload has become what its spec says.

    `pods` are those of the newest revision alone (see `newest`); with none given only the status is judged.
    `before` is the workload as it was before the change: a deadline that had passed then already is not held
    against the change, since the deployment controller keeps that condition until something progresses.
    The order of the checks follows `kubectl rollout status`; in addition pods that crash or cannot pull their image
    fail it at once, instead of after the progress deadline (10 minutes by default).
    """
    status = workload.get("status") or {}
    counts = _counts(workload)
    # 1. A status from before the change says nothing about it.
    if int(status.get("observedGeneration", 0)) < int(workload["metadata"].get("generation", 0)):
        return Progressing(_step(counts, pods), "the cluster has not taken notice yet")
    # 2. What waiting does not heal.
    if reason := _hopeless(workload, pods, counts) or _overdue(workload, pods, before):
        return Failed(reason)
    if workload.get("kind") == "Rollout":
        return _by_phase(workload, counts, pods, before)
    # 3. Every replica new, every old one gone, every new one available.
    if counts.updated >= counts.desired == counts.total and counts.available >= counts.desired:
        return Complete(counts.desired)
    return Progressing(_step(counts, pods), _why(workload, pods))


def step_of(workload: Mapping[str, Any]) -> str:
    """Where an Argo Rollout is: `paused at step 1 of 4`, `at step 2 of 4`, or its phase where it has no steps."""
    status = workload.get("status") or {}
    steps = ((workload["spec"].get("strategy") or {}).get("canary") or {}).get("steps") or ()
    paused = "paused" if status.get("pauseConditions") else ""
    at = f"at step {int(status.get('currentStepIndex', 0)) + 1} of {len(steps)}" if steps else "before promotion"
    return f"{paused} {at}".strip()


def _by_phase(
    workload: Mapping[str, Any], counts: _Counts, pods: Collection[Pod], before: Mapping[str, Any] | None
) -> Judgement:
    """By `status.phase`, which the controller works out (argo-rollouts.readthedocs.io, "Specification").

    What was degraded before and says the same is not held against a change; a pause without an end waits for a person.
    """
    status, was = workload.get("status") or {}, (before or {}).get("status") or {}
    phase, said = status.get("phase"), without_values(str(status.get("message") or ""))
    if phase == "Healthy":
        return Complete(counts.desired)
    if phase == "Degraded" and (phase, status.get("message")) != (was.get("phase"), was.get("message")):
        return Failed(f"Argo Rollouts says that it is degraded: {said}")
    paused = phase == "Paused" and bool(status.get("pauseConditions"))
    if paused and not _timed(workload):
        return Complete(counts.desired, held=step_of(workload))
    step = _step(counts, pods)
    told = Step(text=f"{step_of(workload)} · {step.text}", done=step.done, total=step.total)
    return Progressing(told, said, by_itself=paused)


def given_up(workload: Mapping[str, Any], pods: Collection[Pod]) -> Judgement:
    """Whether an aborted Rollout is back on its stable version with every replica; `pods` are those of every revision.

    The controller's own notice comes first: until it has written `abortedAt` and its phase, every count in the status
    is one from before the abort, of pods that the canary still has. Then every replica of the stable version has to be
    ready, and the aborted one has to be out of the way (argo-rollouts.readthedocs.io, "Specification").
    """
    counts, status = _counts(workload), workload.get("status") or {}
    ready = min(sum(pod.ready for pod in pods if pod.template_hash == status.get("stableRS")), counts.desired)
    noticed = status.get("abort") and status.get("abortedAt") and status.get("phase") == "Degraded"
    if noticed and ready == counts.desired <= counts.available and _out_of_the_way(workload, pods):
        return Complete(counts.desired)
    step = Step(text=f"{ready} of {counts.desired} ready", done=ready, total=counts.desired)
    return Progressing(step, "Argo Rollouts is giving it up")


def _out_of_the_way(workload: Mapping[str, Any], pods: Collection[Pod]) -> bool:
    """Whether the version that an abort gave up serves nobody any longer.

    Where a router splits the traffic, or two Services do, its pods stay for `abortScaleDownDelaySeconds` (30; with 0
    for good) and only the traffic tells; elsewhere having no pods any more is what takes it away.
    argo-rollouts.readthedocs.io, "Scaledown New Replicaset on Aborted Rollout"
    """
    strategy, status = workload["spec"].get("strategy") or {}, workload["status"]
    if "blueGreen" in strategy:
        return bool((status.get("blueGreen") or {}).get("activeSelector") == status.get("stableRS"))
    if "trafficRouting" in (strategy.get("canary") or {}):
        weights = (status.get("canary") or {}).get("weights") or {}
        return not (weights.get("canary") or {}).get("weight")
    return all(pod.template_hash == status.get("stableRS") for pod in pods) and not _counts(workload).updated


def _timed(workload: Mapping[str, Any]) -> bool:
    """Whether the present pause ends by itself: a step's after its duration, the one before a blue-green promotion
    after `autoPromotionSeconds`. Any other reason to pause, an analysis without a result say, waits for a person.

    A duration that is set has an end, 0 too; without one a person ends it (argo-rollouts.readthedocs.io, "Canary").
    """
    status, strategy = workload.get("status") or {}, workload["spec"].get("strategy") or {}
    reasons = {each.get("reason") for each in status.get("pauseConditions") or ()}
    if reasons == {"BlueGreenPause"}:
        switch = strategy.get("blueGreen") or {}
        return switch.get("autoPromotionEnabled") is not False and bool(switch.get("autoPromotionSeconds"))
    steps, at = (strategy.get("canary") or {}).get("steps") or (), int(status.get("currentStepIndex", 0))
    if reasons != {"CanaryPauseStep"} or at >= len(steps):
        return False
    return (steps[at].get("pause") or {}).get("duration") is not None


def newest(pods: Collection[Pod], revisions: Sequence[Revision]) -> tuple[Pod, ...]:
    """The pods of the newest revision: its name ends with their template hash."""
    if not revisions:
        return tuple(pods)
    name = revisions[0].name
    return tuple(pod for pod in pods if pod.template_hash and name.endswith(pod.template_hash))


def _counts(workload: Mapping[str, Any]) -> _Counts:
    """The three kinds count under different names."""
    spec, status = workload.get("spec") or {}, workload.get("status") or {}
    if workload.get("kind") == "DaemonSet":
        return _Counts(
            desired=int(status.get("desiredNumberScheduled", 0)),
            updated=int(status.get("updatedNumberScheduled", 0)),
            total=int(status.get("currentNumberScheduled", 0)),
            available=int(status.get("numberAvailable", 0)),
        )
    desired = int(spec.get("replicas", 1))
    updated = int(status.get("updatedReplicas", 0))
    if workload.get("kind") == "StatefulSet":
        rolling = (spec.get("updateStrategy") or {}).get("rollingUpdate") or {}
        if status.get("updateRevision") == status.get("currentRevision"):
            updated = int(status.get("replicas", 0))  # not counted once nothing is left to update
        else:
            updated += int(rolling.get("partition", 0))  # these stay as they are on purpose
    return _Counts(
        desired=desired,
        updated=updated,
        total=int(status.get("replicas", 0)),
        available=int(status.get("availableReplicas", status.get("readyReplicas", 0))),
    )


def _hopeless(workload: Mapping[str, Any], pods: Collection[Pod], counts: _Counts) -> str:
    bad = [pod for pod in pods if not pod.ready and pod.reason]
    unstartable = Counter(str(pod.reason) for pod in bad if pod.reason in _NEVER_STARTS)
    if unstartable:
        return f"{_share(unstartable, counts)} {NEVER_STARTED}: {unstartable.most_common(1)[0][0]}"
    crashing = Counter(str(pod.reason) for pod in bad if pod.restarts >= _CRASHES)
    if crashing:
        reason = crashing.most_common(1)[0][0]
        one = crashing.total() == 1
        why = _EXITS.get(reason, "").format("it exits" if one else "they exit") or reason
        limit = _limit(workload) if reason == "OOMKilled" else ""
        return f"{_share(crashing, counts)} {'crashes' if one else 'crash'}: {why}{limit}"
    if (workload.get("spec") or {}).get("paused") and counts.updated < counts.desired <= counts.total:
        return "it is paused, so nothing rolls out until somebody resumes it"
    return ""


def _overdue(workload: Mapping[str, Any], pods: Collection[Pod], before: Mapping[str, Any] | None) -> str:
    overdue = _deadline_passed(workload)
    if not overdue or (before is not None and overdue == _deadline_passed(before)):
        return ""
    why = _why(workload, pods)
    return "it made no progress within its deadline" + (f": {why}" if why else "")


def _deadline_passed(workload: Mapping[str, Any]) -> str:
    """Since when its deadline is passed; empty where it is not."""
    found = (c for c in _conditions(workload) if c.get("reason") == "ProgressDeadlineExceeded")
    return next((str(c.get("lastUpdateTime", "some time")) for c in found), "")


def _why(workload: Mapping[str, Any], pods: Collection[Pod]) -> str:
    """What it waits for: the API server's own words, or the commonest trouble of the pods."""
    for condition in _conditions(workload):
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            return f"the cluster refuses more pods: {condition.get('message', 'no reason given')}"
    troubles = Counter(pod.reason for pod in pods if pod.reason and not pod.ready)
    if not troubles:
        return ""
    reason, count = troubles.most_common(1)[0]
    return f"{count} {'pod is' if count == 1 else 'pods are'} not ready: {reason}"


def _step(counts: _Counts, pods: Collection[Pod]) -> Step:
    ready = sum(pod.ready for pod in pods) if pods else min(counts.updated, counts.available)
    done, old = min(ready, counts.desired), max(counts.total - counts.updated, 0)
    text = f"{done} of {counts.desired} ready"
    if old:
        text += f" · {old} old {'one' if old == 1 else 'ones'} left"
    return Step(text=text, done=done, total=counts.desired)


def _share(troubles: Counter[str], counts: _Counts) -> str:
    most = max(counts.desired, troubles.total())
    return f"{troubles.total()} of {most} pods" if most > 1 else "the only pod"


def _limit(workload: Mapping[str, Any]) -> str:
    containers = workload["spec"]["template"].get("spec", {}).get("containers", [])
    limits = [c.get("resources", {}).get("limits", {}).get("memory") for c in containers]
    found = next((limit for limit in limits if limit), None)
    return f" (limit {found})" if found else ""


def _conditions(workload: Mapping[str, Any]) -> list[dict[str, Any]]:
    return (workload.get("status") or {}).get("conditions") or []
