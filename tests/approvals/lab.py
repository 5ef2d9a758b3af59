"""A house whose policy wants evals: what a version of a model service has to pass before it runs in prod."""

from __future__ import annotations

from pathlib import Path

from actions import yamlfile
from actions.clients.protocols import Exam
from actions.outcome import EvalRun, Outcome, TextFile
from actions.verbs.deploy import Deploy
from actions.verbs.run_eval import RunEval
from approvals.policy_model import Policy
from approvals.request import Request, State
from tests.approvals.doubles import ANA, BEN, CARLA, DONE, House, a_house

POLICY = """
groups: {sre: {members: [U0BEN], team: T0TOWN}, owners: {members: [U0CARLA], team: T0TOWN}}
rules:
  - {name: reads, match: {risk: [read]}, ask: anyone, approvals: []}
  - {name: prod, match: {environments: [prod]}, ask: anyone, approvals: [{from: sre}], evals: required}
  - name: staging
    match: {environments: [staging]}
    ask: anyone
    approvals: [{from: sre}]
    evals: required
    override: [{from: owners}]
"""
DEPLOY = Deploy(service="support-bot", environment="prod", version="2.1")
EXAM = Exam("support-bot", "quality", "2.1")
ASIDE = Deploy(service="support-bot", environment="staging", version="2.1")

CHANGED = "the suite was changed since its last run, so it has to be run again"


def a_lab(path: Path) -> House:
    """Its policy wants evals in prod, and lets the owners override in staging."""
    made = a_house(path, yamlfile.parse(POLICY, Policy, "policy.yaml"))
    made.folk.groups = {"sre": frozenset({BEN}), "owners": frozenset({CARLA})}
    made.hands.evals = ("quality",)
    return made


def evaluated(
    house: House, version: str = "2.1", passed: bool = True, service: str = "support-bot", suite: str = "quality"
) -> EvalRun:
    """Somebody runs the suite, and this comes out."""
    run = EvalRun(
        id=f"run-{house.ledger.head().size}",
        service=service,
        suite=suite,
        version=version,
        baseline="2.0",
        standard=house.hands.asks,
        passed=passed,
        summary="As good." if passed else "Worse.",
    )
    house.hands.outcome = Outcome(
        ok=True, summary=run.summary, evidence=(TextFile(name="q.csv", content="x"),), run=run
    )
    house.gate.ask(RunEval(suite="quality", candidate=version), ANA, lambda _: None, {"channel": "C0OPS"})
    house.hands.outcome = DONE
    return run


def approved(house: House, action: Deploy = DEPLOY) -> Request:
    request = house.asked(action)
    assert request.state is State.WAITING, request.reason
    return house.gate.decide(request.id, request.plan.digest, BEN, approve=True)
