"""Valid defaults for what the tests of this room are about; a test states only what matters to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from actions.plan import Difference, Guard, Patch, Plan, Precondition, Target
from actions.terms import Risk
from approvals.actor import Actor
from approvals.request import Decision, Request, Requirement, State
from bot.blocks.card import Face

NOW = datetime(2026, 11, 2, 14, 2, tzinfo=UTC)
ANA, BEN, CARLA = (Actor(team_id="T0TOWN", user_id=u) for u in ("U0ANA", "U0BEN", "U0CARLA"))
NAMES = {"U0ANA": "ana", "U0BEN": "ben", "U0CARLA": "carla", "U0DORA": "dora"}


def make_plan(**changes: Any) -> Plan:
    """Scale checkout to 5 in prod."""
    return Plan.model_validate(
        {
            "target": Target(cluster=None, namespace="prod", kind="Deployment", name="checkout", uid="u-1"),
            "differences": (Difference(field="replicas", before="3", after="5"),),
            "facts": ("generation 41", "image 1.4.1"),
            "patch": Patch(subresource="scale", type="merge", body={"spec": {"replicas": 5}}),
            "diff": "-  replicas: 3\n+  replicas: 5\n",
            "preconditions": (Precondition(path="spec.replicas", value=3),),
            "action": {"verb": "scale", "service": "checkout", "environment": "prod", "replicas": 5, "change": None},
            "risk": Risk.LOW,
            "policy_version": "p1",
            **changes,
        }
    )


def make_guard(**changes: Any) -> Guard:
    """Back to 1.4.1 at twice the errors."""
    return Guard.model_validate(
        {
            "metric": "error_rate",
            "tripwire": "error_rate x2 within 10m",
            "query": "sum(errors) / sum(requests)",
            "baseline": "0.004",
            "limit": "0.008",
            "window": 600,
            "action": {"verb": "rollback", "service": "checkout", "environment": "prod", "to": "1.4.1"},
            "differences": (Difference(field="image", before="1.4.2", after="1.4.1"),),
            "patch": Patch(body={"spec": {"template": {"spec": {"containers": [{"image": "a"}]}}}}),
            "preconditions": (Precondition(path="metadata.uid", value="u-1"),),
            **changes,
        }
    )


def make_request(state: State = State.WAITING, **changes: Any) -> Request:
    """Ana's request, waiting for one of sre."""
    return Request.model_validate(
        {
            "id": "r-1",
            "plan": make_plan(),
            "requester": ANA,
            "origin": {"channel": "C0OPS", "ts": "1.1", "thread": None},
            "state": state,
            "rule": "prod",
            "requirements": (Requirement(group="sre", count=1),),
            "missing": (Requirement(group="sre", count=1),),
            "created_at": NOW,
            "approve_by": NOW + timedelta(hours=1),
            **changes,
        }
    )


def approval(by: Actor = BEN, approve: bool = True, reason: str = "") -> Decision:
    """A decision for the default request."""
    return Decision(
        request_id="r-1",
        digest=make_plan().digest,
        approver=by,
        approve=approve,
        at=NOW + timedelta(minutes=1),
        reason=reason,
    )


def make_face(title: str = "Scale checkout in prod", production: bool = True) -> Face:
    """How the playground's people see it, two minutes later."""
    return Face(title=title, production=production, now=NOW + timedelta(minutes=2), names=NAMES)
