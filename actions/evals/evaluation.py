"""One evaluation as a value: what each version answered, what it took, and whether the candidate is ready. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Literal

from actions.evals import score
from actions.evals.score import Answered, Comparison, Rate, Verdict

Standing = Verdict | Literal["below", "above", "alone"]
"""The verdict against a baseline; `below` the suite's threshold, whatever the baseline; `above` it, `alone` without."""


@dataclass(frozen=True)
class Tried:
    """One version's answers, in the order of the suite. `dollars` is None where it is unpriced."""

    version: str
    answers: tuple[Answered, ...]
    dollars: Decimal | None

    @cached_property
    def rate(self) -> Rate:
        return score.rate(self.answers)

    @property
    def p95(self) -> float:
        """Seconds that all but one in twenty answers stay below."""
        return score.percentile([a.latency for a in self.answers], 0.95)


@dataclass(frozen=True)
class Evaluation:
    """A candidate on a suite, against a baseline or alone."""

    service: str
    suite: str
    threshold: float | None  # share of the questions that has to pass
    candidate: Tried
    baseline: Tried | None = None

    @property
    def versions(self) -> tuple[Tried, ...]:
        return (self.candidate,) if self.baseline is None else (self.candidate, self.baseline)

    @cached_property
    def comparison(self) -> Comparison | None:
        return score.compare(self.candidate.answers, self.baseline.answers) if self.baseline else None

    @property
    def standing(self) -> Standing:
        """Worse than the baseline says more than below the threshold, and that more than as good as the baseline."""
        verdict = self.comparison.verdict if self.comparison else None
        if verdict == "worse":
            return verdict
        if self.threshold is not None and self.candidate.rate.share < self.threshold:
            return "below"
        return verdict or ("alone" if self.threshold is None else "above")

    @property
    def passed(self) -> bool:
        """Whether it is ready: a number alone, without baseline and without threshold, shows nothing."""
        return self.standing in ("better", "as good", "above")
