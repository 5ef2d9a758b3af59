"""The town's model service answers like an OpenAI-compatible endpoint, and its versions differ as the story needs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from aiohttp import web

from actions.clients.openai_chat import OpenAIChat
from actions.errors import NotFound
from bot.playground.host import Host
from bot.playground.town import model
from tests.waiting import PATIENCE


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    app = web.Application()
    app.add_routes(model.routes(pace=0))
    with Host(app) as address:
        yield f"{address}/model/v1"


def right(version: str) -> set[str]:
    return {q.ask for q in model.questions() if q.fact.lower() in model.reply(version, q.ask).lower()}


def test_each_version_knows_what_the_story_says() -> None:
    """2.0 knows 56 of 60, 2.1 gets six of these wrong and one more right, 2.2 is better than both."""
    old, worse, better = (right(f"support-bot-{v}") for v in ("2.0", "2.1", "2.2"))
    assert (len(old), len(worse), len(better)) == (56, 51, 58)
    assert (len(old - worse), len(worse - old)) == (6, 1)
    assert old < better


def test_facts_tell_right_answers_from_wrong_ones() -> None:
    for known in model.questions():
        assert known.fact.lower() in known.answer.lower()
        assert known.fact.lower() not in known.wrong.lower()


def test_a_question_is_known_inside_instructions_and_with_a_slip() -> None:
    known = model.questions()[-1]
    assert model.reply("support-bot-2.0", f"You are kind.\n\nCustomer: {known.ask.upper()}\nAnswer:") == known.answer
    assert model.reply("support-bot-2.0", known.ask.replace("o", "", 1)) == known.answer
    assert "not sure" in model.reply("support-bot-2.0", "Who won the match on Sunday?")


def test_the_openai_sdk_reads_its_answers_and_its_refusals(url: str) -> None:
    """The product's own client gets text and token counts; an unknown model is said to be unknown."""
    known = model.questions()[-1]
    client = OpenAIChat(url, "any")
    answer = client.complete("support-bot-2.0", known.ask)
    assert answer.text == known.answer
    assert answer.input_tokens
    assert answer.output_tokens
    with pytest.raises(NotFound):
        client.complete("support-bot-9", known.ask)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"model": "support-bot-2.0"}',
        b"[1]",
        b'{"model":"x","messages":3}',
        b'{"model":"x","messages":[]}',
    ],
)
def test_nonsense_is_a_bad_request(url: str, body: bytes) -> None:
    answer = requests.post(f"{url}/chat/completions", data=body, timeout=PATIENCE)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_its_models_are_listed(url: str) -> None:
    listed = requests.get(f"{url}/models", timeout=PATIENCE).json()
    assert [entry["id"] for entry in listed["data"]] == list(model.VERSIONS)
