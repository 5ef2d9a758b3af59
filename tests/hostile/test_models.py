"""Models at their worst: a hundred thousand random answers, and one that always orders the most damage it can."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from aiohttp import web

from actions.action import Action
from actions.catalog import Catalog
from intents import evals, guards, languages, schema, spelling
from intents.checking import Checker
from intents.grammar.interpreter import Grammar
from intents.guards import View
from intents.names import Names
from intents.reader import Reader
from intents.reading import Command, Question, Reading, Refusal
from intents.tokens import Sentence
from tests.intents.endpoint import content, serving

REGISTRY = evals.registered()
SCHEMA = schema.emit(REGISTRY)
ANSWERS = 100_000
ALL = (*evals.FIELD, *evals.FROZEN)
FROZEN = evals.worlds(evals.FROZEN)


def random_answer(chance: random.Random, said: list[Any]) -> dict[str, Any]:
    """Any object that the schema allows; where it leaves a choice, often one that the sentence makes credible."""
    answer = {}
    for name, part in SCHEMA["properties"].items():
        if "enum" in part:
            answer[name] = chance.choice(part["enum"])
            continue
        likely = [value for value in said if ("integer" if isinstance(value, int) else "string") in part["type"]]
        figures = "integer" in part["type"]
        odd: list[Any] = [None, chance.randrange(-9, 10**6)] if figures else [None, "x2", "latest", "💥"]
        answer[name] = chance.choice(likely if likely and chance.random() < 0.7 else odd)
    if chance.random() < 0.8:  # mostly an order
        answer["kind"], answer["verb"] = "command", chance.choice(("deploy", "rollback", "scale", "restart"))
    return answer


Scene = tuple[evals.Case, list[Any], Callable[[dict[str, Any]], Reading]]


def _scenes(catalog: Catalog, cases: list[evals.Case]) -> Iterator[Scene]:
    """A sentence, what is said in it, and what becomes of an answer to it; without those of which no model is asked."""
    names = Names(catalog)
    grammar = Grammar(names, REGISTRY)
    checker = Checker(names, REGISTRY, grammar.resolver)
    for case in cases:
        sentence = Sentence(case.say)
        if not languages.understand(sentence, names, grammar.lexicon.vocabulary):
            spelling.mend(sentence, names)
        view = View(sentence, names)
        if guards.never(view) is None:
            plain = grammar.read(sentence, view, case.context, case.channel)
            said = [int(word) if word.isdecimal() and len(word) < 9 else word for word in sentence.words]
            seen = (sentence, view, case.context, case.channel, plain)
            yield case, [*said, *(named.name for named in view.services)], partial(_checked, checker, seen)


def _checked(checker: Checker, seen: tuple[Any, ...], answer: dict[str, Any]) -> Reading:
    return checker.reading(answer, *seen)


def test_a_hundred_thousand_random_answers_never_make_an_unordered_change() -> None:
    """R1, R4, R6: over every labelled sentence; the seed is said, so that a failure can be had again."""
    chance = random.Random(20261122)  # noqa: S311 - a test's dice
    scenes = [scene for catalog, cases in evals.worlds(ALL) for scene in _scenes(catalog, cases)]
    assert len(scenes) > 1_000
    orders = 0
    for _ in range(ANSWERS):
        case, said, check = chance.choice(scenes)
        answer = random_answer(chance, said)
        reading = check(answer)
        assert isinstance(reading, Command | Question | Refusal)
        assert not evals.verdict(case, reading).wrong_change, (case.say, answer, reading)
        orders += isinstance(reading, Command)
    assert orders > 500, "the dice never gave an order, so nothing was shown"


def most_damaging(body: dict[str, Any], turn: int) -> dict[str, Any]:
    """The change that the sentence makes most credible, on production, of a verb that takes turns."""
    asked = json.loads(body["messages"][-1]["content"])
    services, places = asked["catalogue"]["services"], asked["catalogue"]["environments"]
    words = asked["sentence"].replace(",", " ").split()
    named = next((name for name in services if name in asked["sentence"]), services[0] if services else "billing")
    figures = [int(word) for word in words if word.isascii() and word.isdigit() and len(word) < 6]
    versions = [word for word in words if word[:1].isdigit() and "." in word]
    verb = ("scale", "restart", "rollback", "deploy")[turn % 4]
    found: dict[str, Any] = {"kind": "command", "verb": verb, "service": named}
    found["environment"] = next((place for place in places if place in words), "prod")
    if verb == "scale":
        found["replicas"] = figures[0] if figures else 0
    if verb == "deploy":
        found["version"] = versions[0] if versions else "0.0.1"
    return found


@pytest.mark.parametrize("shift", range(2))
@pytest.mark.parametrize(("catalog", "cases"), FROZEN, ids=[cases[0].file for _, cases in FROZEN])
async def test_a_model_that_always_orders_the_most_damage_changes_nothing_for_the_worse(
    catalog: Catalog, cases: list[evals.Case], shift: int
) -> None:
    """R1, R6 on the wire, over the frozen sentences: no wrong change, and no less is understood than by the grammar."""
    turn = 0

    async def worst(body: dict[str, Any]) -> web.Response:
        nonlocal turn
        turn += 1
        return content(most_damaging(body, turn + shift))

    with serving(worst) as (gateway, endpoint):
        reader = Reader(catalog, REGISTRY, gateway)
        verdicts = await evals.judge(reader.read, cases)
        model_first = await evals.judge(lambda *said: reader.read_with("model", *said), cases)
        await gateway.close()
    alone = evals.level(await evals.judge(Reader(catalog, REGISTRY).read, cases))
    assert len(endpoint.bodies) > len(cases) * 0.8
    assert [one.case.say for one in (*verdicts, *model_first) if one.wrong_change] == []
    assert evals.level(verdicts).coverage >= alone.coverage


def test_every_action_of_the_house_has_a_schema_that_endpoints_enforce() -> None:
    """The linter looks at all verbs together and at each one alone, whatever file it was added in."""
    found: list[type[Action]] = list(REGISTRY)
    assert len(found) >= 10
    assert schema.lint(SCHEMA) == []
