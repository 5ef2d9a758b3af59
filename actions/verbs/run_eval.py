"""run_eval: compare two versions of a model service on a suite."""

from __future__ import annotations

import csv
import io
import secrets
from typing import ClassVar

from actions import quantities
from actions.action import Read
from actions.errors import BadInput
from actions.evals import cost, report, runner, standard
from actions.evals.evaluation import Evaluation, Standing, Tried
from actions.evals.score import Comparison, Rate
from actions.outcome import EvalRun, Outcome, Step, Table, TextFile
from actions.terms import Name, Rule
from actions.toolbox import Progress, Toolbox
from actions.verbs.deploy import Version

NOT_READY = "not ready for prod"
_VERDICTS: dict[Standing, str] = {
    "worse": f"*Worse: {NOT_READY}.*",
    "better": "*Better.*",
    "as good": "*As good.*",
    "unclear": f"*Not shown to be as good: {NOT_READY}.*",
    "below": f"*Below the bar: {NOT_READY}.*",
    "above": "*Above the bar.*",
    "alone": "",
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
        """Ask every question of both versions; a verdict with counts and intervals, a report, every answer as CSV.

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
        asked = standard.read(tools.catalog, entry)
        versions = [v for v in dict.fromkeys((self.candidate, self.baseline)) if v]
        names = [entry.model.replace("{version}", version) for version in versions]

        def told(done: int, total: int) -> None:
            progress(Step(text=f"{entry.suite}: {done} of {total}", done=done, total=total))

        answers = runner.run(tools.eval_model(entry.base_url), names, asked.questions, told)
        tried = [
            Tried(version, tuple(answers[name]), cost.dollars(name, answers[name], entry.price))
            for version, name in zip(versions, names, strict=True)
        ]
        return _outcome(Evaluation(service, entry.suite, entry.threshold, tried[0], *tried[1:]), asked.digest)


def _outcome(found: Evaluation, under: str) -> Outcome:
    """One card: the verdict with counts and intervals, what it took, and the evidence behind it."""
    summary = " ".join(part for part in (_VERDICTS[found.standing], _counts(found)) if part)
    run = EvalRun(
        id=secrets.token_hex(8),
        service=found.service,
        suite=found.suite,
        version=found.candidate.version,
        baseline=found.baseline.version if found.baseline else None,
        standard=under,
        passed=found.passed,
        summary=summary.replace("*", ""),
    )
    page = TextFile(name=f"{found.suite}-{found.candidate.version}.html", content=report.page(found, run.summary))
    sheet = TextFile(name=f"{found.suite}.csv", content=_sheet(found))
    return Outcome(ok=True, summary=summary, details=(_took(found),), evidence=(*_table(found), page, sheet), run=run)


def _counts(found: Evaluation) -> str:
    new = found.candidate
    text = f"{found.service} {new.version} {_passes(new.rate)} on {found.suite}"
    if found.baseline is None or found.comparison is None:
        low, high = new.rate.interval
        return f"{text}, 95 % interval {100 * low:.0f} % to {100 * high:.0f} %."
    old = found.baseline
    return f"{text}, {old.version} {_passes(old.rate)}; difference {_points(found.comparison)}."


def _took(found: Evaluation) -> str:
    """`6 got worse, 1 got better · p95 1.9 s (2.0: 2.4 s) · $0.031 (2.0: $0.044)`."""
    new, old = found.candidate, found.baseline
    slow, price = quantities.duration(new.p95), cost.spell(new.dollars)
    if old is None or found.comparison is None:
        return f"p95 {slow} · {price}"
    moved = f"{len(found.comparison.got_worse)} got worse, {len(found.comparison.got_better)} got better"
    before = f"{old.version}: "
    return (
        f"{moved} · p95 {slow} ({before}{quantities.duration(old.p95)}) · {price} ({before}{cost.spell(old.dollars)})"
    )


def _passes(rate: Rate) -> str:
    return f"passes {rate.passed} of {rate.total} ({100 * rate.share:.0f} %)"


def _points(result: Comparison) -> str:
    low, high = result.interval
    signed = [f"{value * 100:+.0f}".replace("-", "\N{MINUS SIGN}") for value in (result.difference, low, high)]
    return f"{signed[0]} pts ({signed[1]} … {signed[2]})"


def _table(found: Evaluation) -> tuple[Table, ...]:
    answers = found.candidate.answers
    if found.comparison is not None:
        title, bad = "What got worse", [answers[i] for i in found.comparison.got_worse]
    else:
        title, bad = "What fails", [a for a in answers if not a.passed]
    rows = tuple((a.question[:200], "; ".join(a.why)[:200]) for a in bad[:90])
    return (Table(title=title, columns=("question", "why"), rows=rows),) if rows else ()


def _sheet(found: Evaluation) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("question", "version", "passed", "why", "latency_ms", "tokens", "answer"))
    for tried in found.versions:
        for a in tried.answers:
            tokens = "" if a.tokens is None else a.tokens
            row = (a.question, tried.version, a.passed, "; ".join(a.why), round(a.latency * 1000), tokens, a.text)
            writer.writerow([_inert(cell) for cell in row])
    return out.getvalue()


def _inert(cell: object) -> object:
    """A model's answer that begins like a formula must not run in the reader's spreadsheet (OWASP, CSV injection)."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
