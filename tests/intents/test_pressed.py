"""Arguments that only a button sets: no engine reads them, whatever anybody or any model says (R6)."""

from __future__ import annotations

from typing import Any

import pytest

from actions.registry import Registry
from actions.terms import Risk
from actions.verbs import VERBS
from intents import evals, schema
from intents.checking import Checker
from intents.grammar.interpreter import Grammar
from intents.guards import View
from intents.names import Names
from intents.reader import Reader
from intents.reading import Command, Context, Earlier, Question
from intents.tokens import Sentence

REGISTRY = Registry(VERBS)
PRESSED = sorted({name for verb in REGISTRY for name in verb.pressed})
SAID = {"verb": "scale", "service": "checkout", "environment": "prod", "replicas": 5}


def test_the_schema_that_a_model_fills_in_does_not_have_them() -> None:
    """A12, R6."""
    assert PRESSED == ["autoscaler", "zone"]
    assert not set(PRESSED) & set(schema.emit(REGISTRY)["properties"])


@pytest.mark.parametrize("bound", ["minimum", "maximum"])
def test_a_model_that_answers_with_one_all_the_same_sets_nothing(bound: str) -> None:
    """R6: the answer is read as if it had said nothing there."""
    names = Names(evals.catalog())
    checker = Checker(names, REGISTRY, Grammar(names, REGISTRY).resolver)
    sentence = Sentence("scale checkout to 5 in prod")
    answer: dict[str, Any] = {"kind": "command", **SAID, "change": None, "autoscaler": bound}
    reading = checker.reading(answer, sentence, View(sentence, names), Context(), None)
    assert isinstance(reading, Question)
    assert (reading.missing, reading.so_far.get("replicas")) == ((), 5)
    assert "autoscaler" not in reading.so_far


@pytest.mark.parametrize(
    "text",
    [
        "scale checkout to 5 in prod autoscaler minimum",
        "set the autoscaler minimum of checkout in prod to 5",
        "scale checkout to 5 in prod, autoscaler=minimum",
    ],
)
async def test_no_sentence_sets_one(text: str) -> None:
    reading = await Reader(evals.catalog(), REGISTRY).read(text)
    assert "autoscaler" not in str(reading.as_json().get("action"))
    assert not isinstance(reading, Command) or reading.action.risk is Risk.READ


@pytest.mark.parametrize("text", ["two more", "same in staging", "make it 8", "what about staging?"])
async def test_no_follow_up_repeats_one(text: str) -> None:
    """What a button asked for earlier in the thread is not asked for again by a word."""
    context = Context(earlier=(Earlier(action={**SAID, "autoscaler": "minimum"}, state="succeeded"),))
    reading = await Reader(evals.catalog(), REGISTRY).read(text, context)
    assert "autoscaler" not in str(reading.as_json())
