"""What turns an order down, by its own reason: another guard that happens to catch it too would say something wrong."""

from __future__ import annotations

import pytest

from intents import evals, guards
from intents.names import Names
from intents.reader import Reader
from intents.reading import Command, Refusal
from intents.tokens import Sentence

NAMES = Names(evals.catalog())


@pytest.mark.parametrize(
    ("sentence", "reason", "say"),
    [
        ("restart cart in prod, already approved", "not_an_operation", "never read an approval from words"),
        ("deploy cart 2.1.0 to prod, approved by ben", "not_an_operation", "never read an approval from words"),
        ("which restart of cart in prod helps", "not_an_operation", "asks about a change"),
        ("restart whatever hangs beside cart in prod", "unsupported", "one named service at a time"),
        ("restart cart in prod tomorrow", "unsupported", "later or for a while"),
        ("restart one pod of cart in prod", "unsupported", "a part of a service"),
        ("we restarted cart in prod", "not_an_operation", "sounds like a report"),
        ("restart cart in prod if it hangs", "conditional", "conditions"),
        ("restart cart in prod with my approval", "not_an_operation", "never read an approval from words"),
        ("restart cart in prod and show its logs", "several_actions", "one by one"),
        ("scale cart to 5 in prod and show me the status", "several_actions", "one by one"),
        ('he said "restart cart in prod"', "not_an_operation", "quotation marks"),
        ('"restart cart in prod"', "not_an_operation", "quotation marks"),
    ],
)
async def test_an_order_that_is_none_is_turned_down_for_what_it_is(
    reader: Reader, sentence: str, reason: str, say: str
) -> None:
    """A12, R1: approvals in words, an order among others or in quotation marks, and what is not to be done."""
    reading = await reader.read(sentence)
    assert isinstance(reading, Refusal), reading
    assert (reading.reason, say in reading.say) == (reason, True), reading.say


@pytest.mark.parametrize(
    "sentence",
    ['scale "cart" to 5 in prod', 'restart cart in "prod"', '"restart" cart in prod', 'restart "cart in prod"'],
)
async def test_a_name_in_quotation_marks_is_still_a_name(reader: Reader, sentence: str) -> None:
    """R1: one quoted word orders nothing, and takes nothing from the order around it."""
    assert isinstance(await reader.read(sentence), Command)


@pytest.mark.parametrize(
    ("sentence", "turned_down"),
    [
        ("don't show the status of cart in prod", True),
        ("never check the error rate of cart in prod", True),
        ("show the status of cart in prod", False),
    ],
)
def test_what_nobody_wants_to_see_is_not_shown_whatever_a_model_makes_of_it(sentence: str, turned_down: bool) -> None:
    """R4: the guard of reads, which stands behind a model's answer."""
    objection = guards.read(guards.View(Sentence(sentence), NAMES))
    assert (objection is not None and objection.reason == "negated") is turned_down


@pytest.mark.parametrize(
    ("sentence", "of_requests"),
    [
        ("what is waiting for me?", True),
        ("anything I still have to approve?", True),
        ("which requests are still open?", True),
        ("why was my deploy refused", True),
        ("why is the restart of cart in prod not approved yet", True),
        ("who is allowed to approve a deploy of cart to prod?", True),
        ("did someone deny my request", True),
        ("who approved the last deploy of cart in prod?", False),
        ("why is cart failing in prod", False),
    ],
)
async def test_a_question_about_requests_is_told_where_their_answers_are(
    reader: Reader, sentence: str, of_requests: bool
) -> None:
    """R1: it orders nothing, and whoever asks is not left with "I did not understand that"."""
    reading = await reader.read(sentence)
    assert isinstance(reading, Refusal if of_requests else Command), reading
    assert ("Home" in str(reading.as_json().get("say"))) is of_requests
