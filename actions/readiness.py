"""Whether a version of a model service has passed the evals that the catalogue names for it."""

from __future__ import annotations

from actions.outcome import EvalRun
from actions.plan import Caution
from actions.toolbox import Toolbox


def suites(tools: Toolbox, service: str) -> tuple[str, ...]:
    """The suites of a service; none where it is no model service."""
    return tuple(entry.suite for entry in tools.catalog.services[service].evals)


def cautions(tools: Toolbox, service: str, version: str) -> tuple[Caution, ...]:
    """What an approver should know: each suite that this very version has not passed."""
    found = []
    for suite in suites(tools, service):
        run = tools.evals.latest(service, suite, version) if tools.evals else None
        if run is None or not run.passed:
            found.append(Caution(code="evals", text=lack(service, suite, version, run)))
    return tuple(found)


def lack(service: str, suite: str, version: str, run: EvalRun | None) -> str:
    """`support-bot 2.1 has not passed support-quality: nobody has run it`; `run` is its newest one."""
    why = f"its last run says: {run.summary.rstrip('.')}" if run else "nobody has run it"
    return f"{service} {version} has not passed {suite}: {why}"
