"""The labelled sentences, read by the grammar alone."""

from __future__ import annotations

from intents import evals
from intents.reader import Reader


async def test_no_labelled_sentence_becomes_a_change_that_nobody_ordered(reader: Reader) -> None:
    """R1, R2, R5, R6: orders, looks, doubts and traps; the level is the measured one."""
    verdicts = await evals.judge(reader.read, evals.cases())
    wrong = [verdict.case.say for verdict in verdicts if verdict.wrong_change]
    missed = [(verdict.case.say, verdict.reading.as_json()) for verdict in verdicts if not verdict.right]
    assert wrong == []
    assert missed == []


def test_the_cases_are_many_and_many_of_them_are_hard() -> None:
    """At least 150 sentences, at least 50 of them out of scope, hostile or ambiguous, and none twice."""
    cases = evals.cases()
    hard = [case for case in cases if case.means is None]
    assert len(cases) >= 150
    assert len(hard) >= 50
    keys = [(case.say, case.context, case.channel) for case in cases]
    assert len(set(map(repr, keys))) == len(keys)
