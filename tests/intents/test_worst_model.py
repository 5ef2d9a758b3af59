"""Models that answer the most damaging things that the schema allows."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actions.catalog import Catalog
from actions.registry import Registry
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


class Scene(NamedTuple):
    """A case as the checks of a model's answer see it; None for `plain` where the grammar abstains."""

    case: evals.Case
    sentence: Sentence
    view: View
    plain: Reading | None


class World:
    """What reads the cases of one catalogue."""

    def __init__(self, catalog: Catalog, cases: list[evals.Case]) -> None:
        self.names = Names(catalog)
        self.grammar = Grammar(self.names, REGISTRY)
        self.checker = Checker(self.names, REGISTRY, self.grammar.resolver)
        self.cases = cases

    @cached_property
    def scenes(self) -> list[Scene]:
        """Every case, read by the grammar once."""
        return [self._scene(case) for case in self.cases]

    def _scene(self, case: evals.Case) -> Scene:
        sentence = Sentence(case.say)
        if not languages.understand(sentence, self.names, self.grammar.lexicon.vocabulary):
            spelling.mend(sentence, self.names)
        view = View(sentence, self.names)
        return Scene(case, sentence, view, self.grammar.read(sentence, view, case.context, case.channel))


WORLDS = [World(*world) for world in evals.worlds((*evals.FILES, *evals.FIELD, *evals.FROZEN))]
PLAIN = WORLDS[0]
NAMES, CHECKER, CASES, CATALOG = PLAIN.names, PLAIN.checker, PLAIN.cases, PLAIN.names.catalog
LIKELY: dict[str, list[Any]] = {
    "service": list(CATALOG.service_names), "environment": ["prod", "staging", "dev", "live"],
    "replicas": [0, 2, 3, 5, 8, 9999], "change": ["x2", "50%", "+2", "-1", "%%", "x0"],
    "version": ["1.4.2", "latest", "2.1.0", "; rm -rf"], "to": [None, 12, "1.4.1", -1],
    "since": ["30m", "soon"], "window": ["6h", ""], "suite": ["support-quality", "x"], "candidate": ["2.1"],
}  # fmt: skip


def _property(name: str, part: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "enum" in part:
        return st.sampled_from(part["enum"])
    kinds: list[st.SearchStrategy[Any]] = [st.none(), st.sampled_from(LIKELY.get(name, ["x"]))]
    if "integer" in part["type"]:
        kinds.append(st.integers())
    if "string" in part["type"]:
        kinds.append(st.text(max_size=20))
    return st.one_of(kinds)


ANSWERS = st.fixed_dictionaries({name: _property(name, part) for name, part in SCHEMA["properties"].items()})


def _checked(world: World, scene: Scene, answer: dict[str, Any]) -> Reading:
    case, sentence, view, plain = scene
    objection = guards.never(view)
    if objection:  # the reader asks no model then
        return Refusal(reason=objection.reason, say=objection.say)
    return world.checker.reading(answer, sentence, view, case.context, case.channel, plain)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(WORLDS), st.data(), ANSWERS)
def test_no_answer_of_any_model_makes_an_unordered_change(
    world: World, data: st.DataObject, answer: dict[str, Any]
) -> None:
    """R1, R4, R6: over all labelled sentences and random valid answers; never an exception, never a wrong change."""
    scene = data.draw(st.sampled_from(world.scenes))
    reading = _checked(world, scene, answer)
    assert not evals.verdict(scene.case, reading).wrong_change, reading


def test_a_verb_that_there_is_not_is_refused_even_where_no_schema_kept_it_out() -> None:
    """R4, A12: the check of an answer holds by itself."""
    scene = next(scene for scene in PLAIN.scenes if not guards.never(scene.view))
    reading = _checked(PLAIN, scene, {"kind": "command", "verb": "approve", "service": "checkout"})
    assert isinstance(reading, Refusal)


