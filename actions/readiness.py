"""Whether a version of a model service has passed the evals that the catalogue names for it."""

from __future__ import annotations

from actions.outcome import EvalRun
from actions.plan import Caution
from actions.toolbox import Toolbox


def suites(tools: Toolbox, service: str) -> tuple[str, ...]:
    """The suites of a service; none where it is no model service."""
    return tuple(entry.suite for entry in tools.catalog.services[service].evals)


def cautions(tools: Toolbox, service: str, version: str) -> tuple[Caution, ...]:
    """What an approver should know: each suite that this very version has not passed, or not each time."""
    found = []
    for suite in suites(tools, service):
        run = next(iter(tools.evals.last(service, suite, version, 1)), None) if tools.evals else None
        if tools.evals is None or run is None or not run.passed:
            found.append(Caution(code="evals", text=lack(service, suite, version, run)))
            continue
        runs, passed = tools.evals.tally(service, suite, version)
        if passed < runs:  # the newest counts, so a suite that is run until it passes has to be seen
            found.append(Caution(code="evals_again", text=luck(service, suite, version, runs, passed)))
    return tuple(found)


def luck(service: str, suite: str, version: str, runs: int, passed: int) -> str:
    """`support-bot 2.1 passed support-quality in 1 of 3 runs, the newest among them; 2 did not pass`."""
    return (
        f"{service} {version} passed {suite} in {passed} of {runs} runs, the newest among them; {runs - passed} did not"
    )


def too_few(service: str, suite: str, version: str, passed: int, wanted: int) -> str:
    """`support-bot 2.1 passed support-quality in 2 of its last 3 runs, and all 3 have to pass`."""
    return f"{service} {version} passed {suite} in {passed} of its last {wanted} runs, and all {wanted} have to pass"


def lack(service: str, suite: str, version: str, run: EvalRun | None) -> str:
    """`support-bot 2.1 has not passed support-quality: nobody has run it`; `run` is its newest one."""
    why = f"its last run says: {run.summary.rstrip('.')}" if run else "nobody has run it"
    return f"{service} {version} has not passed {suite}: {why}"
