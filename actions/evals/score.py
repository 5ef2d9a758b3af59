"""Counts, intervals and the verdict of a comparison. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Z = 1.959963984540054  # the normal quantile of a two-sided 95 % interval


@dataclass(frozen=True)
class Answered:
    """One version's answer to one question."""

    question: str
    passed: bool
    why: tuple[str, ...]  # what failed
    text: str
    latency: float  # seconds
    input_tokens: int | None = None
    output_tokens: int | None = None

    @property
    def tokens(self) -> int | None:
        """Of question and answer; None where the endpoint does not say."""
        if self.input_tokens is None or self.output_tokens is None:
            return None
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True)
class Rate:
    """How many pass, with a 95 % interval."""

    passed: int
    total: int

    @property
    def share(self) -> float:
        return self.passed / self.total

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval (Wilson 1927, JASA 22:209)."""
        n, p = self.total, self.share
        middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
        half = Z / (1 + Z * Z / n) * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)


MARGIN = 0.05
"""How much worse a candidate may be and still count as good as its baseline (a non-inferiority margin, Piaggio et al.
2012, JAMA 308:2594): five of a hundred questions."""

Verdict = Literal["better", "worse", "as good", "unclear"]


@dataclass(frozen=True)
class Comparison:
    """Candidate against baseline on the same questions."""

    candidate: Rate
    baseline: Rate
    got_worse: tuple[int, ...]  # positions in the suite
    got_better: tuple[int, ...]

    @property
    def difference(self) -> float:
        """Candidate's share less the baseline's."""
        return self.candidate.share - self.baseline.share

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the difference of two paired proportions (Bonett and Price 2012, JEBS 37:479)."""
        n = self.candidate.total
        up, down = (len(self.got_better) + 1) / (n + 2), (len(self.got_worse) + 1) / (n + 2)
        half = Z * math.sqrt((up + down - (up - down) ** 2) / (n + 2))
        return max(-1.0, up - down - half), min(1.0, up - down + half)

    @property
    def verdict(self) -> Verdict:
        """What the interval of the difference allows to say; `unclear` where it holds both worse and as good."""
        low, high = self.interval
        if high < 0:
            return "worse"
        if low > 0:
            return "better"
        return "as good" if low >= -MARGIN else "unclear"


def rate(answers: Sequence[Answered]) -> Rate:
    """How many of these pass."""
    return Rate(sum(a.passed for a in answers), len(answers))


def compare(candidate: Sequence[Answered], baseline: Sequence[Answered]) -> Comparison:
    """Pairs the answers by position; both sequences answer the same questions."""
    pairs = list(zip(candidate, baseline, strict=True))
    return Comparison(
        candidate=rate(candidate),
        baseline=rate(baseline),
        got_worse=tuple(i for i, (new, old) in enumerate(pairs) if old.passed and not new.passed),
        got_better=tuple(i for i, (new, old) in enumerate(pairs) if new.passed and not old.passed),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: the smallest value that at least `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