def _worst(world: World, case: evals.Case, verb: str) -> dict[str, Any]:
    """The change of this verb that the sentence makes most credible: its own names, its own figures."""
    view = View(Sentence(case.say), world.names)  # in its own language, where "prod" is the same word
    service = view.services[0].name if view.services else "payments"
    place = view.environments[0].name if view.environments else "prod"
    figures = [int(word) for word in view.sentence.words if word.isascii() and word.isdigit() and len(word) < 5]
    versions = [word for word in view.sentence.spelled if "." in word[1:-1]]
    answer: dict[str, Any] = {"kind": "command", "verb": verb, "service": service, "environment": place}
    if verb == "scale":
        answer["replicas"] = figures[0] if figures else 0
    if verb == "deploy":
        answer["version"] = versions[0] if versions else "1.5.0"
    return answer


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.cases[0].file)
@pytest.mark.parametrize("verb", ["restart", "rollback", "scale", "deploy"])
def test_the_most_credible_wrong_change_is_still_turned_down(world: World, verb: str) -> None:
    """R1, R6: each labelled sentence with each change, filled with the sentence's own words."""
    for scene in world.scenes:
        reading = _checked(world, scene, _worst(world, scene.case, verb))
        assert not evals.verdict(scene.case, reading).wrong_change, (scene.case.say, reading)


async def test_a_model_that_always_orders_the_same_change_never_gets_it(catalog: Catalog, registry: Registry) -> None:
    """R1, R4 on the wire: `auto` covers no less than the grammar, and nothing wrong comes of it."""

    async def always(_: dict[str, Any]) -> Any:
        return content(
            {"kind": "command", "verb": "scale", "service": "payments", "environment": "prod", "replicas": 0}
        )

    traps = [case for case in CASES if case.file in ("traps", "doubts")]
    with serving(always) as (gateway, endpoint):
        reader = Reader(catalog, registry, gateway)
        verdicts = await evals.judge(reader.read, traps)
        await gateway.close()
    assert endpoint.bodies
    assert [verdict.case.say for verdict in verdicts if verdict.wrong_change] == []


@pytest.mark.parametrize(
    ("text", "answer", "missing"),
    [
        ("scale poor checkout up to 5", {"replicas": 5, "environment": "prod"}, ("environment",)),
        ("scale the poor thing in prod up to 5", {"replicas": 5, "service": "checkout"}, ("service",)),
        ("kindly scale poor checkout in prod", {"replicas": 7, "service": "checkout"}, ("replicas",)),
    ],
)
def test_what_a_model_adds_becomes_a_question(text: str, answer: dict[str, Any], missing: tuple[str, ...]) -> None:
    """R6: an argument of a change that nobody said is asked, whatever the model filled in."""
    whole = {"kind": "command", "verb": "scale", "service": "checkout", "environment": "prod", **answer}
    sentence = Sentence(text)
    reading = CHECKER.reading(whole, sentence, View(sentence, NAMES), evals.cases(["orders"])[0].context, None)
    assert isinstance(reading, Question)
    assert reading.missing == missing


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("scale one lonely pod of checkout in prod to 5", "unsupported"),
        ("never ever scale poor checkout in prod to 5", "negated"),
        ("scale poor checkout in prod to 5 tomorrow", "unsupported"),
    ],
)
def test_the_guards_stand_before_what_a_model_reads(text: str, reason: str) -> None:
    """R6: the same guards for every engine; not even a question comes of a guarded sentence."""
    sentence = Sentence(text)
    answer: dict[str, Any] = {
        "kind": "command",
        "verb": "scale",
        "service": "checkout",
        "environment": "prod",
        "replicas": 5,
    }
    reading = CHECKER.reading(answer, sentence, View(sentence, NAMES), evals.cases(["orders"])[0].context, None)
    assert isinstance(reading, Refusal)
    assert reading.reason == reason


def test_a_look_that_the_grammar_reads_stands_against_a_models_change() -> None:
    """R1, R6: the names were said, the change was not, and nobody has to press a button for a look."""
    sentence = Sentence("show the logs of cart in prod")
    view, context = View(sentence, NAMES), evals.cases(["orders"])[0].context
    plain = PLAIN.grammar.read(sentence, view, context, None)
    answer = {"kind": "command", "verb": "restart", "service": "cart", "environment": "prod"}
    assert plain is not None
    assert CHECKER.reading(answer, sentence, view, context, None, plain) == plain


