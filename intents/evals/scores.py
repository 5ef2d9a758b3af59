"""What many verdicts say together: shares with their uncertainty, by verb, language and class of difficulty."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from intents.evals import LANGUAGES, Case, Verdict
from intents.reading import Command

_Z = 1.96  # of a 95 % interval


class Share(NamedTuple):
    """`some` of `all`."""

    some: int
    all: int

    @property
    def value(self) -> float | None:
        """Between 0 and 1; None of nothing."""
        return self.some / self.all if self.all else None

    def interval(self) -> tuple[float, float] | None:
        """Where the true share lies with 95 % confidence, after Wilson (JASA 22, 1927); None of nothing."""
        if not self.all:
            return None
        n, p = self.all, self.some / self.all
        middle = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        half = _Z / (1 + _Z**2 / n) * math.sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
        return max(0.0, middle - half), min(1.0, middle + half)


class Score(NamedTuple):
    """How one group of cases was read."""

    by: str  # "all", "split", "verb", "language" or "noise"
    group: str
    cases: int
    coverage: Share  # orders and looks that became a command
    exact: Share  # of these cases became exactly the action that was meant
    precision: Share  # commands that were meant
    wrong: int  # commands that were not
    wrong_changes: int  # of these change something
    abstention: Share  # everything else that ended without a command
    steady: Share | None  # cases that came out right every time (pass^k); None where each was read once


def scores(runs: Sequence[Sequence[Verdict]]) -> list[Score]:
    """Scores of one run, or of several over the same cases in the same order: then every run counts."""
    groups: dict[tuple[str, str], list[list[Verdict]]] = {}
    for verdicts in zip(*runs, strict=True):
        for key in _groups(verdicts[0].case):
            groups.setdefault(key, []).append(list(verdicts))
    order = {"all": 0, "split": 1, "language": 2, "verb": 3, "noise": 4}
    found = sorted(groups.items(), key=lambda item: (order[item[0][0]], item[0][1]))
    return [_score(*key, cases) for key, cases in found]


def _groups(case: Case) -> Iterable[tuple[str, str]]:
    yield "all", "all"
    yield "split", "frozen" if case.file.startswith("frozen") else "tuned on"
    yield "language", case.language if case.language in LANGUAGES else "en"
    yield "verb", str(case.means["verb"]) if case.means else "none of them"
    if case.noise:
        yield "noise", case.noise


def _score(by: str, group: str, cases: list[list[Verdict]]) -> Score:
    found = [verdict for each in cases for verdict in each]
    meant = [one for one in found if one.case.means is not None]
    others = [one for one in found if one.case.means is None]
    commands = [one for one in found if isinstance(one.reading, Command)]
    good = sum(one.right and one.case.means is not None for one in commands)
    return Score(
        by=by,
        group=group,
        cases=len(cases),
        coverage=Share(sum(isinstance(one.reading, Command) for one in meant), len(meant)),
        exact=Share(sum(one.right for one in meant), len(meant)),
        precision=Share(good, len(commands)),
        wrong=len(commands) - good,
        wrong_changes=sum(one.wrong_change for one in found),
        abstention=Share(sum(not isinstance(one.reading, Command) for one in others), len(others)),
        steady=Share(sum(all(one.right for one in each) for each in cases), len(cases)) if len(cases[0]) > 1 else None,
    )
