"""The labelled sentences, read by the grammar alone."""

from __future__ import annotations

import asyncio
from functools import cache

import pytest

from intents import evals
from intents.reader import Reader

CHATTY = ("frozen-town",)  # of long, chatty sentences, of which the grammar reads fewer
TERSE = tuple(file for file in evals.FROZEN if file not in CHATTY)


@cache
def judged(files: tuple[str, ...]) -> list[evals.Verdict]:
    """By the grammar alone, each case with its own catalogue."""
    readers = [(Reader(catalog, evals.registered()), cases) for catalog, cases in evals.worlds(files)]
    return [one for reader, cases in readers for one in asyncio.run(evals.judge(reader.read, cases))]


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


@pytest.mark.parametrize(("files", "coverage"), [(evals.FIELD, 0.9), (TERSE, 0.9), (CHATTY, 0.55)])
def test_the_measured_level_of_reading_is_kept(files: tuple[str, ...], coverage: float) -> None:
    """R1, R5: the grammar alone, on sentences as they are typed, with a catalogue of names that are words."""
    verdicts = judged(files)
    level = evals.level(verdicts)
    wrong = [one.case.say for one in verdicts if one.wrong_change]
    assert wrong == []
    assert level.precision >= 0.99
    assert level.coverage >= coverage
    assert level.abstention >= 0.99


@pytest.mark.parametrize("files", [evals.FIELD, TERSE, CHATTY])
def test_a_label_that_names_the_answer_gets_that_answer(files: tuple[str, ...]) -> None:
    """What is asked and why something is refused are part of the label where it says them."""
    named = [one for one in judged(files) if one.case.asks or one.case.refuses]
    assert [(one.case.say, one.reading.as_json()) for one in named if not one.right] == []


def test_the_frozen_cases_stand_nowhere_else() -> None:
    """At least 150 sentences, none of which can have been tuned on in another file."""
    frozen = {(case.say.lower(), repr(case.context)) for case in evals.cases(evals.FROZEN)}
    assert len(frozen) >= 150
    assert not frozen & {(case.say.lower(), repr(case.context)) for case in evals.cases((*evals.FILES, *evals.FIELD))}