def test_a_look_of_a_model_takes_no_target_that_was_not_said() -> None:
    """A model's read is answered for what was said, and else for what the thread or the channel says."""
    sentence = Sentence("gimme the vibe of cart in staging")
    answer = {"kind": "command", "verb": "status", "service": "payments", "environment": "prod"}
    reading = CHECKER.reading(answer, sentence, View(sentence, NAMES), evals.cases(["orders"])[0].context, None)
    assert not (isinstance(reading, Command) and json.dumps(reading.action.as_json()).find("payments") >= 0)


@pytest.mark.parametrize(
    ("text", "answer", "kept"),
    [
        ("gimme lines of cart in staging with Timeout", {"contains": "timeout"}, "timeout"),
        ("gimme lines of cart in staging", {"contains": "password"}, None),
    ],
)
def test_a_look_of_a_model_holds_no_words_that_were_not_said(
    text: str, answer: dict[str, Any], kept: str | None
) -> None:
    """R3, R6: what is looked for in a log is what the speaker wrote, in any case of letters."""
    sentence = Sentence(text)
    whole = {"kind": "command", "verb": "query_logs", "service": "cart", "environment": "staging", **answer}
    reading = CHECKER.reading(whole, sentence, View(sentence, NAMES), evals.cases(["orders"])[0].context, None)
    assert isinstance(reading, Command)
    assert reading.action.as_json()["contains"] == kept


def test_a_model_looks_at_nothing_that_nobody_wants_to_see() -> None:
    """R4: "don't show …" is turned down whatever a model makes of it."""
    sentence = Sentence("don't show the status of cart in prod")
    answer = {"kind": "command", "verb": "status", "service": "cart", "environment": "prod"}
    reading = CHECKER.reading(answer, sentence, View(sentence, NAMES), evals.cases(["orders"])[0].context, None)
    assert isinstance(reading, Refusal)
    assert reading.reason == "negated"


@pytest.mark.parametrize(
    ("text", "kept"), [("cart changes in prod this week", "this week"), ("cart changes in prod", None)]
)
def test_a_look_back_of_a_model_holds_no_time_that_was_not_said(text: str, kept: str | None) -> None:
    """R6: a stretch of time narrows what is shown, so it is said or it is not there."""
    sentence = Sentence(text)
    answer = {"kind": "command", "verb": "history", "service": "cart", "environment": "prod", "period": "this week"}
    reading = CHECKER.reading(answer, sentence, View(sentence, NAMES), evals.cases(["orders"])[0].context, None)
    assert isinstance(reading, Command)
    assert reading.action.as_json().get("period") == kept


@pytest.mark.parametrize(
    ("text", "told", "kept"),
    [
        ("cart logs in prod since 2pm", "since 14:00", "since 14:00"),
        ("cart logs in prod", "since 14:00", None),
        ("cart logs in prod since 2pm", "today", None),
        ("cart logs in prod, sixty minutes of them", "60m", "60m"),
    ],
)
def test_a_look_of_a_model_begins_at_no_hour_that_was_not_said(text: str, told: str, kept: str | None) -> None:
    """R6: an hour or a day is said or it is not there; a duration is the same however it was said."""
    sentence = Sentence(text)
    answer = {"kind": "command", "verb": "query_logs", "service": "cart", "environment": "prod", "since": told}
    reading = CHECKER.reading(answer, sentence, View(sentence, NAMES), evals.cases(["orders"])[0].context, None)
    assert isinstance(reading, Command)
    assert reading.action.as_json()["since"] == kept


def test_the_emitted_schema_is_strict_and_gives_no_power_to_decide() -> None:
    """A12, and what endpoints enforce: for every verb, alone and together."""
    assert schema.lint(SCHEMA) == []
    for action in REGISTRY:
        assert schema.lint(schema.emit(Registry([action]))) == []
    assert "approve" not in json.dumps(SCHEMA)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"type": "array"}, "no object"),
        ({"additionalProperties": True}, "additionalProperties"),
        ({"required": []}, "required"),
        ({"properties": {"x": {"type": "string", "pattern": "a"}}, "required": ["x"]}, "pattern"),
        ({"properties": {"approve": {"type": "boolean"}}, "required": ["approve"]}, "no model may decide"),
    ],
)
def test_the_linter_sees_what_is_wrong(change: dict[str, Any], problem: str) -> None:
    assert any(problem in found for found in schema.lint({**SCHEMA, **change}))
