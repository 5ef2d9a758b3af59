"""Whether a version of a model service has passed the evals that the catalogue names for it, as they are now."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from actions.catalog import EvalSuite
from actions.clients.protocols import EvalRuns, Exam
from actions.errors import ConfigError
from actions.evals import standard
from actions.evals.standard import NoBar
from actions.plan import Caution
from actions.toolbox import Toolbox

Standards = Callable[[str, str], str]
"""The digest of what a service's suite asks now. Raises ConfigError where that cannot be read, or is no bar."""


def suites(tools: Toolbox, service: str) -> tuple[str, ...]:
    """The suites of a service; none where it is no model service."""
    return tuple(entry.suite for entry in tools.catalog.services[service].evals)


def cautions(tools: Toolbox, service: str, version: str) -> tuple[Caution, ...]:
    """What an approver should know: each suite that this very version has not passed, or not each time."""
    entries = tools.catalog.services[service].evals
    return tuple(found for entry in entries for found in _cautions(tools, entry, Exam(service, entry.suite, version)))


def lack(exam: Exam, runs: EvalRuns, standards: Standards, passes: int = 1) -> str | None:
    """Why this version has not passed this suite as it is now, as often as is asked for; None where it has.

    The newest runs of exactly this version under exactly today's suite count, so that a later failure takes an earlier
    pass back, and what was passed before the suite became harder proves nothing.
    """
    try:
        wanted = standards(exam.service, exam.suite)
    except NoBar as error:
        return _not_passed(exam, error.say)
    except ConfigError as error:
        return _not_passed(exam, f"what it asks cannot be read here, so no run can be held to it. {error.say}")
    if not runs.last(exam, None, 1):
        return _not_passed(exam, "nobody has run it")
    last = runs.last(exam, wanted, max(1, passes))
    if not last:
        return _not_passed(exam, "the suite was changed since its last run, so it has to be run again")
    if not last[0].passed:
        return _not_passed(exam, f"its last run says: {last[0].summary}")
    if len(last) < passes or not all(run.passed for run in last):
        return _too_few(exam, sum(run.passed for run in last), passes)
    return None


def _cautions(tools: Toolbox, entry: EvalSuite, exam: Exam) -> Iterator[Caution]:
    def standards(service: str, suite: str) -> str:
        return standard.now(tools.catalog, service, suite)

    lacking = lack(exam, tools.evals, standards) if tools.evals else _not_passed(exam, "nobody has run it")
    if tools.evals is None or lacking:
        yield Caution(code="evals", text=str(lacking))
        return
    wanted = standards(exam.service, exam.suite)
    runs, passed = tools.evals.tally(exam, wanted)
    if passed < runs:  # the newest counts, so a suite that is run until it passes has to be seen
        yield Caution(code="evals_again", text=_luck(exam, runs, passed))
    if entry.threshold is None:
        (newest,) = tools.evals.last(exam, wanted, 1)
        yield Caution(code="evals_baseline", text=_beside(exam, newest.baseline))


def _beside(exam: Exam, baseline: str | None) -> str:
    """`support-bot 2.1 passed support-quality beside 2.0 alone: the suite has no threshold`."""
    return f"{exam.service} {exam.version} passed {exam.suite} beside {baseline} alone: the suite has no threshold"


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
    return f"{exam.service} {exam.version} has not passed {exam.suite}: {why[0].lower()}{why[1:].rstrip('.')}"
