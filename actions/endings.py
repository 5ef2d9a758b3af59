"""How a run ends, in words: the outcomes of a change and the next steps that they offer."""

from __future__ import annotations

from actions.outcome import Evidence, Outcome, Suggestion
from actions.plan import Plan


def done(plan: Plan, seconds: float | None, verified: str) -> Outcome:
    """It is in place and well. Without `seconds` nobody watched how long it took."""
    took = f"done in {span(seconds)}" if seconds is not None else "done, as the cluster shows now"
    return Outcome(ok=True, summary=f"{took} · {verified}")


def held(plan: Plan, outcome: Outcome, where: str) -> Outcome:
    """The same, with the way on and the way back where it goes no further by itself; `where` is empty if it does."""
    if not where or not outcome.ok:
        return outcome
    on = Suggestion(label="Go on…", action=plan.action) if plan.verb == "deploy" else None
    back = Suggestion(label="Abort…", action={"verb": "rollback", **_where(plan), "to": None})
    said = f"{outcome.summary} · {where}: it waits there until somebody lets it go on"
    return outcome.model_copy(update={"summary": said, "suggestions": (on, back) if on else (back,)})


def failed(
    reason: str,
    evidence: tuple[Evidence, ...] = (),
    details: tuple[str, ...] = (),
    steps: tuple[Suggestion, ...] = (),
) -> Outcome:
    """It is in place and does not work; `steps` is what helps now (`actions.fallback`)."""
    return Outcome(
        ok=False,
        summary=f"failed: {reason}",
        details=details,
        evidence=evidence,
        suggestions=steps,
    )


def rolled_back(plan: Plan, tripped: str, seconds: float | None) -> Outcome:
    """Its guard took it back, as was approved together with it. Without `seconds` nobody watched how long it took."""
    version = ", ".join(d.after for d in plan.guard.differences) if plan.guard else ""
    took = f" in {span(seconds)}" if seconds is not None else ", as the cluster shows now"
    return Outcome(
        ok=False,
        rolled_back=True,
        summary=f"rolled back by its guard: {tripped.removeprefix('its guard tripped: ')} · back on {version}{took}",
        suggestions=(logs(plan), history(plan)),
    )


def not_applied(plan: Plan, reason: str) -> Outcome:
    """The cluster is as it was."""
    return Outcome(ok=False, summary=f"nothing was changed: {reason}")


def unknown(plan: Plan, reason: str) -> Outcome:
    """Nothing tells whether it is in place (E1)."""
    return Outcome(
        ok=None,
        summary=f"I cannot tell whether it happened: {reason}",
        details=("I will not try it again by myself. I keep reading the cluster until it shows what became of it.",),
        suggestions=(_status(plan),),
    )


def unwatched(plan: Plan, last: str, reason: str) -> Outcome:
    """It is in place, and how it went on was not seen."""
    seen = f" Last seen: {last}." if last else ""
    return Outcome(
        ok=None,
        summary=f"applied, and {reason}.{seen} How it ends will be read from the cluster.",
        suggestions=(_status(plan),),
    )


def logs(plan: Plan) -> Suggestion:
    """What its pods said."""
    return Suggestion(label="Show logs", action={"verb": "query_logs", **_where(plan), "since": "15m"})


def history(plan: Plan) -> Suggestion:
    """What ran before."""
    return Suggestion(label="History", action={"verb": "history", **_where(plan)})


def span(seconds: float) -> str:
    """21 -> `0:21`; 3700 -> `1:01:40`."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _status(plan: Plan) -> Suggestion:
    return Suggestion(label="Status", action={"verb": "status", **_where(plan)})


def _where(plan: Plan) -> dict[str, str]:
    return {"service": plan.service, "environment": plan.environment}
