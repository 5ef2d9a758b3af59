"""A guard behind an order to deploy: the one condition that is understood, and that it opens no door to another."""

from __future__ import annotations

import asyncio
from itertools import product

import pytest

from actions.registry import Registry
from actions.terms import Risk
from actions.verbs import VERBS
from intents import evals
from intents.clause import find
from intents.names import Names
from intents.reader import Reader
from intents.reading import Command, Reading
from intents.tokens import Sentence

CATALOG = evals.catalog()
REGISTRY = Registry(VERBS)
READER = Reader(CATALOG, REGISTRY)
DEPLOY = "deploy checkout 1.4.2 to prod"
CLAUSES = (
    ", and roll back if the error rate doubles within 10 min",
    " and undo it if latency goes over 800 ms",
    ". If errors double, roll back without asking again",
    " with a guard: error rate x2 in 10 min",
    " without a guard",
)
ELSEWHERE = {
    "de": ("deploye checkout 1.4.2 nach prod", " und roll zurück, wenn sich die Fehlerrate in 10 Minuten verdoppelt"),
    "el": ("κάνε deploy το checkout 1.4.2 στο prod", " και κάνε rollback αν διπλασιαστεί το error rate σε 10 λεπτά"),
    "es": ("despliega checkout 1.4.2 en prod", " y revierte si la tasa de errores se duplica en 10 minutos"),
    "fr": ("déploie checkout 1.4.2 en prod", " et fais un rollback si le taux d'erreur double en 10 minutes"),
    "zh": ("在 prod 部署 checkout 1.4.2", " ， 如果 10分钟内 错误率 翻倍 就 回滚"),
}


def read(text: str) -> Reading:
    return asyncio.run(READER.read(text))


@pytest.mark.parametrize(
    ("deploy", "clause"), [*((DEPLOY, clause) for clause in CLAUSES), *ELSEWHERE.values()], ids=str
)
def test_a_guard_changes_nothing_of_the_order_before_it(deploy: str, clause: str) -> None:
    """R6: service, environment and version are what they are without it."""
    plain, guarded = read(deploy), read(deploy + clause)
    assert isinstance(plain, Command)
    assert isinstance(guarded, Command)
    told = guarded.action.as_json()
    assert told.pop("guard")
    assert told == plain.action.as_json()


def test_no_condition_becomes_an_order_by_a_guard_behind_it() -> None:
    """R1, R6: what is no order to deploy without the clause is none with it; every labelled sentence is tried."""
    tried = 0
    for case, clause in product(evals.cases(), CLAUSES[:1]):
        if case.means is not None and case.means["verb"] == "deploy":
            continue
        reading = asyncio.run(READER.read(case.say + clause, case.context, case.channel))
        changes = isinstance(reading, Command) and reading.action.risk is not Risk.READ
        assert not changes, f"{case.say}{clause}: {reading}"
        tried += 1
    assert tried > 300


@pytest.mark.parametrize("code", ELSEWHERE)
def test_no_condition_of_another_language_becomes_an_order_by_a_guard_behind_it(code: str) -> None:
    """R1, R6: the same in each language, over its labelled sentences."""
    catalog = evals.catalog("field-languages")
    reader = Reader(catalog, REGISTRY)
    cases = [case for case in evals.cases(("field-languages",)) if case.language == code]
    for case in cases:
        if case.means is None or case.means["verb"] != "deploy":
            reading = asyncio.run(reader.read(case.say + ELSEWHERE[code][1], case.context, case.channel))
            changes = isinstance(reading, Command) and reading.action.risk is not Risk.READ
            assert not changes, f"{case.say}: {reading}"
    assert len(cases) > 20


@pytest.mark.parametrize(
    ("deploy", "clause"), [*((DEPLOY, clause) for clause in CLAUSES[:4]), *ELSEWHERE.values()], ids=str
)
def test_a_word_more_makes_it_no_guard(deploy: str, clause: str) -> None:
    """R6: every word is consumed; one that is added leaves a condition, which is refused."""
    words = (deploy + clause).split()
    for at in range(len(deploy.split()), len(words) + 1):
        reading = read(" ".join((*words[:at], "purple", *words[at:])))
        assert not isinstance(reading, Command), (words, at)


def test_a_button_for_a_name_that_was_misspelled_keeps_the_guard() -> None:
    """R6: pressing what was meant deploys nothing unguarded."""
    asked = read(f"deploy chekout 1.4.2 to prod{CLAUSES[0]}").as_json()
    reading = read(f"deploy zzcheckout 1.4.2 to prod{CLAUSES[0]}")
    for each in (*getattr(reading, "suggestions", ()), *([asked["so_far"]] if "so_far" in asked else [])):
        assert each["guard"] == "error_rate x2 within 10m"


def test_the_clause_is_found_in_no_time() -> None:
    """R4: long sentences of words that nearly fit do not hold it up."""
    assert find(Sentence(f"{DEPLOY} " + "and roll back if the error rate " * 16), Names(CATALOG)) is None


def test_why_it_was_read_so_names_the_words_of_the_guard() -> None:
    lines = READER.explain(DEPLOY + CLAUSES[0], evals.cases()[0].context, read(DEPLOY + CLAUSES[0]))
    assert lines[-1] == "guard: you wrote “, and roll back if the error rate doubles within 10 min”"
