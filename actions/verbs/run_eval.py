"""run_eval: compare two versions of a model service on a suite."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import ClassVar

from actions.action import Read
from actions.errors import BadInput
from actions.evals import runner, score, suite
from actions.evals.score import Answered, Comparison, Rate
from actions.outcome import Outcome, Step, Table, TextFile
from actions.terms import Name, Rule
from actions.toolbox import Progress, Toolbox
from actions.verbs.deploy import Version

NOT_READY = "not ready for prod"
_WORDS = {
    "worse": f"*Worse: {NOT_READY}.*",
    "better": "*Better.*",
    "as good": "*As good.*",
    "unclear": f"*Not shown to be as good: {NOT_READY}.*",
}


class RunEval(Read):
    """Compare a model version with another on an eval suite."""

    verb: ClassVar[str] = "run_eval"
    rules: ClassVar[tuple[Rule, ...]] = ()
    help: ClassVar[str] = "Compare a model version with another on an eval suite"
    examples: ClassVar[tuple[str, ...]] = ("run support-quality on 2.1 against 2.0",)

    suite: Name
    candidate: Version
    baseline: Version | None = None

    @property
    def title(self) -> str:
        against = f" against {self.baseline}" if self.baseline else ""
        return f"Run {self.suite} on {self.candidate}{against}"

    def answer(self, tools: Toolbox, progress: Progress) -> Outcome:
        """Ask every question of both versions; a verdict with counts and intervals, and every answer as CSV.

        Raises BadInput for an unknown suite, ConfigError for a suite that cannot be read, SourceError where a
        version answers nothing.
        """
        found = tools.catalog.suites.get(self.suite.lower())
        if found is None:
            known = ", ".join(sorted({entry.suite for _, entry in tools.catalog.suites.values()})) or "none"
            raise BadInput(f'I know no eval suite "{self.suite}". The catalogue has: {known}.')
        if tools.eval_model is None:
            raise BadInput("No model endpoint is configured for evals: give the suite a base_url in the catalogue.")
        service, entry = found
        questions = suite.load(tools.catalog.path_of(entry.file or f"evals/{entry.suite}.yaml")).questions()
        versions = [v for v in dict.fromkeys((self.candidate, self.baseline)) if v]
        names = [entry.model.replace("{version}", version) for version in versions]

        def told(done: int, total: int) -> None:
            progress(Step(text=f"{entry.suite}: {done} of {total}", done=done, total=total))

        answers = list(runner.run(tools.eval_model(entry.base_url), names, questions, told).values())
        if len(answers) == 1:
            return _alone(service, versions[0], answers[0], entry.suite)
        return _compared(service, versions, answers, entry.suite)


def _alone(service: str, version: str, answers: Sequence[Answered], name: str) -> Outcome:
    rate = score.rate(answers)
    low, high = rate.interval
    return Outcome(
        ok=True,
        summary=(
            f"{service} {version} {_passes(rate)} on {name}, 95 % interval {100 * low:.0f} % to {100 * high:.0f} %."
        ),
        details=(_cost(answers),),
        evidence=(*_failed(answers), _file(name, [version], [answers])),
    )


def _compared(service: str, versions: Sequence[str], answers: Sequence[Sequence[Answered]], name: str) -> Outcome:
    new, old = answers
    result = score.compare(new, old)
    candidate, baseline = versions
    return Outcome(
        ok=True,
        summary=f"{_WORDS[result.verdict]} {service} {candidate} {_passes(result.candidate)} on {name}, "
        f"{baseline} {_passes(result.baseline)}; difference {_points(result)}.",
        details=(
            f"{len(result.got_worse)} got worse, {len(result.got_better)} got better",
            f"{candidate}: {_cost(new)}",
            f"{baseline}: {_cost(old)}",
        ),
        evidence=(*_worse(result, new), _file(name, versions, answers)),
    )


def _passes(rate: Rate) -> str:
    return f"passes {rate.passed} of {rate.total} ({100 * rate.share:.0f} %)"


def _points(result: Comparison) -> str:
    low, high = result.interval
    signed = [f"{value * 100:+.0f}".replace("-", "\N{MINUS SIGN}") for value in (result.difference, low, high)]
    return f"{signed[0]} pts ({signed[1]} … {signed[2]})"


def _cost(answers: Sequence[Answered]) -> str:
    slow = score.percentile([a.latency for a in answers], 0.95)
    tokens = [a.tokens for a in answers if a.tokens is not None]
    spent = f"{sum(tokens):,} tokens" if len(tokens) == len(answers) else "tokens not reported"
    return f"p95 {slow:.1f} s · {spent}" if slow >= 1 else f"p95 {slow * 1000:.0f} ms · {spent}"


def _worse(result: Comparison, new: Sequence[Answered]) -> tuple[Table, ...]:
    return _table("What got worse", [new[i] for i in result.got_worse])


def _failed(answers: Sequence[Answered]) -> tuple[Table, ...]:
    return _table("What fails", [a for a in answers if not a.passed])


def _table(title: str, answers: Sequence[Answered]) -> tuple[Table, ...]:
    rows = tuple((a.question[:200], "; ".join(a.why)[:200]) for a in answers[:20])
    return (Table(title=title, columns=("question", "why"), rows=rows),) if rows else ()


def _file(name: str, versions: Sequence[str], answers: Sequence[Sequence[Answered]]) -> TextFile:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("question", "version", "passed", "why", "latency_ms", "tokens", "answer"))
    for version, mine in zip(versions, answers, strict=True):
        for a in mine:
            tokens = "" if a.tokens is None else a.tokens
            row = (a.question, version, a.passed, "; ".join(a.why), round(a.latency * 1000), tokens, a.text)
            writer.writerow([_inert(cell) for cell in row])
    return TextFile(name=f"{name}.csv", content=out.getvalue())


def _inert(cell: object) -> object:
    """A model's answer that begins like a formula must not run in the reader's spreadsheet (OWASP, CSV injection)."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
