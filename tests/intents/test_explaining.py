"""Why a sentence was read so: the person's own words beside each argument, in any language."""

from __future__ import annotations

from typing import Any

import pytest

from intents import evals, explaining
from intents.reader import Reader
from intents.reading import Context, Question, Refusal

READER = Reader(evals.catalog(), evals.registered())
SCALED = Context.model_validate(
    {
        "earlier": [
            {"action": {"verb": "scale", "service": "cart", "environment": "prod", "replicas": 5}, "state": "waiting"}
        ]
    }
)


async def why(text: str, context: Context = Context()) -> str:  # noqa: B008 - frozen
    return "\n".join(READER.explain(text, context, await READER.read(text, context)))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "scale basket to a dozen in live pls",
            (
                "service cart: you wrote “basket”",
                "environment prod: you wrote “live”",
                "replicas 12: you wrote “to a dozen”",
            ),
        ),
        (
            "deploy checkout-api 1.4.2 to stage",
            ("service checkout: you wrote “checkout-api”", "version 1.4.2: you wrote “1.4.2”"),
        ),
        (
            "starte basket in Produktion neu",
            ("From German: restart basket in production", "environment prod: you wrote “Produktion”"),
        ),
        ("把basket在生产环境扩容到5个副本", ("From Chinese", "replicas 5: you wrote")),
        ("errors of cart last 2h", ("environment prod: you named none", "since 2h: you wrote it")),
        ("restart crat in prod", ("I did not act on that: I know no service",)),
    ],
)
async def test_each_argument_is_shown_beside_the_words_it_stands_in(text: str, lines: tuple[str, ...]) -> None:
    """R6, for the person."""
    said = await why(text)
    assert [line for line in lines if line not in said] == []


async def test_what_came_from_the_thread_is_said_to() -> None:
    said = await why("make it 8", SCALED)
    assert "service cart: from my last action in this thread" in said
    assert "replicas 8: you wrote “8”" in said


@pytest.mark.parametrize(
    "text", ["why did you read it so?", "How did you understand that", "why did you read this that way??"]
)
def test_the_question_is_known(text: str) -> None:
    assert explaining.is_asked(text)
    assert not explaining.is_asked("why did you restart cart")


@pytest.mark.parametrize("text", ["cancel that", "never mind", "stop", "abort it", "das bitte abbrechen"])
async def test_what_is_taken_back_where_nothing_was_asked_is_no_riddle_for_a_model(text: str) -> None:
    """R1: the words are understood; which request they mean, only the place can tell."""
    reading = await READER.read(text)
    assert isinstance(reading, Refusal)
    assert (reading.reason, reading.takes_back) == ("negated", True)


@pytest.mark.parametrize("text", ["stop checkout in prod", "cancel the checkout deploy in prod", "stop that for cart"])
async def test_what_names_something_is_not_taken_for_that(text: str) -> None:
    reading = await READER.read(text)
    assert isinstance(reading, Refusal | Question)
    assert not getattr(reading, "takes_back", False)


@pytest.mark.parametrize(
    ("state", "part"),
    [
        ("unknown", "cannot tell yet"),
        ("waiting", "Press Withdraw"),
        ("running", "Stop watching leaves it to itself, and Undo… asks for the way back"),
        ("ready", "its card offers Undo…"),
        ("answered", "only a look"),
        ("succeeded", "is over"),
    ],
)
@pytest.mark.parametrize("text", ["cancel that", "never mind", "please stop it", "oh no, forget that one"])
async def test_nothing_is_withdrawn_by_words_but_the_way_is_said(text: str, state: str, part: str) -> None:
    earlier: dict[str, Any] = {"earlier": [{**SCALED.earlier[0].model_dump(), "state": state}]}
    answer = (await READER.read(text, Context.model_validate(earlier))).as_json()
    assert (answer["kind"], answer["reason"]) == ("refusal", "negated")
    assert part in str(answer["say"])
