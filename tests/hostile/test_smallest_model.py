"""The worst model behind a real endpoint: it may understand nothing, and no change comes of what it makes up.

A sample of the frozen sentences; TWOKEY_TEST_MODEL_SENTENCES=all has every one of them read (20 minutes on two cores),
and 3/12 the third of twelve parts of them: on a busy machine the parts are run one by one, for none takes long.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from actions.catalog import Catalog
from actions.clock import ManualClock
from intents import asking, evals, guards, journal, languages, schema, spelling
from intents.checking import Checker
from intents.gateway import ModelGateway
from intents.grammar.interpreter import Grammar
from intents.guards import View
from intents.models.breaker import LONGEST
from intents.models.endpoints import Endpoint, Models
from intents.models.failures import ModelFailed
from intents.names import Names
from intents.reader import Reader
from intents.tokens import Sentence
from tests.hostile.model_endpoint import HOW, model_endpoint

REGISTRY = evals.registered()
SAMPLE = 7  # of each catalogue's
ENOUGH = 0.5  # of the questions answered by the model itself
PATIENCE = 600.0  # seconds for an answer, of which a quiet machine needs a few
ASKED_FOR = os.environ.get("TWOKEY_TEST_MODEL_SENTENCES", "")


def _wanted(cases: list[evals.Case]) -> list[evals.Case]:
    """Those of a catalogue that this run is about."""
    if not ASKED_FOR:
        return cases[:: len(cases) // SAMPLE + 1]
    part, _, parts = "1/1".partition("/") if ASKED_FOR == "all" else ASKED_FOR.partition("/")
    return cases[int(part) - 1 :: int(parts)]


WORLDS = [(catalog, _wanted(cases)) for catalog, cases in evals.worlds(evals.FROZEN)]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = os.environ.get("TWOKEY_TEST_MODEL_ENDPOINT")
    if not folder:
        pytest.skip(HOW)
    with model_endpoint(Path(folder), tmp_path_factory.mktemp("model") / "log") as found:
        yield found


class Asked:
    """A gateway to it, with what became of each question.

    What counts is what the model says, and not how fast the machine is: it has more time than any setting allows, and
    by the gateway's clock a long time passes after each failure, so that it is never left alone for a while.
    """

    def __init__(self, url: str) -> None:
        self.calls: list[journal.Call] = []
        self._clock = ManualClock()
        endpoint = Endpoint(base_url=url, model="smollm2", concurrent=1)
        models = Models(endpoints=(endpoint,)).model_copy(update={"deadline": PATIENCE})
        self.gateway = ModelGateway(models, self._note, self._clock.steady)

    def _note(self, call: journal.Call) -> None:
        self.calls.append(call)
        if call.ending == "failed":
            self._clock.advance(LONGEST)

    @property
    def answered(self) -> float:
        """The share of questions that the model itself answered."""
        return sum(call.ending != "failed" for call in self.calls) / len(self.calls)


def _said(url: str, **more: Any) -> requests.Response:
    body = {"model": "smollm2", "messages": [{"role": "user", "content": "What colour is the sky?"}], "max_tokens": 40}
    with requests.Session() as session:
        session.trust_env = False
        return session.post(f"{url}/chat/completions", json={**body, **more}, timeout=PATIENCE)


async def test_its_own_ways_of_failing_are_found_by_the_probe(url: str) -> None:
    """It answers 500 to a schema and ignores `required`; a named tool is what it holds to, and so is asked for."""
    form = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": {"type": "object"}}}
    assert _said(url, response_format=form).status_code == 500
    tool = {"type": "function", "function": {"name": "x", "parameters": {"type": "object", "properties": {}}}}
    prose = _said(url, tools=[tool], tool_choice="required").json()["choices"][0]["message"]
    assert not prose.get("tool_calls")
    asked = Asked(url)
    (found,) = await asked.gateway.probe()
    await asked.gateway.close()
    assert (found.enforces, found.problem) == ("tools", None)


async def test_with_the_smallest_model_alone_nothing_wrong_changes_and_no_less_is_understood(url: str) -> None:
    """R1, R6 with a real model: asked where the grammar abstains, and then for every sentence."""
    asked = Asked(url)
    await asked.gateway.probe()
    for catalog, cases in WORLDS:
        reader = Reader(catalog, REGISTRY, asked.gateway)
        model_first = await evals.judge(lambda *said, r=reader: r.read_with("model", *said), cases)
        verdicts = await evals.judge(reader.read, cases)
        alone = evals.level(await evals.judge(Reader(catalog, REGISTRY).read, cases))
        assert [one.case.say for one in (*verdicts, *model_first) if one.wrong_change] == []
        assert evals.level(verdicts).coverage >= alone.coverage
    await asked.gateway.close()
    assert asked.answered > ENOUGH


@pytest.mark.parametrize(("catalog", "cases"), WORLDS, ids=[cases[0].file for _, cases in WORLDS])
async def test_a_real_model_that_has_to_order_something_still_orders_nothing_wrong(
    url: str, catalog: Catalog, cases: list[evals.Case]
) -> None:
    """R1, R6: it is given a schema that allows nothing but a change, and so makes one up for every sentence."""
    emitted = schema.emit(REGISTRY)
    changes = {
        "kind": {"type": "string", "enum": ["command"]},
        "verb": {"type": "string", "enum": ["deploy", "restart", "rollback", "scale"]},
        "service": {"type": "string"},
        "environment": {"type": "string", "enum": sorted(catalog.environments)},
        "replicas": {"type": ["integer", "null"]},
        "version": {"type": ["string", "null"]},
    }
    forced = {**emitted, "properties": changes, "required": list(changes)}
    names = Names(catalog)
    grammar = Grammar(names, REGISTRY)
    checker = Checker(names, REGISTRY, grammar.resolver)
    asked = Asked(url)
    wrong, made_up = [], 0
    for case in cases:
        sentence = Sentence(case.say)
        if not languages.understand(sentence, names, grammar.lexicon.vocabulary):
            spelling.mend(sentence, names)
        view = View(sentence, names)
        if guards.never(view) is not None:
            continue
        messages = asking.messages(sentence, case.context, names, grammar.lexicon)
        try:
            answer = await asked.gateway.ask(messages, forced, output_tokens=120)
        except ModelFailed:
            continue
        plain = grammar.read(sentence, view, case.context, case.channel)
        reading = checker.reading(answer, sentence, view, case.context, case.channel, plain)
        meant = case.means or {}
        made_up += any(answer.get(key) != meant.get(key) for key in ("verb", "service", "environment"))
        if evals.verdict(case, reading).wrong_change:
            wrong.append((case.say, answer, reading))
    await asked.gateway.close()
    assert wrong == []
    assert asked.answered > ENOUGH
    assert made_up > len(cases) / 2, "the model is too good to show anything"
