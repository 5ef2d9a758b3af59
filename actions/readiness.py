"""Whether a version of a model service has passed the evals that the catalogue names for it, as they are now."""

from __future__ import annotations

from collections.abc import Callable

from actions.clients.protocols import EvalRuns, Exam
from actions.errors import ConfigError
from actions.evals import standard
from actions.plan import Caution
from actions.toolbox import Toolbox

Standards = Callable[[str, str], str]
"""The digest of what a service's suite asks now. Raises ConfigError where that cannot be read."""


def suites(tools: Toolbox, service: str) -> tuple[str, ...]:
    """The suites of a service; none where it is no model service."""
    return tuple(entry.suite for entry in tools.catalog.services[service].evals)


def cautions(tools: Toolbox, service: str, version: str) -> tuple[Caution, ...]:
    """What an approver should know: each suite that this very version has not passed, or not each time."""
    exams = [Exam(service, suite, version) for suite in suites(tools, service)]
    return tuple(found for exam in exams if (found := _caution(tools, exam)))


def lack(exam: Exam, runs: EvalRuns, standards: Standards, passes: int = 1) -> str | None:
    """Why this version has not passed this suite as it is now, as often as is asked for; None where it has.

    The newest runs of exactly this version under exactly today's suite count, so that a later failure takes an earlier
    pass back, and what was passed before the suite became harder proves nothing.
    """
    if not runs.last(exam, None, 1):
        return _not_passed(exam, "nobody has run it")
    try:
        wanted = standards(exam.service, exam.suite)
    except ConfigError as error:
        return _not_passed(exam, f"what it asks cannot be read here, so no run can be held to it. {error.say}")
    last = runs.last(exam, wanted, max(1, passes))
    if not last:
        return _not_passed(exam, "the suite was changed since its last run, so it has to be run again")
    if not last[0].passed:
        return _not_passed(exam, f"its last run says: {last[0].summary}")
    if len(last) < passes or not all(run.passed for run in last):
        return _too_few(exam, sum(run.passed for run in last), passes)
    return None


def _caution(tools: Toolbox, exam: Exam) -> Caution | None:
    def standards(service: str, suite: str) -> str:
        return standard.now(tools.catalog, service, suite)

    if tools.evals is None:
        return Caution(code="evals", text=_not_passed(exam, "nobody has run it"))
    lacking = lack(exam, tools.evals, standards)
    if lacking:
        return Caution(code="evals", text=lacking)
    runs, passed = tools.evals.tally(exam, standards(exam.service, exam.suite))
    if passed < runs:  # the newest counts, so a suite that is run until it passes has to be seen
        return Caution(code="evals_again", text=_luck(exam, runs, passed))
    return None


def _luck(exam: Exam, runs: int, passed: int) -> str:
    """`support-bot 2.1 passed support-quality in 1 of 3 runs, the newest among them; 2 did not pass`."""
    service, suite, version = exam
    return (
        f"{service} {version} passed {suite} in {passed} of {runs} runs, the newest among them; {runs - passed} did not"
    )


def _too_few(exam: Exam, passed: int, wanted: int) -> str:
    """`support-bot 2.1 passed support-quality in 2 of its last 3 runs, and all 3 have to pass`."""
    service, suite, version = exam
    return f"{service} {version} passed {suite} in {passed} of its last {wanted} runs, and all {wanted} have to pass"


def _not_passed(exam: Exam, why: str) -> str:
    """`support-bot 2.1 has not passed support-quality: nobody has run it`."""
    return f"{exam.service} {exam.version} has not passed {exam.suite}: {why.rstrip('.')}"
